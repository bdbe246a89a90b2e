"""search-and-learn's completions as rows: a file, or a dataset of the Hub with the same columns.

One row per problem: `problem`, `answer`, `completions`, often `scores` (a list of step scores per
completion), `completion_tokens`, `subject`, `level`, `unique_id`; its own choices (`pred_*`) are not read.
Strict: a row that is not as it should be refuses the file, since half of a run is no run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from ttc.data.files import READERS, read_rows, text_of
from ttc.data.hub import read_hub
from ttc.data.problems import level_of
from ttc.settings.schema import DatasetConfig
from ttc.types import Problem, UserError

NEEDED = ("problem", "answer", "completions")
HEADER = "<|start_header_id|>assistant<|end_header_id|>\n\n"
"""What completions of best-of-N began with before huggingface/search-and-learn#32: no part of the answer."""

StepScores = tuple[float | None, ...]


@dataclass(frozen=True)
class SalRow:
    """One problem with its completions, in the source's order.

    Attributes:
        place: where it stands, for messages.
        completions: without the header.
        headed: how many of them had it.
        scores: as they stand there, NaN and null as None; None where a completion has no list.
        tokens: of each completion; None where the source does not know (it writes 0 or -1).
    """

    place: str
    problem: Problem
    completions: tuple[str, ...]
    headed: tuple[bool, ...]
    scores: tuple[StepScores | None, ...]
    tokens: tuple[int | None, ...]


@dataclass(frozen=True)
class Source:
    """A file or a Hub dataset, read and checked. `path`: None for the Hub."""

    name: str
    path: File | None
    rows: tuple[SalRow, ...]

    @property
    def n(self) -> int:
        return max(len(row.completions) for row in self.rows)

    @property
    def scored(self) -> bool:
        return any(scores is not None for row in self.rows for scores in row.scores)


def read_source(name: str, config: str | None, split: str) -> Source:
    """The rows of `name`: a file if there is one, else a dataset of the Hub.

    Raises:
        UserError: with the line and the reason.
    """
    path = File(name).expanduser()
    if path.is_file():
        found = read_rows(path, "completions of search-and-learn")
    elif path.exists() or path.suffix in READERS or name.startswith((".", "/", "~")):
        raise UserError(f"{name}: {'a folder' if path.exists() else 'no such file'}; name a .jsonl file")
    else:
        dataset = DatasetConfig(path=name, config=config, split=split)
        found = ((f"row {i + 1}", row) for i, row in enumerate(read_hub(dataset)))
    rows: list[SalRow] = []
    seen: dict[str, str] = {}
    for place, row in found:
        try:
            rows.append(_row(place, row, len(rows)))
            twin = seen.setdefault(rows[-1].problem.id, place)
            if twin != place:
                raise ValueError(f"the problem {rows[-1].problem.id} of {twin} again")
        except ValueError as error:
            raise UserError(f"{name}, {place}: {error}") from None
    if not rows:
        raise UserError(f"{name}: empty")
    return Source(name, path if path.is_file() else None, tuple(rows))


def _row(place: str, row: Mapping[str, Any], index: int) -> SalRow:
    """Raises:
    ValueError: what is wrong with it.
    """
    if missing := [name for name in NEEDED if row.get(name) is None]:
        has = ", ".join(map(str, row)) or "nothing"
        raise ValueError(f"no completions of search-and-learn: no {', '.join(missing)}; the row has {has}")
    question, answer = row["problem"], text_of(row["answer"])
    if not isinstance(question, str) or not question.strip():
        raise ValueError("problem: no text")
    if not answer:
        raise ValueError("answer: empty; without the right answer nothing can be graded")
    texts = row["completions"]
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError("completions: not a list of texts")
    id_, subject = row.get("unique_id"), row.get("subject")
    return SalRow(
        place,
        Problem(text_of(id_) or str(index), question, answer, level_of(row.get("level")), subject),
        tuple(text.removeprefix(HEADER) for text in texts),
        tuple(text.startswith(HEADER) for text in texts),
        _scores(row.get("scores"), len(texts)),
        _tokens(row.get("completion_tokens"), len(texts)),
    )


def _scores(value: Any, count: int) -> tuple[StepScores | None, ...]:
    if value is None:
        return (None,) * count
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"scores: not one list of step scores for each of the {count} completions")
    found: list[StepScores | None] = []
    for scores in value:
        if scores is not None and not isinstance(scores, list):
            raise ValueError("scores: not a list of step scores for each completion")
        found.append(None if scores is None else tuple(_score(score) for score in scores))
    return tuple(found)


def _score(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"scores: {value!r} is no number")
    if math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise ValueError(f"scores: {value!r} is not in [0, 1]")
    return float(value)


def _tokens(value: Any, count: int) -> tuple[int | None, ...]:
    if not isinstance(value, list) or len(value) != count:
        return (None,) * count  # dvts writes one -1
    return tuple(number if isinstance(number, int) and number > 0 else None for number in value)
