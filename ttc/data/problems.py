"""Datasets -> Problems: the embedded world, a local file, or a dataset of the Hub, by column mapping.

Left out on purpose: the making of prompts (ttc/prompts.py), and any cleaning of questions or answers beyond
what `answer_from` says: two readers of one dataset must see the same problems.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ttc.grading import extract
from ttc.settings.schema import DatasetConfig
from ttc.types import Problem, UserError

FILES = (".jsonl", ".json", ".csv", ".parquet")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
REACH = 10.0
"""Seconds that the Hub may take to say that it has a dataset."""


def name_of(config: DatasetConfig) -> str:
    """The dataset's name in rows and plots: its own, or the stem of its path."""
    return config.name or Path(config.path or "").stem


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
    if path == "nano":
        from ttc.nano.world import test_problems

        problems = test_problems(config.draw or 0)
    else:
        if config.draw is not None:
            raise UserError(f"dataset.draw={config.draw}: only the nano dataset is drawn")
        problems = _mapped(_rows(config), config)
    if not problems:
        raise UserError(f"dataset.path={path}: the dataset is empty")
    return _selected(problems, config)[: config.limit]


def _selected(problems: list[Problem], config: DatasetConfig) -> list[Problem]:
    levels, subjects = config.levels, config.subjects
    faults = _unknown("level", levels, {problem.level for problem in problems})
    faults += _unknown("subject", subjects, {problem.subject for problem in problems})
    if faults:
        raise UserError("\n".join(faults))
    chosen = [
        problem
        for problem in problems
        if (levels is None or problem.level in levels) and (subjects is None or problem.subject in subjects)
    ]
    if not chosen:
        raise UserError(f"{_said('level', levels)} {_said('subject', subjects)}: no problem is in both")
    if config.shuffle_seed is not None:
        # by a hash and not by `random`: its shuffle may differ between versions of Python
        chosen.sort(key=lambda p: hashlib.sha256(f"{config.shuffle_seed}\0{key_of(p)}".encode()).digest())
    return chosen


def _unknown(role: str, asked: Sequence[object] | None, present: Iterable[object]) -> list[str]:
    """The fault of a selection that names what no problem has."""
    there = sorted({value for value in present if value is not None}, key=str)
    if asked is None or (asked and set(asked) <= set(there)):
        return []
    if not there:
        return [f"{_said(role, asked)}: the problems have no {role}; name its column: dataset.columns.{role}"]
    unknown = ", ".join(str(value) for value in asked if value not in there)
    wrong = f"no problem has {role} {unknown}" if unknown else f"give at least one {role}"
    return [f"{_said(role, asked)}: {wrong}; there are {', '.join(map(str, there))}"]


def _said(role: str, asked: Sequence[object] | None) -> str:
    return f"dataset.{role}s=[{', '.join(map(str, asked or ()))}]"


def _rows(config: DatasetConfig) -> Sequence[Mapping[str, Any]]:
    path = Path(config.path or "").expanduser()
    if path.is_dir():
        return _library_rows(str(path), config)
    if path.exists():
        return _file_rows(path, config)
    if path.suffix in FILES or str(config.path).startswith((".", "/", "~")):
        raise UserError(f"dataset.path={config.path}: no such file")
    return hub_rows(config)


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


def hub_rows(config: DatasetConfig) -> list[dict[str, Any]]:
    """At the commit that the cache holds, if it holds one: a run does not change because somebody pushed."""
    name = config.path or ""
    cached, reason = _cached(name), _why_not(name)
    if reason is None:
        return _library_rows(name, config, revision=cached.name if cached else None)
    if cached is None:
        raise UserError(f"dataset.path={name}: {reason}")
    return _library_rows(str(cached), config)


def _cached(name: str) -> Path | None:
    """The folder of the dataset's newest commit in the Hub's cache, where `hf download` puts it, too."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, repo_type="dataset", local_files_only=True))
    except (OSError, ValueError):  # it is not cached, or the name is no Hub id
        return None


def _why_not(name: str) -> str | None:
    """Why the Hub does not give the dataset; None where it does."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:
        # asked first: the library tries for half a minute where there is no network
        HfApi().dataset_info(name, timeout=REACH)
    except GatedRepoError:
        return _consent(name)
    except (RepositoryNotFoundError, HFValidationError):
        return "neither a file here nor a dataset of the Hub (private ones need HF_TOKEN)"
    except Exception as error:  # the client raises whatever its HTTP library does
        return (
            f"not in the cache, and the Hub cannot be reached ({type(error).__name__}). With a network: "
            f"`hf download --repo-type dataset {name}` puts it into the cache ($HF_HOME, else "
            "~/.cache/huggingface); without: copy a file of it here, and dataset.path=FILE"
        )
    return None


def _consent(name: str) -> str:
    return (
        f"the Hub asks for consent; accept the terms at https://huggingface.co/datasets/{name} "
        "and set HF_TOKEN"
    )


def _library_rows(where: str, config: DatasetConfig, revision: str | None = None) -> list[dict[str, Any]]:
    """A dataset as the `datasets` library reads it: from the Hub, or from a folder laid out as there."""
    import datasets

    datasets.disable_progress_bars()
    try:
        return list(datasets.load_dataset(where, config.config, split=config.split, revision=revision))
    except Exception as error:  # the library raises a dozen kinds, and says what is there
        text = str(error) or type(error).__name__
        if "gated dataset" in text:
            text = _consent(where)
        asked = f"dataset.path={config.path} dataset.config={config.config} dataset.split={config.split}"
        raise UserError(f"{asked}: {' '.join(text.splitlines()[:2])}") from None


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
    question, answer = _text(row[columns.question]), _answer(_text(row[columns.answer]), config.answer_from)
    if not question or not answer:
        what = "question" if not question else "answer"
        where = WHERE[config.answer_from] if question and _text(row[columns.answer]) else ""
        raise UserError(
            f"dataset.path={config.path}: row {i + 1} has no {what}{where} (column {getattr(columns, what)})"
        )
    return Problem(
        id=_text(row[columns.id]) if columns.id else str(i),
        question=question,
        answer=answer,
        level=level_of(row[columns.level]) if columns.level else None,
        subject=_text(row[columns.subject]) or None if columns.subject else None,
    )


WHERE = {"column": "", "hashes": " behind '####'", "boxed": r" in a \boxed{}"}


def _answer(text: str, answer_from: str) -> str:
    """The gold answer in its column's text; "" where it states none."""
    if answer_from == "hashes":  # GSM8K: the reasoning, then "#### 1,234"
        return THOUSANDS.sub("", text.rpartition("####")[2].strip()) if "####" in text else ""
    return (extract(text) or "") if answer_from == "boxed" else text


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def level_of(value: Any) -> int | None:
    """`3`, `"3"` or `"Level 3"`."""
    digits = "".join(c for c in _text(value) if c.isdigit())
    return int(digits) if digits else None


def _refuse_twins(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for id_ in ids:
        if id_ in seen:
            raise UserError(f"dataset.columns.id: two rows have the id {id_!r}")
        seen.add(id_)
