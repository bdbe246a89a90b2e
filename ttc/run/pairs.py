"""Engine pairs: cells of one grid may name several policies and verifiers; they are hosted in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ttc.plan.done import find_done, join_done, plan_missing
from ttc.plan.inputs import Inputs
from ttc.plan.jobs import Done, Job, PlannedCell
from ttc.run.launch import Launch, Report
from ttc.run.launch_log import LaunchLog
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.store import Folder
from ttc.types import ModelFacts

Runner = Callable[[Launch, Sequence[Job], Callable[[Report], None]], None]
"""Does jobs on the engines of a launch, and reports: run.local or ttc.cluster."""


def run_pairs(
    folder: Folder,
    inputs: Inputs,
    done: Done,
    runner: Runner,
    log: LaunchLog,
    on_report: Callable[[Report], None],
) -> None:
    """Runs what is missing, pair by pair of engines."""
    known = folder.commits
    for pair in pair_up(inputs.cells):
        launch = pair.launch(inputs, folder)
        # a pair before this one may have drawn what its verifier has to score
        now = join_done(done, find_done(folder, pair.cells, after=known))
        jobs = plan_missing(folder, pair.cells, inputs.grid.stored, now)[0].jobs
        if all(job.stored for job in jobs):
            launch = replace(launch, policy=None)
        if jobs:
            with log.engines():
                runner(launch, jobs, on_report)


@dataclass(frozen=True)
class Pair:
    """A policy and a verifier that are hosted together, and the cells that they serve."""

    policy: PolicyConfig
    prm: PrmConfig | None
    cells: tuple[PlannedCell, ...]

    def launch(self, inputs: Inputs, folder: Folder) -> Launch:
        """What a runner needs besides the jobs."""
        prm, settings = self.prm, inputs.grid.launch
        policy = inputs.models[self.cells[0].cell.policy]
        verifier = inputs.models[prm] if prm else None
        return Launch(
            policy=policy.runs(self.policy),
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
