"""Compute-optimal scaling as a person sees it: the curve, and what was chosen where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ttc.readout.names import plain
from ttc.report.console import Console, show
from ttc.report.formats import figures, percent
from ttc.report.tables import Column, Row, Table, column
from ttc.report.view import sizes
from ttc.stats.two_fold import SMALL
from ttc.studies.candidates import Study

SHOWN = 3
"""Choices of a bin that a line of the table has room for."""


def print_study(
    study: Study, curve: pd.DataFrame, choices: pd.DataFrame, notes: Sequence[str], console: Console
) -> None:
    """The curve beside the best single strategy, then what was chosen where."""
    axis = str(curve["axis"].iloc[0])
    title = f"{study.title} ({sizes(curve)}, subset {curve['subset'].iloc[0]})"
    show(Table("curve", _columns(axis), [plain(row) for row in curve.to_dict("records")], title), console)
    show(choice_table(choices, axis, notes, study.panel), console)


def choice_table(
    choices: pd.DataFrame, axis: str, notes: Sequence[str] = (), facts: Mapping[str, str] | None = None
) -> Table:
    """What was chosen where, from rows of optimal_choices.parquet."""
    rows = _choice_rows(choices)
    sizes_of = choices.dropna(subset="bin").drop_duplicates("label")
    bins = zip(sizes_of["label"], sizes_of["problems"], strict=True)
    if any(not row["chosen"] for row in rows):
        notes = [f"Problems of {', '.join(f'{label}: {figures(size)}' for label, size in bins)}.", *notes]
    title = "what was chosen (share of half-splits)"
    return Table("choices", _choice_columns(axis), rows, title, notes, facts or {})


def _columns(axis: str) -> list[Column]:
    on_n = axis == "n"
    spent = [column("spent", "budget", "curve_cost"), column("spent, single", "budget", "best_cost")]
    return [
        column(axis.replace("_", " "), "budget", "budget", *["probe"] * on_n),
        column("candidates", "count", "candidates"),
        column("compute-optimal", "points", "curve"),
        column("95 % interval", "interval", "curve_low", "curve_high"),
        column("best single", "points", "best"),
        column("95 % interval", "interval", "best_low", "best_high"),
        column("difference", "signed", "difference"),
        column("95 % interval", "signed_interval", "difference_low", "difference_high"),
        *([] if on_n else spent),
    ]


def _choice_columns(axis: str) -> list[Column]:
    def told(chosen: Sequence[Row]) -> str:
        if not chosen:
            return f"fewer than {SMALL} in the choosing half: as all bins"
        names = []
        for row in chosen[:SHOWN]:  # `beam best/min`, on an axis of cost `beam@16 best/min`
            name = row["candidate"] if axis == "n" else row["candidate"].replace(" ", f"@{row['n']} ")
            names.append(f"{name} {percent(row['share'])}")
        more = [f"{len(chosen) - SHOWN} more"] * (len(chosen) > SHOWN)
        return ", ".join([*names, *more])

    return [
        column(axis.replace("_", " "), "budget", "budget", fold=True),
        column("bin", "text", "label"),
        column("problems", "figures", "problems"),
        column("choices", told, "chosen"),
    ]


def _choice_rows(choices: pd.DataFrame) -> list[Row]:
    """A row per budget and bin with all that was `chosen`; bins that never choose for themselves are one row
    in which nothing is."""
    rows: list[Row] = []
    for budget_, block in choices.groupby("budget", sort=True):
        small = block[block["too_small"] == 1].drop_duplicates("label")
        for label, part in block[block["too_small"] < 1].groupby("label", sort=False):
            own = [plain(row) for row in part.to_dict("records")]
            if len(small) and own[0]["bin"] is None:
                folded = {"label": f"{len(small)} bins", "problems": float(small["problems"].sum())}
                rows.append({"budget": budget_, **folded, "chosen": []})
            rows.append({"budget": budget_, "label": label, "problems": own[0]["problems"], "chosen": own})
    return rows
