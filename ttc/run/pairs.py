"""Engine pairs: cells of one grid may name several policies and verifiers; they are hosted in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ttc.plan.inputs import Inputs
from ttc.plan.jobs import Job, PlannedCell
from ttc.run.launch import Launch
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.store import Folder
from ttc.types import ModelFacts


@dataclass(frozen=True)
class Pair:
    """A policy and a verifier that are hosted together, and the cells that they serve."""

    policy: PolicyConfig
    prm: PrmConfig | None
    cells: tuple[PlannedCell, ...]

    def launch(self, inputs: Inputs, jobs: Sequence[Job], folder: Folder) -> Launch:
        """What a runner needs to do `jobs`."""
        prm, settings = self.prm, inputs.grid.launch
        policy = inputs.models[self.cells[0].cell.policy]
        verifier = inputs.models[prm] if prm else None
        searches = any(not job.stored for job in jobs)
        return Launch(
            policy=policy.runs(self.policy) if searches else None,
            prm=verifier.runs(prm) if prm and verifier else None,
            verifier_id=next((one.verifier for one in self.cells if one.verifier), None),
            facts=(policy.facts, verifier.facts if verifier else ModelFacts()),
            readout=settings.readout,
            discarded=settings.grade_discarded,
            cluster=settings.cluster,
            folder=folder,
            sizes=(policy.size, verifier.size if verifier else None),
        )


def pair_up(cells: Sequence[PlannedCell]) -> list[Pair]:
    """The pairs to host, in turn; a cell without a verifier joins its policy's first pair."""
    named = list(dict.fromkeys((_engine_of(one.cell.policy), one.cell.prm) for one in cells))
    verified = {policy for policy, prm in named if prm}
    return [
        Pair(policy, prm, tuple(one for one in cells if _serves(policy, prm, one)))
        for policy, prm in named
        if prm or policy not in verified
    ]


def _serves(policy: PolicyConfig, prm: PrmConfig | None, one: PlannedCell) -> bool:
    return _engine_of(one.cell.policy) == policy and one.cell.prm in (prm, None)


def _engine_of(policy: PolicyConfig) -> PolicyConfig:
    """The policy without what a request may choose: such cells share an engine."""
    return replace(policy, temperature=PolicyConfig.temperature, top_p=PolicyConfig.top_p, logprobs=False)
