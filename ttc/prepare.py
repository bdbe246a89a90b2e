"""Everything a launch names is looked at before anything is loaded: datasets, models, the cluster's address.

Library-light on purpose: no ray, no vllm, no torch, so that a mistake is answered in a second.
"""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ttc.config import EngineConfig, Faults, PrmConfig
from ttc.grid import Cell
from ttc.plan import Identity, Work, place
from ttc.problems import load_problems
from ttc.types import ModelFacts, Problem, UserError

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Model:
    """A model that a launch names: what identifies it and what its costs are computed from."""

    identity: Identity
    facts: ModelFacts


def check_cluster(mode: str) -> None:
    """Raises:
    UserError: the mode and RAY_ADDRESS do not go together, or nobody listens there.
    """
    address = os.environ.get("RAY_ADDRESS")
    if mode == "none" or not address:
        return
    if mode == "local":
        raise UserError(
            f"cluster=local: RAY_ADDRESS={address} is set, and a second Ray would start beside it; "
            "take cluster=auto to join it, or unset RAY_ADDRESS"
        )
    host, _, port = address.rpartition(":")
    if "//" in address or not port.isdigit():
        raise UserError(f"RAY_ADDRESS={address}: give host:port of the Ray's head, or use `ray job submit`")
    try:  # asked here: Ray itself would try for minutes
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise UserError(f"RAY_ADDRESS={address}: no Ray answers there ({error.strerror or error})") from None


def placed(cells: Sequence[Cell]) -> tuple[list[Work], dict[EngineConfig, Model]]:
    """Every cell with its problems and models.

    Raises:
        Faults: all that is wrong with files and models, at once.
    """
    faults: list[str] = []
    problems = _each((cell.dataset for cell in cells), load_problems, faults)
    texts: dict[EngineConfig, dict[Problem, None]] = {}
    for cell in cells:
        for engine in (cell.policy, cell.prm):
            if engine:
                texts.setdefault(engine, {}).update(dict.fromkeys(problems.get(cell.dataset, ())))
    models = _each(texts, lambda engine: _model(engine, list(texts[engine])), faults)
    if faults:
        raise Faults(faults)
    works = [
        place(
            cell,
            problems[cell.dataset],
            models[cell.policy].identity,
            models[cell.prm].identity if cell.prm else None,
        )
        for cell in cells
    ]
    return works, models


def _each(keys: Iterable[K], make: Callable[[K], V], faults: list[str]) -> dict[K, V]:
    """`make` of every key, once; a refusal goes to `faults` and the others go on."""
    made: dict[K, V] = {}
    for key in dict.fromkeys(keys):
        try:
            made[key] = make(key)
        except UserError as error:
            faults += str(error).splitlines()
    return made


def _model(config: EngineConfig, problems: Sequence[Problem]) -> Model:
    """Raises:
    UserError: no such model, or its tokenizer does not know a word of the problems.
    """
    if config.engine == "fake":
        return Model(Identity("fake", config.context), ModelFacts())
    from ttc.models.checkpoint import first_unknown_word, resolve

    if importlib.util.find_spec("vllm") is None:
        raise UserError(
            "vllm is not installed: `uv sync` on Linux brings it; elsewhere take policy=fake prm=fake"
        )
    group = "prm" if isinstance(config, PrmConfig) else "policy"
    checkpoint = resolve(config.model or "", config.revision)
    context = min(config.context or checkpoint.context, checkpoint.context)
    if unknown := first_unknown_word(checkpoint, (problem.question for problem in problems)):
        index, word = unknown
        raise UserError(
            f"{group}.model={config.model}: its tokenizer does not know {word!r} "
            f"(problem {problems[index].id}); take a model that can read this dataset"
        )
    return Model(Identity(checkpoint.identity, context), checkpoint.facts)
