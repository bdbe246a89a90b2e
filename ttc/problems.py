"""Datasets -> Problems: the embedded world, a local file, or a dataset of the Hub, by column mapping."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ttc.config import DatasetConfig
from ttc.types import Problem, UserError

FILES = (".jsonl", ".json", ".csv", ".parquet")


def name_of(config: DatasetConfig) -> str:
    """The dataset's name in rows and plots: its own, or the stem of its path."""
    return config.name or Path(config.path or "").stem


def key_of(problem: Problem) -> str:
    """What names a problem's work: a hash of its id and its question (design, "Unit of work")."""
    return hashlib.sha256(f"{problem.id}\0{problem.question}".encode()).hexdigest()[:16]


def load_problems(config: DatasetConfig) -> list[Problem]:
    """The selected problems, in the dataset's order.

    Raises:
        UserError: no such file or dataset, a mapped column that is not there, a row without a question or an
            answer, two rows of one id, or nothing selected.
    """
    path = config.path or ""
    if path == "nano":
        from ttc.nano.world import test_problems

        problems = test_problems(config.draw or 0)
    else:
        if config.draw is not None:
            raise UserError(f"dataset.draw={config.draw}: only the nano dataset is drawn")
        problems = _mapped(_rows(config), config)
    problems = problems[: config.limit]
    if not problems:
        raise UserError(f"dataset.path={path}: the dataset is empty")
    return problems


def _rows(config: DatasetConfig) -> Sequence[Mapping[str, Any]]:
    path = Path(config.path or "")
    looks_local = path.suffix in FILES or str(config.path).startswith((".", "/", "~"))
    if not path.expanduser().exists():
        if looks_local:
            raise UserError(f"dataset.path={config.path}: no such file")
        return _hub_rows(config)
    return _file_rows(path.expanduser(), config)


def _file_rows(path: Path, config: DatasetConfig) -> list[dict[str, Any]]:
    import pandas

    try:
        if path.suffix == ".parquet":
            frame = pandas.read_parquet(path)
        elif path.suffix == ".csv":
            frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
        elif path.suffix in FILES:
            # everything as written: "007" and "1.50" are answers, not numbers
            frame = pandas.read_json(path, lines=path.suffix == ".jsonl", dtype=False)
        else:
            raise UserError(f"dataset.path={path}: take a {', '.join(FILES)} file")
    except (ValueError, OSError) as error:
        raise UserError(f"dataset.path={path}: cannot be read ({str(error).splitlines()[0]})") from None
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _hub_rows(config: DatasetConfig) -> Sequence[Mapping[str, Any]]:
    import datasets

    try:
        return list(datasets.load_dataset(config.path, config.config, split=config.split))
    except Exception as error:  # the library raises a dozen kinds; all mean the same to the user
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"dataset.path={config.path}: neither a file nor a dataset of the Hub or its cache ({reason})"
        ) from None


def _mapped(rows: Sequence[Mapping[str, Any]], config: DatasetConfig) -> list[Problem]:
    columns = config.columns
    if rows:
        missing = [
            f"dataset.columns.{role}={column}: the data has no such column; it has {', '.join(rows[0])}"
            for role, column in vars(columns).items()
            if column is not None and column not in rows[0]
        ]
        if missing:
            raise UserError("\n".join(missing))
    problems = [_problem(i, row, config) for i, row in enumerate(rows)]
    _refuse_twins(problem.id for problem in problems)
    return problems


def _problem(i: int, row: Mapping[str, Any], config: DatasetConfig) -> Problem:
    columns = config.columns
    question, answer = _text(row[columns.question]), _text(row[columns.answer])
    if not question or not answer:
        what = "question" if not question else "answer"
        raise UserError(
            f"dataset.path={config.path}: row {i + 1} has no {what} (column {getattr(columns, what)})"
        )
    return Problem(
        id=_text(row[columns.id]) if columns.id else str(i),
        question=question,
        answer=answer,
        level=_level(row[columns.level]) if columns.level else None,
    )


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _level(value: Any) -> int | None:
    """`3`, `"3"` or `"Level 3"`."""
    digits = "".join(c for c in _text(value) if c.isdigit())
    return int(digits) if digits else None


def _refuse_twins(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for id_ in ids:
        if id_ in seen:
            raise UserError(f"dataset.columns.id: two rows have the id {id_!r}")
        seen.add(id_)
