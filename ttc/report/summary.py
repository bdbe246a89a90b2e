"""The table a sweep ends with: accuracy, its interval and its cost, by strategy, vote and n."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ttc.readout.view import name, panels, shown, sizes
from ttc.report.looks import show


def print_table(rows: pd.DataFrame, console: Console) -> None:
    """Prints the cells in `rows` (rows of readout.parquet), a table per policy, prm, dataset and prompt."""
    view = shown(rows)
    for title, part in panels(view):
        show(_table(title, part), console)
    if len(view):
        console.print(Text(_legend(view), style="dim"))


def _table(title: str, rows: pd.DataFrame) -> Table:
    look: dict[str, Any] = {"title_justify": "left", "title_style": "bold", "box": None}
    look |= {"padding": (0, 1), "collapse_padding": True, "pad_edge": False}
    table = Table(title=f"{title} ({sizes(rows)})", **look)
    table.add_column("strategy", no_wrap=True)
    table.add_column("vote", no_wrap=True)
    for column in ("n", "accuracy", "95 % interval", "tokens", "PRM tokens", "GFLOP", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    before = None
    for (strategy, variant), block in rows.groupby(["strategy", "variant"], sort=False):
        line = name(strategy, variant)
        for row in block.itertuples():
            if row.n == 1 and not row.headline:
                continue  # one path: every vote is the same
            table.add_row(*_cells(row, line if line != before else ""), style=None if row.headline else "dim")
            before = line
        table.add_section()
    return table


def _cells(row: Any, line: str) -> list[str]:
    vote = "one path" if row.n == 1 else row.vote
    if pd.isna(row.accuracy):
        return [line, vote, str(row.n), "-", "incomplete", "", "", "", "", _gaps(row)]
    accuracy, low, high = (100 * value for value in (row.accuracy, row.accuracy_low, row.accuracy_high))
    costs = [_short(value) for value in (row.policy_tokens, row.prm_tokens, row.flops / 1e9, row.seconds)]
    return [line, vote, str(row.n), f"{accuracy:.1f}", f"{low:.1f} to {high:.1f}", *costs, _note(row)]


def _note(row: Any) -> str:
    if row.missing:
        return _gaps(row)
    if row.upper_bound:
        return "upper bound"
    return "headline" if row.headline else "exploratory"


def _gaps(row: Any) -> str:
    failed = f", {row.failed} failed" if row.failed else ""
    return f"{row.missing} missing{failed}"


def _short(value: float) -> str:
    """Three figures; nothing where it was not measured."""
    if pd.isna(value):
        return "-"
    if value >= 999.5:
        return f"{value / 1000:.1f}k" if value < 99_950 else f"{value / 1000:,.0f}k"
    return f"{value:.3g}"


def _legend(rows: pd.DataFrame) -> str:
    subset = rows["subset"].iloc[0]
    reading = "the mean over random subsets of a pool" if subset == "resample" else "a pool's first n paths"
    aggs = rows["agg"].dropna()
    agg = f"aggregation {aggs.iloc[0]}; " if len(aggs) else ""
    error = rows["mc_error"].max()
    monte_carlo = f" (Monte-Carlo error up to {100 * error:.2f} points)" if error > 0 else ""
    return (
        f"subset {subset}: {reading}{monte_carlo}; {agg}costs are means per problem, stand-alone.\n"
        "The headline was declared before the run; every other vote is exploratory, oracle an upper bound."
    )
