"""What every figure shows, as plain frames of points, which plots.py and bars.py draw.

A frame has the columns POINT, and `facet` where a figure is several small ones. Incomplete cells have no
point. What a folder has nothing for is a frame without rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ttc.readout.names import PANEL
from ttc.readout.votes import VOTES
from ttc.report.tables import in_order
from ttc.report.view import name, panels, shown
from ttc.strategies.aggregations import AGGREGATIONS

POOL, GREEDY = "best_of_n", "greedy"
POINT = [
    *("panel", *PANEL, "cell", "strategy", "variant", "line", "vote", "agg", "subset", "n", "shared"),
    *("accuracy", "accuracy_low", "accuracy_high", "headline", "upper_bound", "problems", "seeds"),
    *("generated_tokens", "policy_tokens", "prm_tokens", "flops", "seconds"),
]
"""Of the readout's columns, and `panel`, the title of its picture; `variant`, the words that are not in the
title; `line`, strategy and variant; `shared`: the n = 1 cell of best_of_n, at which other lines begin."""
BOUNDS = [vote for vote, one in VOTES.items() if one.upper_bound]


def accuracy(rows: pd.DataFrame) -> pd.DataFrame:
    """The headlines, greedy among them, and pass@n of the samples: what choosing could bring at most."""
    points = curves(rows)
    return points[points["headline"] | (_pooled(points) & points["vote"].isin(BOUNDS))]


def compute(rows: pd.DataFrame) -> pd.DataFrame:
    """The same, where it is known what everything cost, the verifier's work with the policy's."""
    points = accuracy(rows)
    return points[(points["flops"] > 0).groupby(points["panel"]).transform("all")]


def votes(rows: pd.DataFrame) -> pd.DataFrame:
    """Every vote; a facet for each line."""
    points = curves(rows)
    points = points[points["strategy"] != GREEDY]
    return points.assign(facet=points["line"])


def majority(rows: pd.DataFrame) -> pd.DataFrame:
    """Majority over n, and greedy."""
    points = curves(rows)
    found = points[_pooled(points) & (points["vote"] == "majority")]
    greedy = points[(points["strategy"] == GREEDY) & points["headline"]]
    return pd.concat([found, greedy]) if (found["n"] > 1).any() else found[:0]


def selection(rows: pd.DataFrame) -> pd.DataFrame:
    """Vanilla and weighted best-of-N over the samples, a facet for each aggregation; majority in each."""
    points = curves(rows, every_agg=True)
    points = points[_pooled(points) & ~points["vote"].isin(BOUNDS)]
    scored = points[points["agg"].notna()]
    facets = in_order(scored["agg"], AGGREGATIONS) if (scored["n"] > 1).any() else []
    parts = [points[points["agg"].isna() | (points["agg"] == agg)].assign(facet=agg) for agg in facets]
    return pd.concat(parts) if parts else points[:0].assign(facet=None)


def searches(rows: pd.DataFrame) -> pd.DataFrame:
    """The searches, by their headlines, against weighted and majority over the samples."""
    points = curves(rows)
    pooled = _pooled(points)
    searched = points["headline"] & ~pooled & (points["strategy"] != GREEDY)
    found = points[searched | (pooled & points["vote"].isin(["weighted", "majority"]))]
    return found[found["panel"].isin(points.loc[searched, "panel"])]


def levels(by_rows: pd.DataFrame) -> pd.DataFrame:
    """The headlines by level, from rows of readout_by.parquet; a facet for each n. n = 1 has none where there
    are others, which have its accuracy in `one_path`. More columns: `level`; `bar`, the line, and its vote
    where it has several."""
    points = curves(by_rows[by_rows["level"].notna()], more=["level"], starts=False)
    points = points[points["headline"]]
    several = points.groupby(["panel", "line"])["vote"].transform("nunique") > 1
    bar = points["line"].where(~several, points["line"] + " " + points["vote"])
    points = points.assign(facet=[f"n = {n}" for n in points["n"]], bar=bar)
    ones = points[(points["n"] == 1) & (points["strategy"] == POOL)].drop_duplicates(["panel", "level"])
    ones = ones[["panel", "level", "accuracy"]].rename(columns={"accuracy": "one_path"})
    if (points["n"] > 1).any():
        points = points[points["n"] > 1].sort_values("n", kind="stable")
    return points.merge(ones, on=["panel", "level"], how="left")


def most_chosen(choices: pd.DataFrame) -> pd.DataFrame:
    """Of the rows of optimal_choices.parquet, for each bin and budget the candidate most often chosen."""
    return choices.drop_duplicates([*PANEL, "budget", "label"])  # the rows of a bin come by share


def curves(
    rows: pd.DataFrame, every_agg: bool = False, more: Sequence[str] = (), starts: bool = True
) -> pd.DataFrame:
    """The points of all lines, in the order of tables, from rows of readout.parquet.

    Args:
        every_agg: not only in the declared aggregation.
        more: columns beside POINT.
        starts: lines of searches begin at the n = 1 cell that they share.
    """
    columns = [*POINT, *more]
    rows = rows[[column for column in columns if column in rows]]
    parts = []
    for title, part in panels(shown(rows, every_agg)):
        part = part[part["accuracy"].notna()]
        lines = list(map(name, part["strategy"], part["variant"]))
        part = part.assign(panel=title, line=lines, shared=False)
        first = part[(part["strategy"] == POOL) & (part["n"] == 1)] if starts else part[:0]
        for keys, line in part.groupby(["strategy", "variant", "vote", "agg"], sort=False, dropna=False):
            strategy, variant, vote, _ = keys
            larger = line[line["n"] > 1]
            if strategy not in (GREEDY, POOL) and len(begin := start(first, variant, vote)):
                own = {key: line[key].iloc[0] for key in ("strategy", "variant", "line")}
                line = pd.concat([begin.assign(**own, shared=True), line])
            if len(larger):  # one path is every vote's: a headline where its line is
                line = line.assign(headline=line["headline"].where(line["n"] > 1, larger["headline"].any()))
            parts.append(line)
    none = rows[:0].assign(panel="", line="", shared=False)
    return (pd.concat(parts, ignore_index=True) if parts else none)[columns]


def start(firsts: pd.DataFrame, variant: Any, vote: Any) -> pd.DataFrame:
    """The n = 1 cell that a line starts at: the one that shares most of its settings and has none beside."""
    words = set(variant.split())
    fitting = [i for i, other in enumerate(firsts["variant"]) if set(other.split()) <= words]
    same_vote = [i for i in fitting if firsts["vote"].iloc[i] == vote]
    return firsts.iloc[sorted(same_vote, key=lambda i: len(firsts["variant"].iloc[i].split()))[-1:]]


def incomplete(rows: pd.DataFrame) -> dict[str, list[str]]:
    """panel -> the cells without a point, as `beam@64`."""
    found = {}
    for title, part in panels(shown(rows)):
        cells = part[part["accuracy"].isna()].drop_duplicates("cell")
        words = zip(cells["strategy"], cells["variant"], cells["n"], strict=True)
        found[title] = [f"{name(strategy, variant)}@{n}" for strategy, variant, n in words]
    return found


def _pooled(points: pd.DataFrame) -> pd.Series:
    """Independent samples: best_of_n, and search-and-learn's of that name."""
    return points["strategy"].str.endswith(POOL)
