"""`ttc compare FOLDER A B [C ...]`: cells side by side, paired (semantics, "Intervals and comparisons"):
every other against the first, or against what costs as much; without names what there is to compare."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ttc.readout.names import Reading, Results, choice_name, plain
from ttc.report.console import Console, show
from ttc.report.formats import count, setting
from ttc.report.summary import standing
from ttc.report.tables import Table, column
from ttc.settings.build import read
from ttc.stats import paired
from ttc.stats.intervals import interval
from ttc.store import Folder
from ttc.studies.candidates import cost, doubtful
from ttc.studies.settings import CompareSettings
from ttc.types import UserError

FILE, FILE_BY = "compare", "compare_by"
NEARLY = 0.01
"""Costs that differ by less are equal: of two searches with as many paths one ends a little later."""
COSTS = ("tokens", "generated_tokens", "policy_tokens", "flops", "seconds")
HEAD = ("cell", "strategy", "variant", "n", "vote", "agg", "subset", "policy", "prm", "dataset", "prompt")


@dataclass(frozen=True)
class Compared:
    """Readings, and which of them each is compared with, by its place; None: with none."""

    readings: Sequence[Reading]
    against: Sequence[int | None]
    axis: str | None = None
    """What they cost alike."""
    notes: Sequence[str] = ()


def compare(folder: Folder, words: Sequence[str], console: Console) -> pd.DataFrame:
    """Prints the comparison and writes compare.parquet (by=level: compare_by.parquet, too); without names
    prints what there is to compare.

    Raises:
        UserError: a name that means no cell or several, cells on different problems, no such cost or level.
    """
    own = [word for word in words if re.match(r"\w+=", word)]
    names = [word for word in words if word not in own]
    settings, results = read(CompareSettings, own), Results(folder)
    if own and not names:
        said = f"as in `ttc compare {folder} best_of_n axis=flops`"
        raise UserError(f"{' '.join(own)}: name what is compared, {said}")
    if not names:
        print_cells(results, console)
        return results.rows
    compared = pair(results, names, settings.axis)
    correct = [results.correct(reading) for reading in compared.readings]
    table = comparison(compared, correct)
    folder.write(FILE, table)
    print_comparison(results, compared, table, console)
    if settings.by:
        table_by = by_level(results, compared, correct)
        folder.write(FILE_BY, table_by)
        print_by(table_by, console)
    return table


def pair(results: Results, names: Sequence[str], axis: str | None) -> Compared:
    """All against the first; on an axis of cost against what of that line costs as much.

    Raises:
        UserError: there are fewer than two names, one means no cell or several, or two mean the same.
    """
    if axis:
        return at_equal_cost(results, names, axis)
    if len(names) < 2:
        said = " ".join(names) or "compare"
        raise UserError(f"{said}: name at least two cells; `ttc compare {results.folder}` lists them")
    readings = _find_each(results, names)
    return Compared(readings, [None, *[0] * (len(readings) - 1)])


def _find_each(results: Results, names: Sequence[str], taken: Sequence[Reading] = ()) -> list[Reading]:
    found = [results.find(name) for name in names]
    if len({reading.key for reading in (*taken, *found)}) < len(taken) + len(found):
        line = ", or is of the line itself" if taken else ""
        raise UserError(f"{' '.join(names)}: one of them is named twice{line}")
    return found


def at_equal_cost(results: Results, names: Sequence[str], axis: str) -> Compared:
    """The line `names[0]` at the n that cost as much as the other cells, or just more, and then these.

    Raises:
        UserError: a name that means no line or cell, or a cost that was not measured.
    """
    line = results.find_line(names[0])
    others = _find_each(results, names[1:], line) or results.headlines(besides=line)
    if not others:
        raise UserError(f"{names[0]} axis={axis}: {results.folder} has no other cell on the same problems")
    for reading in (*line, *others):
        if np.isnan(cost(reading.row, axis)):
            raise UserError(f"axis={axis}: was not measured for {reading.name}; take n or a count of tokens")
    line = sorted(line, key=lambda one: cost(one.row, axis))
    prices = [cost(one.row, axis) for one in line]
    places = [bisect_left(prices, cost(other.row, axis) * (1 - NEARLY)) for other in others]
    dearer = [other.name for other, place in zip(others, places, strict=True) if place == len(line)]
    notes = [f"{line[-1].name} is the dearest of its line, and costs less than {', '.join(dearer)}."]
    places = [min(place, len(line) - 1) for place in places]
    used = sorted(set(places))
    readings = [*(line[place] for place in used), *others]
    return Compared(readings, [*[None] * len(used), *map(used.index, places)], axis, notes if dearer else ())


def comparison(compared: Compared, correct: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """A row per cell; the differences of those that are compared with none are null.

    Args:
        correct: of each cell, problem_key x seed.
    Raises:
        UserError: the cells are on different problems.
    """
    readings, first = compared.readings, correct[0]
    for reading, frame in zip(readings, correct, strict=True):
        if set(frame.index) != set(first.index):
            common = len(set(frame.index) & set(first.index))
            raise UserError(
                f"{readings[0].name} is on {len(first)} problems, {reading.name} on {len(frame)}, "
                f"{common} in common: compare cells of one selection"
            )
    mean_CP = np.stack([frame.loc[first.index].to_numpy().mean(axis=1) for frame in correct])
    pairs = [(place, other) for place, other in enumerate(compared.against) if other is not None]
    differences = paired.compare(mean_CP, *zip(*pairs, strict=True))
    rows = []
    for place, (reading, frame) in enumerate(zip(readings, correct, strict=True)):
        row = {name: reading.row[name] for name in HEAD} | {"name": reading.name}
        row |= {"headline": reading.row["headline"], "upper_bound": reading.row["upper_bound"]}
        row["accuracy"], row["accuracy_low"], row["accuracy_high"] = interval(mean_CP[place], frame.shape[1])
        row |= {"problems": len(first), "seeds": frame.shape[1], "against": None}
        row |= {name: cost(reading.row, name) for name in COSTS}
        rows.append(row)
    for at, (place, other) in enumerate(pairs):
        rows[place] |= {"against": readings[other].name}
        rows[place] |= {name: value_D[at] for name, value_D in differences.items()}
    table = pd.DataFrame(rows)
    table["p_holm"] = np.nan
    others = [place for place, _ in pairs]
    table.loc[others, "p_holm"] = paired.holm(table["p_sign_flip"].iloc[others].tolist())
    return table


def by_level(results: Results, compared: Compared, correct: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """`comparison`'s rows for the problems of each level by themselves; Holm over all of them.

    Raises:
        UserError: the dataset knows no levels.
    """
    level = results.problems()["level"].reindex(correct[0].index)
    parts = []
    for value in sorted(level.dropna().unique()):
        part = comparison(compared, [frame.loc[level.index[level == value]] for frame in correct])
        parts.append(part.drop(columns=[*COSTS]).assign(level=int(value)))
    if not parts:
        raise UserError("by=level: these problems have no level")
    table = pd.concat(parts, ignore_index=True)
    there = table["against"].notna()
    table.loc[there, "p_holm"] = paired.holm(table.loc[there, "p_sign_flip"].tolist())
    return table


def print_comparison(results: Results, compared: Compared, table: pd.DataFrame, console: Console) -> None:
    """The rows of compare.parquet: those that others are compared with have no differences."""
    alone = set(table.loc[table["against"].isna(), "name"])
    rows = [plain(row) for row in table.to_dict("records")]
    seeds = sorted(set(table["seeds"]))
    left_out = set() if len(rows) - len(alone) > 1 else {"Holm p"}
    left_out |= set() if compared.axis else {"against"}
    columns = [one for one in COLUMNS if one.title not in left_out]
    if compared.axis:
        kind = "giga" if compared.axis == "flops" else "amount"
        columns.insert(1, column("GFLOP" if kind == "giga" else compared.axis, kind, compared.axis))
    title = (
        f"{rows[0]['dataset']}: {rows[0]['problems']} problems, "
        f"{' or '.join(map(str, seeds))} seed{'s' * (seeds != [1])}"
        + (f", at equal {compared.axis}" if compared.axis else f", against {rows[0]['name']}")
    )
    rows = [row | dict.fromkeys(DIFFERENCES) if row["name"] in alone else row for row in rows]
    show(Table("comparison", columns, rows, title, _notes(results, compared, table)), console)


def print_by(table: pd.DataFrame, console: Console) -> None:
    """The rows of compare_by.parquet that are compared with another."""
    rows = [plain(row) for row in table[table["against"].notna()].to_dict("records")]
    notes = ["Paired among the problems of a level; Holm over all of these rows."]
    show(Table("comparison_by", BY_COLUMNS, rows, "by level", notes), console)


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
    column("against", "text", "against"),
    column("", standing, "upper_bound", "headline"),
)
DIFFERENCES = [key for one in COLUMNS[3:-2] for key in one.keys]
BY_COLUMNS = (
    column("cell", "text", "name", fold=True),
    column("level", "whole", "level"),
    column("problems", "count", "problems"),
    column("accuracy", "points", "accuracy"),
    column("difference", "signed", "difference"),
    column("95 % interval", "signed_interval", "difference_low", "difference_high"),
    column("Holm p", "p_value", "p_holm"),
    column("against", "text", "against"),
)


def _notes(results: Results, compared: Compared, table: pd.DataFrame) -> list[str]:
    readings, pairs = compared.readings, int(table["against"].notna().sum())
    flips = "all flips" if table["problems"].iloc[0] <= paired.EXACT else f"{count(paired.FLIPS)} flips"
    notes = [
        "Differences in points, paired by problem, seeds averaged first; intervals by cluster bootstrap "
        f"({count(paired.REPLICATES)} replicates of the problems); sign-flip test over {flips}"
        + ("; Holm over the rows." if pairs > 1 else "."),
        f"better, worse on: problems whose mean differs by at least {setting(paired.CLEAR)}. "
        f"Subset {results.subset}.",
    ]
    notes += compared.notes
    if table["p_mcnemar"].isna().sum() > len(table) - pairs:
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
