"""Everything a launch names is looked at before anything is loaded: datasets, models, the cluster's address.

Library-light on purpose: no ray, no vllm, no torch, so that a mistake is answered in a second.
"""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ttc.config import DatasetConfig, EngineConfig, Faults, PrmConfig
from ttc.grid import Cell
from ttc.plan import Identity, Work, place
from ttc.problems import load_problems
from ttc.types import ModelFacts, Problem, UserError


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
    """Every cell with its problems and models; all that is wrong with files and models at once.

    Raises:
        Faults: before anything heavy is imported.
    """
    faults: list[str] = []
    problems: dict[DatasetConfig, list[Problem]] = {}
    models: dict[EngineConfig, Model] = {}

    def attempt(fill: Callable[[], None]) -> None:
        try:
            fill()
        except UserError as error:
            faults.extend(str(error).splitlines())

    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        attempt(lambda dataset=dataset: problems.update({dataset: load_problems(dataset)}))  # type: ignore[misc]
    for engine in dict.fromkeys(e for cell in cells for e in (cell.policy, cell.prm) if e):
        texts = [(c.prm if engine == c.prm else c.policy, problems.get(c.dataset, [])) for c in cells]
        own = [p for e, ps in texts if e == engine for p in ps]
        attempt(lambda e=engine, own=own: models.update({e: _model(e, own)}))  # type: ignore[misc]
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
    for problem in problems:
        if word := first_unknown_word(checkpoint, problem.question):
            raise UserError(
                f"{group}.model={config.model}: its tokenizer does not know {word!r} (problem {problem.id}); "
                "take a model that can read this dataset"
            )
    return Model(Identity(checkpoint.identity, context), checkpoint.facts)
