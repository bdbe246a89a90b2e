"""Which rows of readout.parquet a table or a plot shows, and in what order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ttc.readout.votes import VOTES
from ttc.strategies import STRATEGIES

PANEL = ["policy", "prm", "dataset", "prompt"]
"""What must be equal for two lines to stand in one picture."""


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per cell and vote, in the declared subset and aggregation, by strategy, variant, vote and n."""
    declared = rows[rows["headline"]]
    subset = declared["subset"].iloc[0] if len(declared) else "resample"
    aggs = declared["agg"].dropna()
    agg = aggs.iloc[0] if len(aggs) else "last"
    kept = rows[(rows["subset"] == subset) & (rows["agg"].isna() | (rows["agg"] == agg))]
    ranks = kept.assign(
        strategy_rank=kept["strategy"].map(lambda name: rank(STRATEGIES, name)),
        vote_rank=kept["vote"].map(lambda name: rank(VOTES, name)),
        prm=kept["prm"].fillna("none"),
    )
    order = [*PANEL, "strategy_rank", "strategy", "variant", "vote_rank", "n"]
    return ranks.sort_values(order, kind="stable").drop(columns=["strategy_rank", "vote_rank"])


def panels(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """(title, rows) for each policy, prm, dataset and prompt.

    Words of `variant` that all rows of a panel share stand in its title instead.
    """
    found = []
    for (policy, prm, dataset, prompt), part in rows.groupby(PANEL, sort=False):
        variants = [set(variant.split()) for variant in part["variant"]]
        common = set.intersection(*variants)
        own = [" ".join(sorted(words - common)) for words in variants]
        bounds = [vote for vote, one in VOTES.items() if one.upper_bound]
        knows = part.loc[~part["vote"].isin(bounds), "upper_bound"].any()
        known = " (knows the answers: upper bound)" if knows else ""
        title = ", ".join(
            [f"{dataset}: policy {policy}", f"prm {prm}{known}", f"prompt {prompt}", *sorted(common)]
        )
        found.append((title, part.assign(variant=own)))
    return found


def sizes(rows: pd.DataFrame) -> str:
    """How many problems and seeds stand behind the rows."""
    return f"{_count(rows['problems'], 'problem')}, {_count(rows['seeds'], 'seed')}"


def _count(column: pd.Series, noun: str) -> str:
    low, high = int(column.min()), int(column.max())
    number = str(low) if low == high else f"{low} to {high}"
    return f"{number} {noun}{'' if high == 1 else 's'}"


def name(strategy: Any, variant: Any) -> str:
    """A line's name: its strategy, and what differs from the shipped configuration."""
    return f"{strategy} {variant}".strip()


def rank(names: Iterable[str], name: str) -> int:
    """Where a name stands in a registry; others come last."""
    order = [*names]
    return order.index(name) if name in order else len(order)
