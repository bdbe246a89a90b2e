"""Everything a launch names is looked at before anything is loaded: datasets, models, the cluster's address.

Library-light on purpose: no ray, no vllm, no torch, so that a mistake is answered in a second.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ttc.data.problems import load_problems
from ttc.models import ENGINES, compares, look_up
from ttc.models.prompts import Talk
from ttc.models.provider import Model
from ttc.models.rehearsal import rehearse
from ttc.plan.cells import Cell, Grid
from ttc.plan.jobs import PlannedCell, verifier_id
from ttc.settings.schema import DatasetConfig, EngineConfig
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


def _unpriced(cell: Cell, models: Mapping[EngineConfig, Model]) -> list[str]:
    """Budgets in what one of the cell's engines does not tell."""
    faults = []
    engines = [("policy", cell.policy), *([("prm", cell.prm)] if cell.prm else [])]
    for measure, limit in cell.ending.budgets.items() if cell.ending else ():
        for part, engine in engines:
            known = {
                "tokens": True,
                "flops": engine not in models or models[engine].facts.params is not None,
                "seconds": ENGINES[engine.engine].timed,
            }
            why = {"flops": "nobody knows what a token of {} takes", "seconds": "nobody knows how fast {} is"}
            if not known[measure]:
                said = why[measure].format(f"{part}={engine.name}")
                faults.append(f"budget.{measure}={limit:g}: {said}; take budget.tokens")
    return faults


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
    faults += [fault for cell in grid.cells for fault in _unpriced(cell, models)]
    if faults:
        raise Faults(faults)
    planned = (
        PlannedCell(cell, problems[cell.dataset], models[cell.policy].identity, _verifier(cell, models))
        for cell in grid.cells
    )
    return Inputs(grid, tuple(planned), models)


def _verifier(cell: Cell, models: Mapping[EngineConfig, Model]) -> str | None:
    """What a cell's scores are keyed by: for a verifier that compares n paths, by this n, too."""
    if cell.prm is None:
        return None
    among = cell.n if compares(cell.prm) else None
    return verifier_id(models[cell.prm].identity, cell.prm.format, among)


def _misfits(cell: Cell, policy: Model | None) -> Iterator[str]:
    """What the cell's strategy and verifier want of its policy in vain."""
    if cell.strategy.guided and policy and policy.chats_only:
        yield (
            f"strategy={cell.name}: a step search goes on from a text, and the server at "
            f"policy.base_url={cell.policy.base_url} only chats (no /completions, or policy.api=chat); "
            "take an unguided strategy, or a server that completes"
        )
    if cell.prm and cell.strategy.guided and compares(cell.prm):
        yield (
            f"prm={cell.prm.name}: compares the finished solutions of a pool, and {cell.name} is guided step "
            "by step; take an unguided strategy"
        )
    if cell.prm and cell.ending and compares(cell.prm):
        yield (
            f"prm={cell.prm.name}: compares all n solutions of a pool; with stop= or budget= nobody knows "
            "how many there will be"
        )
    if cell.strategy.says and not ENGINES[cell.policy.engine].chats:
        yield (
            f"strategy={cell.name}: needs a policy that takes a conversation, and policy.engine="
            f"{cell.policy.engine} takes none"
        )
    if cell.strategy.confident and not ENGINES[cell.policy.engine].floors:
        yield (
            f"strategy={cell.name}: ends a path where the policy becomes unsure, while it writes, and "
            f"policy.engine={cell.policy.engine} cannot be interrupted; take one that runs here"
        )
    if cell.prm and ENGINES[cell.prm.engine].needs_logprobs(cell.prm) and not cell.sampling.logprobs:
        yield (
            f"prm={cell.prm.name}: reads log-probabilities, which are kept only if asked for when "
            "sampling: policy.logprobs=true"
        )
