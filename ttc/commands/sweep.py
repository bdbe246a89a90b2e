"""One launch, from the command line to the picture: compose, check, plan, run, commit, read out, draw."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any

from rich.console import Console

from ttc.commands import BAD_INPUT, DONE, FAILED, INTERRUPTED
from ttc.data.problems import name_of
from ttc.plan.cells import Cell, Grid, build_grid
from ttc.plan.done import check_gold, find_done, join_done
from ttc.plan.estimate import estimate
from ttc.plan.inputs import Models, check_cluster, placed
from ttc.plan.jobs import Done, Job, Plan, PlannedCell, plan
from ttc.report.console import make_console, refuse
from ttc.report.plan import print_plan
from ttc.report.progress import SweepProgress
from ttc.run.launch import Grading, Launch, Report
from ttc.run.launch_log import LaunchLog
from ttc.settings import extensions
from ttc.settings.compose import compose, defaults, shipped
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.store import Folder
from ttc.types import EngineDied, ModelFacts, UserError


def main(arguments: Sequence[str]) -> int:
    """The whole launch; returns the exit code. A user's mistake is a line, never a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    extensions.load()
    try:
        return sweep(grid_of(compose(list(arguments))), list(arguments))
    except UserError as error:
        refuse(error)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted: finished searches are kept; the same line goes on from here", file=sys.stderr)
        return INTERRUPTED


def grid_of(points: list[dict[str, Any]]) -> Grid:
    """The grid of composed points, told apart from what ttc ships."""
    return build_grid(points, shipped, defaults()["max_tokens"])


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def sweep(grid: Grid, arguments: list[str], command: str = "launch", stored: bool = False) -> int:
    """Runs what is missing of a grid, reads it out and draws it; returns the exit code.

    Args:
        stored: score stored paths only, and sample nothing.
    """
    console, launch = make_console(), grid.launch
    check_cluster(launch.cluster.mode)
    planned, models = placed(grid.cells)
    folder = Folder(File(launch.results_dir) / launch.name)
    if launch.plan_only:
        _print_plan(console, folder, grid, planned, models, find_done(folder, planned))
        return DONE
    with folder.held():
        check_gold(folder, planned)
        done, known = find_done(folder, planned), folder.commits
        whole = _print_plan(console, folder, grid, planned, models, done, stored)
        log = LaunchLog(folder, grid, planned, models, arguments, command)
        failed: list[str] = []
        status = "crashed"
        try:
            if whole.jobs:
                with SweepProgress(console, len(whole.jobs)) as progress:
                    for pair in _pairs(grid.cells):
                        served = _served(pair, planned)
                        # a pair before this one may have drawn what its verifier has to score
                        now = join_done(done, find_done(folder, served, after=known))
                        jobs = _missing(served, now, stored).jobs
                        if jobs:
                            failed += _run_pair(pair, served, jobs, grid, models, folder, progress, log)
            status = "failed" if failed else "done"
        except EngineDied as error:
            status = "engine died"
            console.print(f"[red]{error}[/]; logs: {folder.local('logs')}; the same line goes on from here")
            return FAILED
        except UserError:  # only Ray knows how large it is
            status = "refused"
            raise
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            log.finish(status, failed)
    _show_results(console, folder, grid, planned, failed)
    return FAILED if failed else DONE


def _print_plan(
    console: Console,
    folder: Folder,
    grid: Grid,
    planned: Sequence[PlannedCell],
    models: Models,
    done: Done,
    stored: bool = False,
) -> Plan:
    whole = _missing(planned, done, stored)
    solution_tokens = {name_of(cell.dataset): cell.dataset.solution_tokens for cell in grid.cells}
    notes = dict.fromkeys(f"{config.name}: {model.note}" for config, model in models.items() if model.note)
    print_plan(console, whole, (*grid.notes, *notes), estimate(folder, whole, solution_tokens))
    return whole


