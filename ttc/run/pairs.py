"""Engine pairs: cells of one grid may name several policies and verifiers; they are hosted in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ttc.plan.done import find_done, join_done
from ttc.plan.inputs import Inputs
from ttc.plan.jobs import Done, Job, PlannedCell, plan
from ttc.run.launch import Launch, Report
from ttc.run.launch_log import LaunchLog
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.store import Folder
from ttc.types import ModelFacts

OnReport = Callable[[Report], None]
Runner = Callable[[Launch, Sequence[Job], OnReport], None]
"""Does jobs on the engines of a launch, and reports: run.local or ttc.cluster."""


def run_pairs(
    folder: Folder, inputs: Inputs, done: Done, runner: Runner, log: LaunchLog, on_report: OnReport
) -> None:
    """Runs what is missing, pair by pair of engines."""
    known = folder.commits
    for policy, prm in pair_up(inputs.cells):
        # a cell without a verifier is served by any pair of its policy
        cells = [
            one
            for one in inputs.cells
            if _engine_of(one.cell.policy) == policy and one.cell.prm in (prm, None)
        ]
        # a pair before this one may have drawn what its verifier has to score
        now = join_done(done, find_done(folder, cells, after=known))
        jobs = plan(cells, now, inputs.grid.stored).jobs
        if not jobs:
            continue
        settings, sampler = inputs.grid.launch, inputs.models[cells[0].cell.policy]
        verifier = inputs.models[prm] if prm else None
        launch = Launch(
            policy=None if all(job.stored for job in jobs) else sampler.runs(policy),
            prm=verifier.runs(prm) if prm and verifier else None,
            verifier_id=next((one.verifier for one in cells if one.verifier), None),
            facts=(sampler.facts, verifier.facts if verifier else ModelFacts()),
            readout=settings.readout,
            discarded=settings.grade_discarded,
            cluster=settings.cluster,
            folder=folder,
            sizes=(sampler.size, verifier.size if verifier else None),
        )
        with log.engines():
            runner(launch, jobs, on_report)


def pair_up(cells: Sequence[PlannedCell]) -> list[tuple[PolicyConfig, PrmConfig | None]]:
    """The engines to host together, in turn; a cell without a verifier joins its policy's first pair."""
    named = list(dict.fromkeys((_engine_of(one.cell.policy), one.cell.prm) for one in cells))
    verified = {policy for policy, prm in named if prm}
    return [(policy, prm) for policy, prm in named if prm or policy not in verified]


def _engine_of(policy: PolicyConfig) -> PolicyConfig:
    """The policy without what a request may choose: such cells share an engine."""
    return replace(policy, temperature=PolicyConfig.temperature, top_p=PolicyConfig.top_p, logprobs=False)
