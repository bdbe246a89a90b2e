"""Files of labelled steps as others publish them, by name: a reader of a row and a line of FORMATS.

A row is one solution. Left out on purpose: what a file holds beside it (PRM800K's alternatives to a step,
PRMBench's original processes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ttc.data.values import Row, list_of, text_at, text_of, unpacked, value_at, whole_of

TAG = "ки"
"""Math-Shepherd: the end of a step."""
FIRST_STEP = re.compile(r"step 1\s*:", re.IGNORECASE)
FINISHED = ("found_error", "solution", "bad_problem", "give_up")
"""PRM800K: how a labelling ended."""
UNCLEAR = "[1] of one step: is it right, or is 1 the number of a wrong one? [true] or format=prmbench says it"


@dataclass(frozen=True)
class LabelColumns:
    """Where the data says what; the defaults are those of `format`.

    Attributes:
        answer: the gold one, for prm=oracle.
        label_none: the label that says that no step is wrong, as null, none, [] or len (how many steps there
            are); -1 always does.
    """

    question: str = "problem"
    steps: str = "steps"
    label: str = "label"
    id: str | None = "id"
    answer: str | None = None
    label_none: str | None = "-1"

    def named(self) -> dict[str, str | None]:
        """Role -> column."""
        return {role: column for role, column in vars(self).items() if role != "label_none"}


@dataclass(frozen=True)
class Reading:
    """A row as it stands there, blank steps included. label: index of the first wrong step; -1: none is."""

    question: str
    steps: Sequence[Any]
    label: int
    answer: str = ""


@dataclass(frozen=True)
class Format:
    """Attributes:
    columns: where its files say what.
    read: a row; None where the labelling was given up, so that nothing is known of the rest.
    """

    columns: LabelColumns
    read: Callable[[Row, LabelColumns], Reading | None]


def read_by_columns(row: Row, columns: LabelColumns) -> Reading:
    """ProcessBench and its like: the index of the first wrong step, or a verdict for each.

    Raises:
        ValueError: says what is wrong with the row, as every reader does.
    """
    steps = _steps(row, columns)
    question, answer = _texts(row, columns)
    return Reading(question, steps, _first_wrong(row, columns, len(steps)), answer)


def _first_wrong(row: Row, columns: LabelColumns, steps: int) -> int:
    value = value_at(row, columns.label)
    if _says_none(row, columns, steps):
        return -1
    if verdicts := list_of(value):
        if len(verdicts) != steps or any(verdict not in (0, 1) for verdict in verdicts):
            raise ValueError(
                f"column {columns.label}: a list must have one 0 or 1 for each of the {steps} steps "
                "(format=prmbench: the numbers of the wrong ones)"
            )
        return next((step for step, verdict in enumerate(verdicts) if not verdict), -1)
    label = whole_of(value)
    if label is None:
        raise ValueError(
            f"column {columns.label}: {value!r} is neither the index of a step (-1: all are right) nor a "
            f"list of verdicts; columns.label_none={text_of(value) or 'null'} if it says that none is wrong"
        )
    if not -1 <= label < steps:
        right = "; columns.label_none=len: all are right" if label == steps else ""
        raise ValueError(
            f"column {columns.label}: {label} is not in -1..{steps - 1}, and there are {steps} steps "
            f"(format=prmbench: numbers from 1 on{right})"
        )
    return label


def unclear(rows: Sequence[Row], columns: LabelColumns) -> set[int]:
    """Places of rows whose label may be a verdict on their only step or its number: [1], where no longer list
    of the file shows which. `read_by_columns` cannot tell from one row."""
    lists = [
        (list_of(value_at(row, columns.label)), list_of(value_at(row, columns.steps)) or ()) for row in rows
    ]
    if any(verdicts is not None and len(verdicts) == len(steps) > 1 for verdicts, steps in lists):
        return set()
    return {i for i, (verdicts, _) in enumerate(lists) if verdicts == [1] and verdicts[0] is not True}


def _read_prm800k(row: Row, columns: LabelColumns) -> Reading | None:
    """OpenAI's own files, both phases: along the steps that were taken, up to the first that is rated -1."""
    question, label = (unpacked(value_at(row, name)) for name in (columns.question, columns.label))
    if not isinstance(question, Mapping) or not isinstance(label, Mapping):
        raise ValueError(f"columns {columns.question} and {columns.label} must be PRM800K's objects")
    finish = label.get("finish_reason")
    if finish not in FINISHED:
        raise ValueError(f"{columns.label}.finish_reason={finish!r}: must be one of {', '.join(FINISHED)}")
    if finish == "bad_problem":
        return None
    problem, gold = (text_of(question.get(name)) for name in ("problem", "ground_truth_answer"))
    steps: list[str] = []
    for index, step in enumerate(label.get("steps") or ()):
        try:
            text, rating = _taken(step)
        except (AttributeError, IndexError, KeyError, TypeError):
            raise ValueError(f"step {index} has no completions with text and rating") from None
        if rating is None:
            return None
        if rating not in (-1, 0, 1) or not isinstance(text, str):
            raise ValueError(f"step {index}: {text!r} is rated {rating!r}; must be a text, rated -1, 0 or 1")
        steps.append(text)
        if rating == -1:
            return Reading(problem, steps, index, gold)
    return Reading(problem, steps, -1, gold) if finish == "solution" else None