def _missing(planned: Sequence[PlannedCell], done: Done, stored: bool) -> Plan:
    whole = plan(planned, done)
    return replace(whole, jobs=tuple(job for job in whole.jobs if job.stored)) if stored else whole


Pair = tuple[PolicyConfig, PrmConfig | None]


def _engine_of(policy: PolicyConfig) -> PolicyConfig:
    """The policy without what a request may choose: such cells share an engine."""
    return replace(policy, temperature=PolicyConfig.temperature, top_p=PolicyConfig.top_p, logprobs=False)


def _pairs(cells: Sequence[Cell]) -> list[Pair]:
    """The engine pairs to host, in turn; a cell without a verifier joins its policy's first pair."""
    pairs = list(dict.fromkeys((_engine_of(cell.policy), cell.prm) for cell in cells))
    verified = {policy for policy, prm in pairs if prm}
    return [(policy, prm) for policy, prm in pairs if prm or policy not in verified]


def _served(pair: Pair, planned: Sequence[PlannedCell]) -> list[PlannedCell]:
    """The cells that a pair of engines serves."""
    policy, prm = pair
    return [one for one in planned if _engine_of(one.cell.policy) == policy and one.cell.prm in (prm, None)]


def _run_pair(
    pair: Pair,
    served: Sequence[PlannedCell],
    jobs: Sequence[Job],
    grid: Grid,
    models: Models,
    folder: Folder,
    progress: SweepProgress,
    log: LaunchLog,
) -> list[str]:
    """Hosts one pair of engines and runs `jobs`, what is missing for the cells that use it; returns the
    failures."""
    policy, prm = pair
    readout, verifiers = grid.launch.readout, [w.verifier for w in served if w.verifier]
    model = models[served[0].cell.policy]
    searches = any(not job.stored for job in jobs)
    launch = Launch(
        policy=model.runs(policy) if searches else None,
        prm=models[prm].runs(prm) if prm else None,
        verifier_id=verifiers[0] if verifiers else None,
        facts=(model.facts, models[prm].facts if prm else ModelFacts()),
        grading=Grading(
            *(readout.grader, readout.extract, readout.grade_timeout, grid.launch.grade_discarded)
        ),
        cluster=grid.launch.cluster,
        folder=folder,
        sizes=(model.size, models[prm].size if prm else None),
    )
    failures: list[str] = []
    ready: list[float] = []

    def on_report(report: Report) -> None:
        if not ready:
            ready.append(time.monotonic())
            progress.ready()
            log.engines_ready(report.ray_address, report.placement)
        for part in report.parts:
            folder.commit(part)
        failures.extend(report.failed)
        progress.update(report)

    log.engines_start()
    try:
        _runner(grid.launch.cluster.mode)(launch, jobs, on_report)
    finally:
        log.engines_end()
    return failures


def _runner(mode: str) -> Callable[[Launch, Sequence[Any], Callable[[Report], None]], None]:
    if mode == "none":
        from ttc.run import local

        return local.run
    from ttc import cluster

    return cluster.run


def _show_results(
    console: Console, folder: Folder, grid: Grid, planned: Sequence[PlannedCell], failed: Sequence[str]
) -> None:
    """Reads out, prints this line's cells, draws all of the folder's."""
    from ttc.readout import read_out
    from ttc.report.plots import plot_accuracy
    from ttc.report.summary import print_readout

    rows = read_out(folder, grid.launch.readout)["readout"].to_pandas()
    print_readout(rows[rows["cell"].isin([one.record.cell for one in planned])], console)
    folder.write_bytes("plots/accuracy.png", plot_accuracy(rows))
    for failure in failed[:5]:
        console.print(f"[red]failed[/] {failure}")
    if failed:
        console.print(
            f"[red]{len(failed)} failed[/]; logs: {folder.local('logs')}; the same line tries them again"
        )
    console.print(
        f"results: {_relative(folder.local())}  picture: {_relative(folder.local('plots', 'accuracy.png'))}"
    )


def _relative(path: File) -> str:
    return os.path.relpath(path) if path.is_relative_to(File.cwd()) else str(path)
