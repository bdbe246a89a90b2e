"""Datasets -> Problems: where a dataset's rows come from, which columns say what, and which are selected.

Left out on purpose: the making of prompts (ttc/models/prompts.py), and any cleaning of questions or answers
beyond what `answer_from` says: two readers of one dataset must see the same problems.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from ttc.data.files import kind_of, read_rows, stem_of
from ttc.data.hub import load_library, read_hub
from ttc.data.values import Row, missing_columns, read_each, text_of, texts_at, whole_of
from ttc.grading import extract, last_box
from ttc.settings.schema import DatasetConfig
from ttc.types import Faults, Problem, UserError, place_of

THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def name_of(config: DatasetConfig) -> str:
    """The dataset's name in rows and plots: its own, or the stem of its path."""
    return config.name or stem_of(config.path or "")


def key_of(problem: Problem) -> str:
    """What names a problem's work: a hash of its id and its question (design, "Unit of work")."""
    return hashlib.sha256(f"{problem.id}\0{problem.question}".encode()).hexdigest()[:16]


def load_problems(config: DatasetConfig) -> list[Problem]:
    """The selected problems: the levels and subjects asked for, shuffled, and of these the first `limit`.

    In the dataset's order where nothing shuffles.

    Raises:
        UserError: no such file or dataset, a mapped column that is not there, a row without a question or an
            answer, two rows of one id, or nothing selected; all that is wrong with a selection at once.
    """
    path = config.path or ""
    if config.draw is not None and not _made(path):
        raise UserError(
            f"dataset.draw={config.draw}: only the nano dataset is drawn; a file's line has dataset=path, too"
        )
    problems = SOURCES[_kind(path)](config)
    if not problems:
        raise UserError(f"dataset.path={path}: the dataset is empty")
    return _select(problems, config)[: config.limit]


def _select(problems: list[Problem], config: DatasetConfig) -> list[Problem]:
    levels, subjects = config.levels, config.subjects
    faults = _misses("level", levels, {problem.level for problem in problems})
    faults += _misses("subject", subjects, {problem.subject for problem in problems})
    if faults:
        raise Faults(faults)
    chosen = [
        problem
        for problem in problems
        if (levels is None or problem.level in levels) and (subjects is None or problem.subject in subjects)
    ]
    if not chosen:
        raise UserError(f"{_words('level', levels)} {_words('subject', subjects)}: no problem is in both")
    if config.shuffle_seed is not None:
        # by a hash and not by `random`: its shuffle may differ between versions of Python
        chosen.sort(key=lambda p: hashlib.sha256(f"{config.shuffle_seed}\0{key_of(p)}".encode()).digest())
    return chosen


def _misses(role: str, asked: Sequence[object] | None, present: Iterable[object]) -> list[str]:
    """The fault of a selection that names what no problem has."""
    there = sorted({value for value in present if value is not None}, key=str)
    if asked is None or (asked and set(asked) <= set(there)):
        return []
    if not there:
        return [
            f"{_words(role, asked)}: the problems have no {role}; name its column: dataset.columns.{role}"
        ]
    unknown = ", ".join(str(value) for value in asked if value not in there)
    wrong = f"no problem has {role} {unknown}" if unknown else f"give at least one {role}"
    return [f"{_words(role, asked)}: {wrong}; there are {', '.join(map(str, there))}"]


def _words(role: str, asked: Sequence[object] | None) -> str:
    return f"dataset.{role}s=[{', '.join(map(str, asked or ()))}]"


def _read_problems(rows: Sequence[Row], config: DatasetConfig) -> list[Problem]:
    if missing := missing_columns(rows, vars(config.columns), "dataset.columns"):
        raise UserError("\n".join(missing))
    return read_each(rows, partial(_problem, config), f"dataset.path={config.path}", lambda one: one.id)


def _problem(config: DatasetConfig, number: int, row: Row) -> Problem:
    columns = config.columns
    texts = texts_at(row, vars(columns), "dataset.columns")
    for role in ("question", "id"):
        if getattr(columns, role) and not texts[role]:
            raise ValueError(f"no {role} (column {getattr(columns, role)})")
    return Problem(
        id=texts["id"] if columns.id else str(number),
        question=texts["question"],
        answer=gold_of(texts["answer"], config),
        level=level_of(texts["level"]),
        subject=texts["subject"] or None,
    )


def gold_of(text: str, config: DatasetConfig) -> str:
    """The gold answer in its column's text.

    Raises:
        ValueError: it states none, or is a whole solution where its column is taken for the answer.
    """
    marked = (
        "hashes" if "####" in text else "boxed" if r"\boxed" in text and len(text.split()) > PHRASE else ""
    )
    if marked and config.answer_from == "column":
        raise ValueError(
            f"column {config.columns.answer} holds a solution; answer_from={marked} takes its answer"
        )
    if answer := _answer(text, config.answer_from):
        return answer
    raise ValueError(f"no answer{WHERE[config.answer_from] * bool(text)} (column {config.columns.answer})")


PHRASE = 20
"""Words that an answer with a box may have: `$x=\\boxed{1}$ or $x=\\boxed{2}$` is no solution."""
WHERE = {"column": "", "hashes": " behind '####'", "boxed": r" in a \boxed{}"}


def _answer(text: str, answer_from: str) -> str:
    """The gold answer in its column's text; "" where it states none."""
    if answer_from == "hashes":  # GSM8K: the reasoning, then "#### 1,234"; MetaMathQA writes a line behind it
        behind = text.rpartition("####")[2].strip() if "####" in text else ""
        return THOUSANDS.sub("", behind.partition("\n")[0].strip())
    return (last_box(text) or extract(text) or "") if answer_from == "boxed" else text


def level_of(value: Any) -> int | None:
    """`3`, `"3"` or `"Level 3"`; None for a text without a digit, such as MATH's `"Level ?"`.

    Raises:
        ValueError: another number.
    """
    text = text_of(value)
    level = whole_of(re.sub(r"^[A-Za-z]+[ _-]?", "", text))
    if level is None and re.search(r"\d", text):
        raise ValueError(f"level {text!r}: must be a whole number")
    return level


def _kind(path: str) -> str:
    """Which of SOURCES has `dataset.path`: one by its name, else the kind of place that the path is."""
    if _made(path):
        return path
    try:
        place = place_of(path)
    except UserError as error:
        raise UserError(f"dataset.path={error}") from None
    if place.is_dir():
        return "folder"
    is_file = place.exists() or kind_of(place) or path.startswith((".", "/", "~"))
    return "file" if is_file else "hub"


def _made(path: str) -> bool:
    """Is it a function's name? A folder may be called as a kind of place is."""
    return path in SOURCES and path not in ("folder", "file", "hub")


def _draw_nano(config: DatasetConfig) -> list[Problem]:
    from ttc.nano.world import test_problems

    return test_problems(config.draw or 0)


def _read_file(config: DatasetConfig) -> list[Problem]:
    place = place_of(config.path or "")
    if not place.exists():
        raise UserError(f"dataset.path={config.path}: no such file")
    try:
        rows = [row for _, row in read_rows(place, "problem")]
    except UserError as error:
        raise UserError(f"dataset.path={error}") from None
    return _read_problems(rows, config)


SOURCES: dict[str, Callable[[DatasetConfig], list[Problem]]] = {
    "nano": _draw_nano,
    "folder": lambda config: _read_problems(load_library(str(place_of(config.path or "")), config), config),
    "file": _read_file,
    "hub": lambda config: _read_problems(read_hub(config), config),
}
"""All problems of a dataset: made by a function of ours that `dataset.path` names, or read from a place."""
