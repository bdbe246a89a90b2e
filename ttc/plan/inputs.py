"""Everything a launch names is looked at before anything is loaded: datasets, models, the cluster's address.

Library-light on purpose: no ray, no vllm, no torch, so that a mistake is answered in a second.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ttc.data.problems import load_problems
from ttc.models import ENGINES, look_up
from ttc.models.prompts import Talk
from ttc.models.provider import Model
from ttc.models.rehearsal import rehearse
from ttc.plan.cells import Cell, Grid
from ttc.plan.jobs import PlannedCell, verifier_id
from ttc.settings.schema import DatasetConfig, EngineConfig, PrmConfig
from ttc.types import Faults, Problem, UserError


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


@dataclass(frozen=True)
class Inputs:
    """A launch with all that it names: every cell with its problems, every engine's configuration with its
    model."""

    grid: Grid
    cells: tuple[PlannedCell, ...]
    models: Mapping[EngineConfig, Model]

    @property
    def notes(self) -> list[str]:
        """What was folded, and what the user should know of the engines that were chosen."""
        notes = (f"{config.name}: {model.note}" for config, model in self.models.items() if model.note)
        return list(dict.fromkeys([*self.grid.notes, *notes]))


def look_up_all(grid: Grid) -> Inputs:
    """Raises:
    Faults: all that is wrong with files and models, at once.
    """
    check_cluster(grid.launch.cluster.mode)
    faults: list[str] = []
    problems: dict[DatasetConfig, tuple[Problem, ...]] = {}
    models: dict[EngineConfig, Model] = {}
    for dataset in dict.fromkeys(cell.dataset for cell in grid.cells):
        try:
            problems[dataset] = tuple(load_problems(dataset))
        except UserError as error:
            faults += str(error).splitlines()
    engines = dict.fromkeys(engine for cell in grid.cells for engine in (cell.policy, cell.prm) if engine)
    for engine in engines:
        users = (cell for cell in grid.cells if engine in (cell.policy, cell.prm))
        texts = dict.fromkeys(problem for cell in users for problem in problems.get(cell.dataset, ()))
        try:
            models[engine] = look_up(engine, list(texts))
        except UserError as error:
            faults += str(error).splitlines()
    for named, model in models.items():
        asked = [cell.sampling for cell in grid.cells if cell.policy == named and not grid.stored]
        talks = [
            Talk(cell.name, cell.sampling, cell.strategy.says)
            for cell in grid.cells
            if cell.policy == named and cell.strategy.says and not grid.stored
        ]
        faults += rehearse(named, model, asked, talks)
    faults += [fault for cell in grid.cells for fault in _misfits(cell, models.get(cell.policy))]
    if faults:
        raise Faults(faults)
    prms = ((prm, model) for prm, model in models.items() if isinstance(prm, PrmConfig))
    verifiers: dict[PrmConfig | None, str] = {
        prm: verifier_id(model.identity, prm.format) for prm, model in prms
    }
    planned = (
        PlannedCell(cell, problems[cell.dataset], models[cell.policy].identity, verifiers.get(cell.prm))
        for cell in grid.cells
    )
    return Inputs(grid, tuple(planned), models)


def _misfits(cell: Cell, policy: Model | None) -> Iterator[str]:
    """What the cell's strategy and verifier want of its policy in vain."""
    if cell.strategy.guided and policy and policy.chats_only:
        yield (
            f"strategy={cell.name}: a step search goes on from a text, and the server at "
            f"policy.base_url={cell.policy.base_url} only chats (no /completions, or policy.api=chat); "
            "take an unguided strategy, or a server that completes"
        )
    if cell.strategy.says and not ENGINES[cell.policy.engine].chats:
        yield (
            f"strategy={cell.name}: needs a policy that takes a conversation, and policy.engine="
            f"{cell.policy.engine} takes none"
        )
    if cell.prm and ENGINES[cell.prm.engine].needs_logprobs(cell.prm) and not cell.sampling.logprobs:
        yield (
            f"prm={cell.prm.name}: reads log-probabilities, which are kept only if asked for when "
            "sampling: policy.logprobs=true"
        )
