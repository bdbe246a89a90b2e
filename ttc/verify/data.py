"""Solutions with labelled steps: ProcessBench's files and their like, or the embedded world's own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from ttc.data.files import read_rows
from ttc.data.values import Row, missing_columns, read_each, text_at
from ttc.types import Faults, UserError, place_of
from ttc.verify.formats import FORMATS, UNCLEAR, LabelColumns, Reading, read_by_columns, unclear
from ttc.verify.settings import NANO, LabelSettings

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


def load(source: str, settings: LabelSettings) -> tuple[list[Labelled], int]:
    """The solutions of `source`: `nano` (500 of them, if there is no limit) or a file; and how many of its
    rows are left out, since who labelled them gave up before the end.

    Raises:
        UserError: no such file, a column that is not there, rows that are not as the format has them, or no
            labelled solution in it.
    """
    if source == NANO:
        from ttc.nano.labelled import labelled

        nano = labelled(settings.limit or NANO_COUNT, settings.seed)
        return map_rows(nano, LabelColumns(answer="answer"), source), 0
    found = islice(read_rows(place_of(source), "labelled solution"), settings.limit)
    rows = [row for _, row in found]
    solutions = map_rows(rows, settings.columns, source, settings.format)
    if not solutions:
        given_up = f": the labelling of all {len(rows)} rows was given up" if rows else ""
        raise UserError(f"{source}: no solutions in it{given_up}")
    return solutions, len(rows) - len(solutions)


def map_rows(
    rows: Sequence[Row], columns: LabelColumns, source: str, format_: str = "processbench"
) -> list[Labelled]:
    """Rows as solutions, without those whose labelling was given up.

    Raises:
        UserError: all columns that are missing; the first rows that are at fault, and how many more are.
    """
    if missing := missing_columns(rows, columns.named(), "columns"):
        missing[-1] += _like(rows)
        raise Faults([f"{source}: {fault}" for fault in missing])
    read = FORMATS[format_].read
    doubtful = unclear(rows, columns) if read is read_by_columns else ()

    def solution(number: int, row: Row) -> Labelled | None:
        if number in doubtful:
            raise ValueError(f"column {columns.label}: {UNCLEAR}")
        reading = read(row, columns)
        id_ = text_at(row, columns.id, "columns.id") if columns.id else str(number)
        return _solution(reading, id_, columns.question) if reading else None

    return [one for one in read_each(rows, solution, source) if one]


def _solution(reading: Reading, id_: str, column: str) -> Labelled:
    """Blank steps have no score and are left out; the label moves with the step that it means.

    Raises:
        ValueError: says what is wrong with the row.
    """
    question, steps, label = reading.question, reading.steps, reading.label
    if not question:
        raise ValueError(f"no question (column {column})")
    worded = [step for step in steps if step.strip()]
    if not worded or (label >= 0 and not steps[label].strip()):
        blank = f"step {label}, the first wrong one, is blank" if worded else "no step has a text"
        raise ValueError(blank)
    return Labelled(
        id=id_,
        question=question,
        steps=tuple(worded),
        label=label if label < 0 else sum(bool(step.strip()) for step in steps[:label]),
        answer=reading.answer,
    )


def _like(rows: Sequence[Row]) -> str:
    """What to say to somebody whose file is of another format; "" where it is of none."""
    for name, format_ in FORMATS.items():
        columns = format_.columns
        if not missing_columns(rows, columns.named(), ""):
            with contextlib.suppress(ValueError):
                format_.read(rows[0], columns)
                return f"; format={name} reads such columns"
    return ""
