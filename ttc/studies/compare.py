"""`ttc compare FOLDER A B [C ...]`: cells side by side, every other against the first, paired (semantics,
"Intervals and comparisons"); without names the list of what there is to compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ttc.readout.names import Reading, Results, choice_name, plain
from ttc.report.console import Console, show
from ttc.report.formats import count, setting
from ttc.report.summary import standing
from ttc.report.tables import Table, column
from ttc.stats import paired
from ttc.stats.intervals import interval
from ttc.store import Folder
from ttc.studies.candidates import doubtful
from ttc.types import UserError

FILE = "compare"
HEAD = ("cell", "strategy", "variant", "n", "vote", "agg", "subset", "policy", "prm", "dataset", "prompt")


def compare(folder: Folder, names: Sequence[str], console: Console) -> pd.DataFrame:
    """Prints the comparison and writes compare.parquet; without names prints what there is to compare.

    Raises:
        UserError: a name that means no cell or several, or cells on different problems.
    """
    results = Results(folder)
    if not names:
        print_cells(results, console)
        return results.rows
    readings = find_all(results, names)
    table = comparison(readings, [results.correct(reading) for reading in readings])
    folder.write(FILE, table)
    print_comparison(results, readings, table, console)
    return table


def find_all(results: Results, names: Sequence[str]) -> list[Reading]:
    """What the names of two cells and more mean.

    Raises:
        UserError: there are fewer, one means no cell or several, or two the same.
    """
    if len(names) < 2:
        said = " ".join(names) or "compare"
        raise UserError(f"{said}: name at least two cells; `ttc compare {results.folder}` lists them")
    readings = [results.find(name) for name in names]
    if len({reading.key for reading in readings}) < len(readings):
        raise UserError(f"{' '.join(names)}: one of them is named twice")
    return readings


def comparison(readings: Sequence[Reading], correct: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """A row per cell; of the first, which the others are compared with, the differences are null.

    Args:
        correct: of each cell, problem_key x seed.
    Raises:
        UserError: the cells are on different problems.
    """
    first = correct[0]
    for reading, frame in zip(readings, correct, strict=True):
        if set(frame.index) != set(first.index):
            common = len(set(frame.index) & set(first.index))
            raise UserError(
                f"{readings[0].name} is on {len(first)} problems, {reading.name} on {len(frame)}, "
                f"{common} in common: compare cells of one selection"
            )
    mean_CP = np.stack([frame.loc[first.index].to_numpy().mean(axis=1) for frame in correct])
    others = range(1, len(readings))
    differences = paired.compare(mean_CP, others, [0] * len(others))
    rows = []
    for place, (reading, frame) in enumerate(zip(readings, correct, strict=True)):
        row = {name: reading.row[name] for name in HEAD} | {"name": reading.name}
        row |= {"headline": reading.row["headline"], "upper_bound": reading.row["upper_bound"]}
        row["accuracy"], row["accuracy_low"], row["accuracy_high"] = interval(mean_CP[place], frame.shape[1])
        row |= {"problems": len(first), "seeds": frame.shape[1], "against": None}
        if place:
            row |= {"against": readings[0].name}
            row |= {name: value_D[place - 1] for name, value_D in differences.items()}
        rows.append(row)
    table = pd.DataFrame(rows)
    table["p_holm"] = [np.nan, *paired.holm(table["p_sign_flip"].iloc[1:].tolist())]
    return table


def print_comparison(
    results: Results, readings: Sequence[Reading], table: pd.DataFrame, console: Console
) -> None:
    """The rows of compare.parquet: the first one, which the others are compared with, has no differences."""
    first, *others = [plain(row) for row in table.to_dict("records")]
    seeds = sorted(set(table["seeds"]))
    columns = [one for one in COLUMNS if one.title != "Holm p" or len(others) > 1]
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
    column("Holm p", "p_value", "p_holm"),
    column("better on", "count", "better"),
    column("worse on", "count", "worse"),
    column("", standing, "upper_bound", "headline"),
)


def _notes(results: Results, readings: Sequence[Reading], table: pd.DataFrame) -> list[str]:
    flips = "all flips" if table["problems"].iloc[0] <= paired.EXACT else f"{count(paired.FLIPS)} flips"
    notes = [
        "Differences in points, paired by problem, seeds averaged first; intervals by cluster bootstrap "
        f"({count(paired.REPLICATES)} replicates of the problems); sign-flip test over {flips}"
        + ("; Holm over the rows." if len(table) > 2 else "."),
        f"better, worse on: problems whose mean differs by at least {setting(paired.CLEAR)}. "
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
    notes += doubtful(results.folder, [reading.row for reading in readings])
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
    doubts = doubtful(results.folder, results.rows[results.rows["headline"]].to_dict("records"))
    show(Table("cells", CELL_COLUMNS, rows, f"cells of {results.folder}", [note, *doubts]), console)


def _votes(votes: Sequence[str], headline: str) -> str:
    return ", ".join(votes) + (f" (headline {headline})" if headline else "")


CELL_COLUMNS = (
    column("cell", "text", "name"),
    column("accuracy", "points", "accuracy"),
    column("problems", "count", "problems"),
    column("seeds", "count", "seeds"),
    column("votes", _votes, "votes", "headline"),
)
