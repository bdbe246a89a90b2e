"""Which rows of readout.parquet a table or a plot shows, and in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ttc.readout.names import PANEL, declared, rank
from ttc.readout.votes import VOTES
from ttc.report.formats import budget
from ttc.strategies import STRATEGIES


def shown(rows: pd.DataFrame, every_agg: bool = False, every_vote: bool = False) -> pd.DataFrame:
    """A row per cell and vote, in the declared subset and aggregation (or in every aggregation), by strategy,
    variant, vote and n. Votes that stand aside are shown where they are headlines (or every one)."""
    subset, agg = declared(rows)
    aside = rows["vote"].isin([name for name, vote in VOTES.items() if vote.aside])
    main = every_vote | ~aside | rows["headline"].astype(bool)
    own = every_agg | rows["agg"].isna() | (rows["agg"] == agg)
    return ordered(rows[(rows["subset"] == subset) & main & own])


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by strategy, variant, vote and n; no verifier is `none`, as on the command line."""
    ranks = rows.assign(
        strategy_rank=rows["strategy"].map(lambda name: rank(STRATEGIES, name)),
        vote_rank=rows["vote"].map(lambda name: rank(VOTES, name)),
        prm=rows["prm"].fillna("none"),
    )
    order = [*PANEL, "strategy_rank", "strategy", "variant", "vote_rank", "n"]
    return ranks.sort_values(order, kind="stable").drop(columns=["strategy_rank", "vote_rank"])


def panels(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """(title, rows) for each policy, prm, dataset and prompt. Words of `variant` that all rows of a panel
    share stand in its title instead."""
    found = []
    bounds = [vote for vote, one in VOTES.items() if one.upper_bound]
    for (policy, prm, dataset, prompt), part in rows.groupby(PANEL, sort=False):
        variants = [set(variant.split()) for variant in part["variant"]]
        common = set.intersection(*variants)
        own = [" ".join(sorted(words - common)) for words in variants]
        knows = part.loc[~part["vote"].isin(bounds), "upper_bound"].any()
        known = " (knows the answers: upper bound)" if knows else ""
        title = f"{dataset}: policy {policy}, prm {prm}{known}, prompt {prompt}"
        found.append((", ".join([title, *sorted(common)]), part.assign(variant=own)))
    return found


def sizes(rows: pd.DataFrame) -> str:
    """How many problems and seeds stand behind the rows."""
    parts = []
    for noun in ("problem", "seed"):
        low, high = int(rows[f"{noun}s"].min()), int(rows[f"{noun}s"].max())
        number = str(low) if low == high else f"{low} to {high}"
        parts.append(f"{number} {noun}{'' if high == 1 else 's'}")
    return ", ".join(parts)


@dataclass(frozen=True, order=True)
class Spot:
    """Where to the right a point of a line stands: at so many paths, or at a budget."""

    size: float
    text: str

    def __str__(self) -> str:
        return self.text


def spot_of(strategy: str, variant: str, n: int) -> tuple[str, Spot]:
    """A row's line and its spot there. What a budget ends stands at the budget: its n says how wide a search
    is, and is part of the line's name."""
    words = variant.split()
    limits = [word for word in words if word.startswith("budget.")]
    if not limits:
        return name(strategy, variant), Spot(n, str(n))
    measure, limit = limits[0].removeprefix("budget.").split("=")
    rest = " ".join(word for word in words if word not in limits)
    return f"{name(strategy, rest)} (n={n})", Spot(float(limit), f"{budget(float(limit))} {measure}")


def name(strategy: Any, variant: Any) -> str:
    """A line's name: its strategy, and what differs from the shipped configuration."""
    return f"{strategy} {variant}".strip()
