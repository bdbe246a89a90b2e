"""The report of `ttc quirks FOLDER`: what search-and-learn's ways to read a run move, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ttc.readout.votes import VOTES
from ttc.report.console import Console, show
from ttc.report.tables import Column, Row, Table, column, in_order
from ttc.report.view import name, sizes
from ttc.sal.quirks import ALL, PREFIX, SOUND, quirks
from ttc.store import Folder
from ttc.types import UserError

LINE = ["policy", "prm", "dataset", "strategy", "variant"]
LEGEND = (
    "accuracy in %: under our rules (sound); what each quirk alone adds, in points; with all.",
    "Our rules read no part of a beam search (-): there a quirk adds to subset=sal_prefix.",
)


def report(folder: Folder, console: Console) -> None:
    """`ttc quirks`: measures, saves and prints.

    Raises:
        UserError: no results there, or its paths are not graded by a rule that is read.
    """
    if not folder.runs():
        raise UserError(f"{folder}: no results here (no sweep.json)")
    print_quirks(quirks(folder).to_pandas(), console)


def print_quirks(rows: pd.DataFrame, console: Console) -> None:
    """Prints `quirks.parquet`: accuracy under our rules, then what each quirk adds to it alone, then all."""
    known = list(dict.fromkeys(rows["quirk"]))
    columns = [column("vote", "text", "vote"), column("n", "whole", "n"), *map(_column, known)]
    parts = list(rows.assign(prm=rows["prm"].fillna("none")).groupby(LINE, sort=False))
    for place, (line, part) in enumerate(parts, start=1):
        policy, prm, dataset, strategy, variant = map(str, line)
        title = f"{dataset}: policy {policy}, prm {prm}, {name(strategy, variant)} ({sizes(part)})"
        facts = dict(zip(LINE, line, strict=True))
        notes = LEGEND if place == len(parts) else ()
        show(Table("quirks", columns, _rows(part, known), title, notes, facts), console)


def _column(quirk: str) -> Column:
    if quirk == SOUND:
        return column(quirk, "points", quirk)
    if quirk in (PREFIX, ALL):
        return column(quirk, "points_and_change", quirk, f"{quirk} adds")
    return column(quirk, "signed", f"{quirk} adds")


def _rows(part: pd.DataFrame, known: Sequence[str]) -> list[Row]:
    """A row per vote and n: of each quirk its accuracy, and what it `adds`; NaN: there is no such row."""
    unknown = {key: float("nan") for quirk in known for key in (quirk, f"{quirk} adds")}
    found: dict[tuple[int, int], dict[str, Any]] = {}
    votes = in_order(part["vote"], VOTES)
    for row in part.to_dict("records"):
        vote, n, quirk = row["vote"], row["n"], row["quirk"]
        mine = found.setdefault((votes.index(vote), n), {"vote": vote, "n": n} | unknown)
        mine |= {quirk: row["accuracy"], f"{quirk} adds": row["difference"]}
    return [row for _, row in sorted(found.items(), key=lambda one: one[0])]
