"""The report of `ttc quirks FOLDER`: what search-and-learn's ways to read a run move, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ttc.readout.view import VOTES, name
from ttc.report.looks import show
from ttc.sal.quirks import ALL, PREFIX, SOUND, quirks
from ttc.types import UserError

LINE = ["policy", "prm", "dataset", "strategy", "variant"]
LEGEND = (
    "accuracy in %: under our rules (sound); what each quirk alone adds, in points; with all.\n"
    "Our rules read no part of a beam search (-): there a quirk adds to subset=sal_prefix."
)


def report(folder: Path, console: Console) -> None:
    """`ttc quirks`: measures, saves and prints.

    Raises:
        UserError: no results there, or its paths are not graded by a rule that is read.
    """
    if not (folder / "sweep.json").exists():
        raise UserError(f"{folder}: no results here (no sweep.json)")
    print_quirks(quirks(folder).to_pandas(), console)


def print_quirks(rows: pd.DataFrame, console: Console) -> None:
    """Prints `quirks.parquet`: accuracy under our rules, then what each quirk adds to it alone, then all."""
    rows = rows.assign(prm=rows["prm"].fillna("none"))
    readings = list(dict.fromkeys(rows["quirk"]))
    for (policy, prm, dataset, strategy, variant), part in rows.groupby(LINE, sort=False):
        title = f"{dataset}: policy {policy}, prm {prm}, {name(strategy, variant)}"
        sizes = f"{part['problems'].max()} problems, {part['seeds'].max()} seed(s)"
        table = Table(title=f"{title} ({sizes})", box=None, title_justify="left", title_style="bold")
        for column in ("vote", "n", *readings):
            table.add_column(column, justify="left" if column == "vote" else "right", no_wrap=True)
        found = {(row.vote, row.n, row.quirk): row for row in part.itertuples()}
        for vote in [vote for vote in VOTES if vote in set(part["vote"])]:
            for n in sorted(part["n"][part["vote"] == vote].unique()):
                table.add_row(vote, str(n), *(_cell(found.get((vote, n, one)), one) for one in readings))
        show(table, console)
    console.print(Text(LEGEND, style="dim"))


def _cell(row: Any, reading: str) -> str:
    if row is None:
        return "-"
    accuracy, added = f"{100 * row.accuracy:.1f}", f"{100 * row.difference:+.1f}"
    if reading == SOUND:
        return accuracy
    return f"{accuracy} ({added})" if reading in (PREFIX, ALL) else added
