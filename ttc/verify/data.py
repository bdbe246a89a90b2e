"""Solutions with labelled steps: ProcessBench's files and their like, or the embedded world's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path as File
from typing import Any

from ttc.data.files import read_rows
from ttc.data.values import Row, list_of, missing_columns, read_each, texts_at, value_at
from ttc.types import Faults, UserError
from ttc.verify.settings import NANO, LabelColumns, LabelSettings

NANO_COUNT = 500


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


def load(source: str, settings: LabelSettings) -> list[Labelled]:
    """The solutions of `source`: `nano` (500 of them, if there is no limit) or a file.

    Raises:
        UserError: no such file, a column that is not there, rows without steps or with a label out of range.
    """
    if source == NANO:
        from ttc.nano.labelled import labelled

        nano = labelled(settings.limit or NANO_COUNT, settings.seed)
        return map_rows(nano, LabelColumns(answer="answer"), source)
    found = islice(read_rows(File(source).expanduser(), "labelled solution"), settings.limit)
    rows = [row for _, row in found]
    if not rows:
        raise UserError(f"{source}: no solutions in it")
    return map_rows(rows, settings.columns, source)


def map_rows(rows: Sequence[Row], columns: LabelColumns, source: str) -> list[Labelled]:
    """Rows as solutions. A label may be an index, or a list that says of every step whether it is right.

    Raises:
        UserError: all columns that are missing; the first rows that are at fault, and how many more are.
    """
    if missing := missing_columns(rows, vars(columns), "columns"):
        raise Faults([f"{source}: {fault}" for fault in missing])
    return read_each(rows, partial(_solution, columns), source)


def _solution(columns: LabelColumns, number: int, row: Row) -> Labelled:
    """Blank steps have no score and are left out; the label moves with the step that it means.

    Raises:
        ValueError: says what is wrong with the row.
    """
    named = {role: getattr(columns, role) for role in ("question", "id", "answer")}
    texts = texts_at(row, named, "columns")
    if not texts["question"]:
        raise ValueError(f"no question (column {columns.question})")
    steps = list_of(value_at(row, columns.steps))
    if not steps or not all(isinstance(step, str) for step in steps):
        raise ValueError(f"column {columns.steps} must be a list of texts, one a step")
    label = _label(value_at(row, columns.label), len(steps), columns.label)
    worded = [step for step in steps if step.strip()]
    if not worded or (label >= 0 and not steps[label].strip()):
        blank = f"step {label}, the first wrong one, is blank" if worded else "no step has a text"
        raise ValueError(blank)
    return Labelled(
        id=texts["id"] if columns.id else str(number),
        question=texts["question"],
        steps=tuple(worded),
        label=label if label < 0 else sum(bool(step.strip()) for step in steps[:label]),
        answer=texts["answer"],
    )


def _label(value: Any, steps: int, column: str) -> int:
    given = list_of(value)
    if given is not None:
        if len(given) != steps or any(verdict not in (0, 1) for verdict in given):
            raise ValueError(f"column {column}: a list must have one 0 or 1 for each of the {steps} steps")
        return next((step for step, verdict in enumerate(given) if not verdict), -1)
    try:
        label = int(value)
    except (TypeError, ValueError, OverflowError):  # infinity is a float
        label = None
    if label is None or isinstance(value, bool) or label != float(value):
        raise ValueError(
            f"column {column}: {value!r} is neither the index of a step (-1: all are right) nor a list"
        )
    if not -1 <= label < steps:
        raise ValueError(f"column {column}: {label} is not in -1..{steps - 1}, and there are {steps} steps")
    return label