def _taken(step: Any) -> tuple[Any, Any]:
    """Text and rating of what the solution goes on with: the chosen completion, else the labeller's own text,
    else the one that was found wrong. No rating: the labeller stopped here."""
    completions, own = step["completions"] or (), step.get("human_completion")
    if (chosen := step["chosen_completion"]) is not None:
        return completions[chosen]["text"], completions[chosen]["rating"]
    if own is not None:
        return own["text"] if isinstance(own, Mapping) else own, 1
    wrong = next((one for one in completions if one["rating"] == -1), None)
    return (wrong["text"], -1) if wrong else (None, None)


def _read_math_shepherd(row: Row, columns: LabelColumns) -> Reading:
    """Question and steps are one text, with `ки` behind each step; the label is that text with + or - there.
    Some questions hold a tag, too."""
    text, labelled = (str(value_at(row, column) or "").rstrip() for column in (columns.steps, columns.label))
    pieces = text.split(TAG)
    found = re.fullmatch("([-+])".join(map(re.escape, pieces)), labelled)
    if len(pieces) == 1:
        raise ValueError(f"column {columns.steps}: no {TAG} behind a step")
    if not found:
        raise ValueError(f"column {columns.label} is not column {columns.steps} with + or - for each {TAG}")
    if pieces.pop().strip():
        raise ValueError(f"column {columns.steps}: the text goes on behind the last {TAG}")
    first = next((i for i, piece in enumerate(pieces) if FIRST_STEP.search(piece)), 0)
    if starts := [start.start() for start in FIRST_STEP.finditer(pieces[first])]:
        start = starts[-1]  # a question may speak of steps itself
    elif pieces[0].count("?") == 1:
        start = pieces[0].index("?") + 1
    else:
        raise ValueError(f"column {columns.steps}: where the question ends is not said by `Step 1:`")
    steps = [pieces[first][start:], *pieces[first + 1 :]]
    verdicts = "".join(found.groups())[first:]
    question = "".join([*pieces[:first], pieces[first][:start]])
    return Reading(question.strip(), [step.strip() for step in steps], verdicts.find("-"))


def _read_prmbench(row: Row, columns: LabelColumns) -> Reading:
    """The numbers of the wrong steps, from 1 on; an empty list where all are right."""
    steps, value = _steps(row, columns), value_at(row, columns.label)
    given = [] if _says_none(row, columns, len(steps)) else list_of(value)
    numbers = [whole_of(one) for one in ([value] if given is None else given)]
    known = [number for number in numbers if number is not None and 1 <= number <= len(steps)]
    if len(known) < len(numbers):
        raise ValueError(
            f"column {columns.label}: {value!r} must be the numbers of wrong steps, from 1 to {len(steps)}"
        )
    question, answer = _texts(row, columns)
    return Reading(question, steps, min(known, default=0) - 1, answer)


def _texts(row: Row, columns: LabelColumns) -> tuple[str, str]:
    """The question and the gold answer."""
    question = text_at(row, columns.question, "columns.question")
    return question, text_at(row, columns.answer, "columns.answer")


def _steps(row: Row, columns: LabelColumns) -> list[Any]:
    steps = list_of(value_at(row, columns.steps))
    if not steps or not all(isinstance(step, str) for step in steps):
        raise ValueError(f"column {columns.steps} must be a list of texts, one a step")
    return steps


def _says_none(row: Row, columns: LabelColumns, steps: int) -> bool:
    """Does the label say in one word that no step is wrong?"""
    value = value_at(row, columns.label)
    if value is None and "." not in columns.label and columns.label not in row:
        raise ValueError(f"no label (column {columns.label})")
    none = str(steps) if columns.label_none == "len" else text_of(columns.label_none)
    return text_of(value) in (none, "-1")


FORMATS: dict[str, Format] = {
    "processbench": Format(LabelColumns(), read_by_columns),
    "bigbench_mistake": Format(
        LabelColumns("input", "steps", "mistake_index", None, "target", label_none=None), read_by_columns
    ),
    "trl": Format(LabelColumns("prompt", "completions", "labels", None), read_by_columns),
    "prm800k": Format(LabelColumns("question", "label", "label", None, "question"), _read_prm800k),
    "math_shepherd": Format(LabelColumns("input", "input", "label", None), _read_math_shepherd),
    "prmbench": Format(
        LabelColumns("modified_question", "modified_process", "error_steps", "idx"), _read_prmbench
    ),
}
