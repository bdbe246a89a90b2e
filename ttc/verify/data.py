"""Solutions with labelled steps: ProcessBench's files and their like, or the embedded world's own."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from ttc.settings.build import Faults
from ttc.types import UserError
from ttc.verify.settings import NANO, LabelColumns, LabelSettings

NANO_COUNT = 500
SHOWN = 5
"""Rows that are named of all that are at fault."""


@dataclass(frozen=True)
class Labelled:
    """One solution.

    Attributes:
        steps: none of them blank.
        label: 0-based index of the first wrong step; -1: all are right.
        answer: the gold answer; "" where the data has none.
    """

    id: str
    question: str
    steps: tuple[str, ...]
    label: int
    answer: str = ""

    @property
    def judged(self) -> int:
        """How many steps have a label: those up to and including the first error."""
        return len(self.steps) if self.label < 0 else self.label + 1


def load(source: str, settings: LabelSettings) -> list[Labelled]:
    """The solutions of `source`: `nano` (500 of them, if there is no limit) or a file.

    Raises:
        UserError: no such file, a column that is not there, rows without steps or with a label out of range.
    """
    if source == NANO:
        from ttc.nano.labelled import labelled

        return mapped(
            labelled(settings.limit or NANO_COUNT, settings.seed), LabelColumns(answer="answer"), source
        )
    rows = read_rows(File(source).expanduser())[: settings.limit]
    if not rows:
        raise UserError(f"{source}: no solutions in it")
    return mapped(rows, settings.columns, source)


def read_rows(file: File) -> list[dict[str, Any]]:
    """Raises:
    UserError: the file cannot be read as what its name says.
    """
    try:
        match file.suffix:
            case ".jsonl":
                with file.open(encoding="utf-8") as lines:
                    rows = [json.loads(line) for line in lines if line.strip()]
            case ".json":
                rows = json.loads(file.read_text(encoding="utf-8"))
            case ".csv":
                with file.open(encoding="utf-8", newline="") as lines:
                    rows = list(csv.DictReader(lines))
            case _:
                import pandas

                rows = pandas.read_parquet(file).to_dict("records")
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{file}: cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{file}: must hold one object a solution")
    return rows


def mapped(rows: Sequence[Mapping[str, Any]], columns: LabelColumns, source: str) -> list[Labelled]:
    """Rows as solutions. A label may be an index, or a list that says of every step whether it is right.

    Raises:
        UserError: all columns that are missing; the first rows that are at fault, and how many more are.
    """
    missing = [
        f"columns.{role}={column}: {source} has no such column; it has {', '.join(map(str, rows[0]))}"
        for role, column in vars(columns).items()
        if column is not None and column not in rows[0]
    ]
    if missing:
        raise Faults(missing)
    solutions, faults = [], []
    for number, row in enumerate(rows):
        try:
            solutions.append(_solution(row, columns, number))
        except ValueError as error:
            faults.append(f"{source}: row {number + 1}: {error}")
    if len(faults) > SHOWN:
        faults[SHOWN:] = [f"{source}: {len(faults) - SHOWN} more rows like these"]
    if faults:
        raise Faults(faults)
    return solutions


def _solution(row: Mapping[str, Any], columns: LabelColumns, number: int) -> Labelled:
    """Blank steps have no score and are left out; the label moves with the step that it means.

    Raises:
        ValueError: says what is wrong with the row.
    """
    question = _text(row.get(columns.question))
    if not question:
        raise ValueError(f"no question (column {columns.question})")
    steps = _list(row.get(columns.steps))
    if not steps or not all(isinstance(step, str) for step in steps):
        raise ValueError(f"column {columns.steps} must be a list of texts, one a step")
    label = _label(row.get(columns.label), len(steps), columns.label)
    worded = [step for step in steps if step.strip()]
    if not worded or (label >= 0 and not steps[label].strip()):
        blank = f"step {label}, the first wrong one, is blank" if worded else "no step has a text"
        raise ValueError(blank)
    return Labelled(
        id=_text(row.get(columns.id)) if columns.id else str(number),
        question=question,
        steps=tuple(worded),
        label=label if label < 0 else sum(bool(step.strip()) for step in steps[:label]),
        answer=_text(row.get(columns.answer)) if columns.answer else "",
    )


def _label(value: Any, steps: int, column: str) -> int:
    given = _list(value)
    if given is not None:
        if len(given) != steps or any(verdict not in (0, 1) for verdict in given):
            raise ValueError(f"column {column}: a list must have one 0 or 1 for each of the {steps} steps")
        return next((step for step, verdict in enumerate(given) if not verdict), -1)
    try:
        label = int(value)
    except (TypeError, ValueError):
        label = None
    if label is None or isinstance(value, bool) or label != float(value):
        raise ValueError(
            f"column {column}: {value!r} is neither the index of a step (-1: all are right) nor a list"
        )
    if not -1 <= label < steps:
        raise ValueError(f"column {column}: {label} is not in -1..{steps - 1}, and there are {steps} steps")
    return label


def _list(value: Any) -> list[Any] | None:
    """A list, a Parquet array, or a list written as JSON into a cell of a CSV; None for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else None


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def texts(solutions: Iterable[Labelled]) -> Iterable[tuple[str, str]]:
    """(id, text) of everything that a verifier will be given to read."""
    for solution in solutions:
        yield from ((solution.id, text) for text in (solution.question, *solution.steps))
