"""search-and-learn's completions as rows: a file, or a dataset of the Hub with the same columns.

One row per problem: `problem`, `answer`, `completions`, often `scores` (a list of step scores per
completion), `completion_tokens`, `subject`, `level`, `unique_id`; its own choices (`pred_*`) are not read.
Strict: a row that is not as it should be refuses the file, since half of a run is no run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path as File
from typing import Any, Literal

from ttc.data.files import kind_of, read_rows
from ttc.data.hub import read_hub
from ttc.data.problems import level_of
from ttc.data.values import Row, list_of, read_each, text_at
from ttc.settings.schema import DatasetConfig
from ttc.types import Problem, UserError, place_of

Scores = Literal["probabilities", "sigmoid", "ignore"]
NEEDED = ("problem", "answer", "completions")
HEADER = "<|start_header_id|>assistant<|end_header_id|>\n\n"
"""What completions of best-of-N began with before huggingface/search-and-learn#32: no part of the answer."""
UNREAD = "scores=ignore imports the file without them"


@dataclass(frozen=True)
class Completion:
    """One text for a problem.

    Attributes:
        text: without the header.
        scores: probabilities, NaN and null as None; None: there is no list.
        raw: the scores that a sigmoid made these of, else None.
        tokens: None where the source does not know (it writes 0 or -1).
    """

    text: str
    headed: bool
    scores: list[float | None] | None
    raw: list[float | None] | None
    tokens: int | None


@dataclass(frozen=True)
class SalRow:
    """One problem with its completions, in the source's order. `place`: where it stands, for messages."""

    place: str
    problem: Problem
    completions: tuple[Completion, ...]


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
        return any(one.scores is not None for row in self.rows for one in row.completions)


def read_source(name: str, config: str | None, split: str, scores: Scores = "probabilities") -> Source:
    """The rows of `name`: a file if there is one, else a dataset of the Hub.

    Args:
        scores: what they are, or what makes probabilities of them; ignore: they are as good as not there.

    Raises:
        UserError: the first rows that are at fault, with the reason.
    """
    path = place_of(name)
    if path.is_file():
        found: Iterable[Row] = (row for _, row in read_rows(path, "completions of search-and-learn"))
    elif path.exists() or kind_of(path) or name.startswith((".", "/", "~")):
        raise UserError(f"{name}: {'a folder' if path.exists() else 'no such file'}; name a .jsonl file")
    else:
        dataset = DatasetConfig(path=name, config=config, split=split)
        found = read_hub(dataset)
    rows = read_each(found, partial(_row, mode=scores), name, lambda row: row.problem.id)
    if not rows:
        raise UserError(f"{name}: empty")
    return Source(name, path if path.is_file() else None, tuple(rows))


def _row(index: int, row: Row, mode: Scores) -> SalRow:
    """Raises:
    ValueError: what is wrong with it.
    """
    if missing := [name for name in NEEDED if row.get(name) is None]:
        has = ", ".join(map(str, row)) or "nothing"
        raise ValueError(f"no completions of search-and-learn: no {', '.join(missing)}; the row has {has}")
    question, answer, texts = row["problem"], text_at(row, "answer", ""), list_of(row["completions"])
    if not isinstance(question, str) or not question.strip():
        raise ValueError("problem: no text")
    if not answer:
        raise ValueError("answer: empty; without the right answer nothing can be graded")
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError("completions: not a list of texts")
    # half a pair of surrogates, where a sample was cut, cannot be stored
    question, *texts = (text.encode(errors="replace").decode() for text in (question, *texts))
    id_ = text_at(row, "unique_id", "") or str(index)
    unknown = [None] * len(texts)
    scores = unknown if row.get("scores") is None or mode == "ignore" else list_of(row["scores"])
    tokens = list_of(row.get("completion_tokens"))
    if scores is None or len(scores) != len(texts):
        raise ValueError(
            f"scores: not one list of step scores for each of the {len(texts)} completions; {UNREAD}"
        )
    if tokens is None or len(tokens) != len(texts):
        tokens = unknown  # dvts writes one -1
    lists = [None if own is None else _step_scores(own, unbounded=mode == "sigmoid") for own in scores]
    completions = tuple(
        Completion(
            text.removeprefix(HEADER),
            text.startswith(HEADER),
            _squash(own) if mode == "sigmoid" else own,
            own if mode == "sigmoid" else None,
            count if isinstance(count, int) and count > 0 else None,
        )
        for text, own, count in zip(texts, lists, tokens, strict=True)
    )
    problem = Problem(id_, question, answer, level_of(row.get("level")), text_at(row, "subject", "") or None)
    return SalRow(f"row {index + 1}", problem, completions)


def _step_scores(values: Any, unbounded: bool) -> list[float | None]:
    if not isinstance(values, list):
        raise ValueError(f"scores: not a list of step scores for each completion; {UNREAD}")
    known = [value for value in values if value is not None]
    for value in known:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"scores: {value!r} is no number; {UNREAD}")
        if not (unbounded or math.isnan(value) or 0 <= value <= 1):
            raise ValueError(
                f"scores: {value!r} is not in [0, 1]; scores=sigmoid makes probabilities of rewards and "
                f"log-likelihoods, {UNREAD}"
            )
    return [None if value is None or math.isnan(value) else float(value) for value in values]


def _squash(values: list[float | None] | None) -> list[float | None] | None:
    from scipy.special import expit

    return values and [None if value is None else float(expit(value)) for value in values]
