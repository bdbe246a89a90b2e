"""The table a sweep ends with: accuracy, its interval and its cost, by strategy, vote and n."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from rich.console import Console

from ttc.readout.names import plain
from ttc.report.console import relative, show
from ttc.report.doubts import add_doubts, explain
from ttc.report.formats import points
from ttc.report.tables import Row, Table, column
from ttc.report.view import name, panels, shown, sizes
from ttc.store import Folder
from ttc.store.published import REPORT
from ttc.types import Reference

COSTS = ("policy_tokens", "prm_tokens", "flops", "seconds")


def show_results(
    console: Console,
    folder: Folder,
    rows: pd.DataFrame,
    cells: Sequence[str],
    doubts: Mapping[str, float],
    references: Sequence[Reference],
) -> None:
    """Prints a launch's cells of the readout, draws all of the folder's, and says where it is."""
    from ttc.report.draw import draw_headline

    print_readout(rows[rows["cell"].isin(cells)], console, doubts)
    draw_headline(folder, rows, references)
    picture = relative(folder.local("plots", "accuracy.png"))
    console.print(f"results: {relative(folder.local())}  picture: {picture}")
    console.print(f"report: {relative(folder.local(REPORT))}")


def print_readout(rows: pd.DataFrame, console: Console, doubts: Mapping[str, float]) -> None:
    """Prints the cells in `rows`, rows of readout.parquet."""
    for table in readout_tables(shown(rows), doubts):
        show(table, console)


def readout_tables(view: pd.DataFrame, doubts: Mapping[str, float]) -> Iterator[Table]:
    """A table per policy, prm, dataset and prompt; what was read is said below the last.

    Args:
        view: rows of readout.parquet, of one subset and in order.
    """
    parts = panels(add_doubts(view, doubts))
    said = [*_notes(view), *(line for _, part in parts for line in explain(part))]
    for place, (panel, part) in enumerate(parts, start=1):
        lines, title = _rows(part, view["variant"]), f"{panel} ({sizes(part)})"
        notes = said if place == len(parts) else ()
        yield Table("readout", COLUMNS, lines, title, notes, bright="headline", tight=True)


def _rows(part: pd.DataFrame, variant: pd.Series) -> list[Row]:
    """`line`: what the row is called in this table; programs get its whole variant."""
    lines = list(map(name, part["strategy"], part["variant"]))
    part = part.assign(line=lines, variant=variant[part.index])
    # one path: every vote is the same
    rows = [plain(row) for row in part.to_dict("records") if row["n"] > 1 or row["headline"]]
    return [row | dict.fromkeys(COSTS) if pd.isna(row["accuracy"]) else row for row in rows]


def _mark(missing: int, failed: int, upper_bound: bool, headline: bool, mark: str) -> str:
    if missing:
        return f"{missing} missing" + (f", {failed} failed" if failed else "")
    return ", ".join(filter(None, [standing(upper_bound, headline), mark]))


def standing(upper_bound: bool, headline: bool) -> str:
    """What a vote's figure may be taken for."""
    return "upper bound" if upper_bound else "headline" if headline else "exploratory"


COLUMNS = (
    column("strategy", "text", "line", fold=True),
    column("vote", lambda vote, n: "one path" if n == 1 else vote, "vote", "n"),
    column("n", "whole", "n"),
    column("accuracy", "points", "accuracy"),
    column("95 % interval", "interval", "accuracy_low", "accuracy_high", missing="incomplete"),
    column("tokens", "amount", "policy_tokens"),
    column("PRM tokens", "amount", "prm_tokens"),
    column("GFLOP", "giga", "flops"),
    column("seconds", "amount", "seconds"),
    column("", _mark, "missing", "failed", "upper_bound", "headline", "mark"),
)


def _notes(rows: pd.DataFrame) -> list[str]:
    subset = rows["subset"].iloc[0]
    reading = "the mean over random subsets of a pool" if subset == "resample" else "a pool's first n paths"
    aggs = rows["agg"].dropna()
    agg = f"aggregation {aggs.iloc[0]}; " if len(aggs) else ""
    error = rows["mc_error"].max()
    random = f" (Monte-Carlo error up to {points(error, 2)} points)" if error > 0 else ""
    return [
        f"subset {subset}: {reading}{random}; {agg}costs are means per problem, stand-alone.",
        "The headline was declared before the run; every other vote is exploratory, oracle an upper bound.",
    ]
