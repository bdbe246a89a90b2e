"""Corrected gold answers: a data file's, found for the problems of a results folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from ttc.commands.settings import RegradeSettings
from ttc.data.files import read_rows
from ttc.data.problems import gold_of, key_of, name_of
from ttc.data.values import Row, missing_columns, read_each, texts_at
from ttc.settings.build import build
from ttc.settings.schema import DatasetConfig
from ttc.store import Folder
from ttc.types import Faults, Problem, UserError, place_of


@dataclass(frozen=True)
class Stored:
    """What a folder holds of one dataset: problem_key -> id, and the families of its searches."""

    dataset: str
    ids: Mapping[str, str]
    families: frozenset[str]


def corrected(folder: Folder, settings: RegradeSettings) -> tuple[dict[str, str], Stored, int]:
    """problem_key -> the gold answer that the file states, of problems that it names by id, else by question;
    and how many of its rows name none of the folder's.

    Raises:
        UserError: all that is wrong with the file, or it names none of the folder's problems.
    """
    stored = _stored(folder, settings.dataset)
    config = _dataset(folder, stored.dataset, settings)
    rows = _read(config, [role for role, column in vars(settings.columns).items() if column])
    golds = _match(rows, stored.ids)
    if not golds:
        ids = ", ".join(list(dict.fromkeys(stored.ids.values()))[:3])
        raise UserError(
            f"golds={config.path}: none of its {len(rows)} rows is a problem of {folder}, by id (there are "
            f"{ids}, ...; not with another question) or by question; columns.id, columns.question: where the "
            "file has them"
        )
    return {key: gold.answer for key, gold in golds.items()}, stored, len(rows) - len(set(golds.values()))


def _stored(folder: Folder, dataset: str | None) -> Stored:
    names = ["dataset", "problem_key", "problem_id", "family"]
    rows = folder.read("grades", names).group_by(names).aggregate([]).to_pylist()
    there = sorted({row["dataset"] for row in rows})
    if dataset not in there and (dataset or len(there) != 1):
        raise UserError(f"dataset={dataset or 'null'}: whose golds are they? {folder} has {', '.join(there)}")
    own = [row for row in rows if row["dataset"] == (dataset or there[0])]
    ids = {row["problem_key"]: row["problem_id"] for row in own}
    return Stored(own[0]["dataset"], ids, frozenset(row["family"] for row in own))


def _dataset(folder: Folder, name: str, settings: RegradeSettings) -> DatasetConfig:
    """The file as the dataset of that name was read, but for what the settings say."""
    runs = (run["config"].get("dataset") for run in reversed(folder.runs()))
    launched = (build(DatasetConfig, config) for config in runs if config)
    config = next((config for config in launched if name_of(config) == name), DatasetConfig())
    given = {role: column for role, column in vars(settings.columns).items() if column}
    columns = replace(config.columns, **given)
    answer_from = settings.answer_from or config.answer_from
    return replace(config, path=settings.golds, columns=columns, answer_from=answer_from)


def _read(config: DatasetConfig, given: Sequence[str]) -> list[Problem]:
    """The file's rows as problems, "" where one has no id or no question. given: roles that must be there."""
    try:
        rows = [row for _, row in read_rows(place_of(config.path or ""))]
    except UserError as error:
        raise UserError(f"golds={error}") from None
    if not rows:
        raise UserError(f"golds={config.path}: the file is empty")
    columns = config.columns
    if missing_columns(rows, {"question": columns.question}, ""):  # then only ids can tell
        columns = replace(columns, id=columns.id or "id")
    named = {role: getattr(columns, role) for role in ("id", "question", "answer")}
    lacks = {role: missing_columns(rows, {role: column}, "columns") for role, column in named.items()}
    needed = {"answer", *given} | ({"id", "question"} if lacks["id"] and lacks["question"] else set())
    if faults := [line for role in lacks if role in needed for line in lacks[role]]:
        raise Faults([f"golds={config.path}: {line}" for line in faults])
    golds = read_each(rows, partial(_gold, config, named), f"golds={config.path}")
    first: dict[str, str] = {}
    for gold in golds:
        name = gold.id or gold.question
        if (one := first.setdefault(name, gold.answer)) != gold.answer:
            raise UserError(f"golds={config.path}: two answers for {name!r}: {one} and {gold.answer}")
    return list(dict.fromkeys(golds))


def _gold(config: DatasetConfig, named: Mapping[str, str | None], number: int, row: Row) -> Problem:
    texts = texts_at(row, named, "columns")
    if not texts["id"] and not texts["question"]:
        raise ValueError(f"neither an id nor a question (columns {named['id']}, {named['question']})")
    return Problem(texts["id"], texts["question"], gold_of(texts["answer"], config))


def _match(golds: Sequence[Problem], ids: Mapping[str, str]) -> dict[str, Problem]:
    by_id = {gold.id: [gold] for gold in golds if gold.id}
    asked = [gold for gold in golds if gold.question]
    found = {}
    for key, id_ in ids.items():
        place = int(id_) if id_.isdecimal() else 0  # a dataset without ids has the numbers of its rows
        likely = chain(by_id.get(id_, ()), asked[place : place + 1], asked)
        same = (one for one in likely if not one.question or key_of(Problem(id_, one.question, "")) == key)
        if named := next(same, None):
            found[key] = named
    return found
