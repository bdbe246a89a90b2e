"""A comparison as a person sees it, and the list of what there is to compare."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ttc.readout.names import Reading, Results, choice_name, plain
from ttc.report.console import Console, show
from ttc.report.formats import count, setting
from ttc.report.summary import standing
from ttc.report.tables import Table, column
from ttc.stats.paired import CLEAR, EXACT, FLIPS, REPLICATES


def print_comparison(
    results: Results, readings: Sequence[Reading], table: pd.DataFrame, console: Console
) -> None:
    """The rows of compare.parquet: the first one, which the others are compared with, has no differences."""
    first, *others = [plain(row) for row in table.to_dict("records")]
    seeds = sorted(set(table["seeds"]))
    columns = [*COLUMNS, HOLM, *BEHIND] if len(others) > 1 else [*COLUMNS, *BEHIND]
    compared = {key for one in columns[3:-1] for key in one.keys}
    title = (
        f"{first['dataset']}: {first['problems']} problems, "
        f"{' or '.join(map(str, seeds))} seed{'s' * (seeds != [1])}, against {first['name']}"
    )
    rows = [first | dict.fromkeys(compared), *others]
    show(Table("comparison", columns, rows, title, _notes(results, readings, table)), console)


COLUMNS = (
    column("cell", "text", "name"),
    column("accuracy", "points", "accuracy"),
    column("95 % interval", "interval", "accuracy_low", "accuracy_high"),
    column("difference", "signed", "difference"),
    column("95 % interval", "signed_interval", "difference_low", "difference_high"),
    column("sign-flip p", "p_value", "p_sign_flip"),
    column("McNemar p", "p_value", "p_mcnemar"),
)
HOLM = column("Holm p", "p_value", "p_holm")
BEHIND = (
    column("better on", "count", "better"),
    column("worse on", "count", "worse"),
    column("", standing, "upper_bound", "headline"),
)


def _notes(results: Results, readings: Sequence[Reading], table: pd.DataFrame) -> list[str]:
    flips = "all flips" if table["problems"].iloc[0] <= EXACT else f"{count(FLIPS)} flips"
    notes = [
        "Differences in points, paired by problem, seeds averaged first; intervals by cluster bootstrap "
        f"({count(REPLICATES)} replicates of the problems); sign-flip test over {flips}"
        + ("; Holm over the rows." if len(table) > 2 else "."),
        f"better, worse on: problems whose mean differs by at least {setting(CLEAR)}. "
        f"Subset {results.subset}.",
    ]
    if table["p_mcnemar"].isna().sum() > 1:
        notes.append(
            "McNemar's test is for answers that are right or wrong; here they are means or expectations."
        )
    pools: dict[str, list[str]] = {}
    for reading in readings:
        if record := results.records.get(reading.row["cell"]):
            pools.setdefault(record.family, []).append(reading.name)
    shared = [", ".join(names) for names in pools.values() if len(names) > 1]
    notes += [f"One pool of paths behind {names}: these points are correlated." for names in shared]
    if table["seeds"].nunique() > 1:
        seeds = zip(readings, table["seeds"], strict=True)
        notes.append(f"Not all have the same seeds: {', '.join(f'{one.name} {n}' for one, n in seeds)}.")
    if table["upper_bound"].any():
        notes.append("An upper bound has seen the gold answers: it is no result.")
    return notes


def print_cells(results: Results, console: Console) -> None:
    """What can be compared: a line per cell."""
    rows = []
    for _, part in results.rows.groupby(["cell", "n"], sort=False):
        first = plain(part.iloc[0].to_dict())
        head = [plain(row) for row in part[part["headline"]].to_dict("records")]
        row = {key: first[key] for key in ("cell", "strategy", "variant", "n", "problems", "seeds")}
        row |= {"name": f"{first['words']}@{first['n']}", "votes": list(dict.fromkeys(part["vote"]))}
        row |= {"headline": choice_name(head[0]) if head else ""}
        rows.append(row | {"accuracy": head[0]["accuracy"] if head else float("nan")})
    note = "cell:vote/agg, as in beam@16:best/min; without a vote the headline is read."
    show(Table("cells", CELL_COLUMNS, rows, f"cells of {results.folder}", [note]), console)


def _votes(votes: Sequence[str], headline: str) -> str:
    return ", ".join(votes) + (f" (headline {headline})" if headline else "")


CELL_COLUMNS = (
    column("cell", "text", "name"),
    column("accuracy", "points", "accuracy"),
    column("problems", "count", "problems"),
    column("seeds", "count", "seeds"),
    column("votes", _votes, "votes", "headline"),
)
