"""What makes a figure doubtful, said beside it and below: paths cut, blank, silent, or not to be graded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ttc.report.formats import percent
from ttc.report.view import name

CAUSES = {
    "too_long": "of the searches asked nothing and count as wrong: their prompt is longer than the context; "
    "raise policy.context",
    "stopped": "of the searches were stopped at a limit of theirs and count as wrong: raise search_steps, "
    "search_tokens or search_seconds, under another name=",
    "cut": "of the paths were cut at {max_tokens:.0f} tokens: raise max_tokens, and policy.context with it",
    "blank": "of the paths end with a blank step: is prompt={prompt} made for policy={policy}?",
    "unscored": "of the paths have no score, being too long for prm={prm}: raise prm.context (or, where it "
    "writes, they got no verdict: raise prm.max_tokens, or take a larger model)",
    "ungradable": "of the paths answer what the grader cannot read, or not in time: look into grades/",
    "no_answer": "of the paths state no answer: take a prompt= that asks for one in a box, or "
    "readout.extract=concluded or last_number (a server may have filtered them, they only think, or "
    "sal_dvts returned them unfinished)",
}
"""Fault -> what to say of it, with the key to turn; the first that is too frequent explains the others."""

NAMED = 3
"""Cells that are named with a cause."""


def add_doubts(rows: pd.DataFrame, most: Mapping[str, float]) -> pd.DataFrame:
    """Rows of readout.parquet with `doubt`, the fault that is above its `most` ("": none is), and `mark`, as
    `93% cut`."""

    def find(row: Any) -> tuple[str, str]:
        shares = ((fault, row[f"share_{fault}"]) for fault in CAUSES if f"share_{fault}" in row)
        found = (
            (fault, f"{percent(share)} {fault.replace('_', ' ')}")
            for fault, share in shares
            if share > most[fault] and (fault != "unscored" or pd.notna(row["agg"]))
        )
        return next(found, ("", ""))

    found = [find(row) for _, row in rows.iterrows()]
    return rows.assign(doubt=[fault for fault, _ in found], mark=[mark for _, mark in found])


def explain(rows: pd.DataFrame) -> list[str]:
    """A line for each fault of `add_doubts`: the cells that have it, on how many paths, what to turn."""
    lines = []
    for fault, part in rows[rows["doubt"] != ""].groupby("doubt", sort=False):
        part = part.drop_duplicates("cell")
        cells = [f"{name(row.strategy, row.variant)}@{row.n}" for row in part.head(NAMED).itertuples()]
        more = f" and {len(part) - NAMED} more" if len(part) > NAMED else ""
        share = part[f"share_{fault}"]
        low, high = percent(share.min()), percent(share.max())
        much = low if low == high else f"{low} to {high}"
        cause = CAUSES[str(fault)].format(**part.iloc[0])
        lines.append(f"doubtful: {', '.join(cells)}{more}: {much} {cause}")
    return lines
