"""Engine pairs: cells of one grid may name several policies and verifiers; they are hosted in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ttc.models import compares
from ttc.plan.done import plan_missing
from ttc.plan.inputs import Inputs
from ttc.plan.jobs import PlannedCell
from ttc.plan.plan import Plan
from ttc.run.launch import Launch, Report
from ttc.run.launch_log import LaunchLog
from ttc.run.limits import Limits
from ttc.run.stopping import Stop
from ttc.settings import extensions
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.store import Folder
from ttc.types import ModelFacts

OnReport = Callable[[Report], None]
Runner = Callable[[Launch, Plan, OnReport, Stop], None]
"""Does a plan's jobs on the engines of a launch, reports, and ends early where it is asked to: run.local or
ttc.cluster."""


def run_pairs(
    folder: Folder, inputs: Inputs, runner: Runner, log: LaunchLog, on_report: OnReport, stop: Stop
) -> None:
    """Runs what is missing, pair by pair of engines.

    Raises:
        BaseException: why it was stopped, once what was finished has been reported.
    """
    for policy, prm in pair_up(inputs.cells):
        cells = _served(inputs.cells, policy, prm)
        # asked now: a pair before this one may have drawn what its verifier has to score
        plan = plan_missing(folder, cells, inputs.grid.stored or compares(prm))
        if not plan.size:
            continue
        settings, sampler = inputs.grid.launch, inputs.models[cells[0].cell.policy]
        verifier = inputs.models[prm] if prm else None
        launch = Launch(
            policy=sampler.runs(policy) if plan.searches else None,
            prm=verifier.runs(prm) if prm and verifier else None,
            verifier_id=next((one.verifier for one in cells if one.verifier), None),
            facts=(sampler.facts, verifier.facts if verifier else ModelFacts()),
            readout=settings.readout,
            discarded=settings.grade_discarded,
            limits=Limits(settings.search_steps, settings.search_tokens, settings.search_seconds),
            cluster=settings.cluster,
            folder=folder,
            sizes=(sampler.size, verifier.size if verifier else None),
            extend=extensions.loaded(),
        )
        with log.engines():
            runner(launch, plan, on_report, stop)
        if stop.why:
            raise stop.why


def pair_up(cells: Sequence[PlannedCell]) -> list[tuple[PolicyConfig, PrmConfig | None]]:
    """The engines to host together, in turn; a cell without a verifier joins its policy's first pair.

    Verifiers that compare come last: what they compare is sampled before, as if there were none.
    """
    named = [(_engine_of(one.cell.policy), one.cell.prm) for one in cells]
    sampling = dict.fromkeys((policy, None if compares(prm) else prm) for policy, prm in named)
    verified = {policy for policy, prm in sampling if prm}
    return [
        *((policy, prm) for policy, prm in sampling if prm or policy not in verified),
        *dict.fromkeys((policy, prm) for policy, prm in named if compares(prm)),
    ]


def _served(cells: Sequence[PlannedCell], policy: PolicyConfig, prm: PrmConfig | None) -> list[PlannedCell]:
    """What a pair does of the cells. A cell without a verifier is served by any pair of its policy, and so is
    the sampling of one whose verifier compares."""
    own = [one for one in cells if _engine_of(one.cell.policy) == policy]
    if compares(prm):
        return [one for one in own if one.cell.prm == prm]
    unverified = [replace(one, verifier=None) for one in own if one.compared]
    return [*(one for one in own if one.cell.prm in (prm, None)), *unverified]


def _engine_of(policy: PolicyConfig) -> PolicyConfig:
    """The policy without what a request may choose: such cells share an engine."""
    usual = PolicyConfig.temperature, PolicyConfig.top_p
    return replace(policy, temperature=usual[0], top_p=usual[1], logprobs=False, confidence=False)
