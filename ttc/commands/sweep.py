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

from ttc.data.problems import name_of
from ttc.plan.cells import Cell, Grid, build_grid
from ttc.plan.done import check_gold, find_done
from ttc.plan.estimate import estimate
from ttc.plan.inputs import Models, check_cluster, placed
from ttc.plan.jobs import Plan, PlannedCell, plan
from ttc.report import console as show
from ttc.run.launch_log import RunLog
from ttc.run.search import Launch, Reading, Report
from ttc.settings.compose import compose, defaults, shipped
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.store.folder import Store
from ttc.types import EngineDied, ModelFacts, UserError

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all done; a search has failed; bad input; Ctrl-C or SIGTERM."""


def main(arguments: Sequence[str]) -> int:
    """The whole launch; returns the exit code. A user's mistake is a line, never a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return sweep(grid_of(compose(list(arguments))), list(arguments))
    except UserError as error:
        show.refuse(error)
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
    console, launch = show.make_console(), grid.launch
    check_cluster(launch.cluster.mode)
    planned, models = placed(grid.cells)
    folder = File(launch.results_dir).expanduser().absolute() / launch.name
    if launch.plan_only:
        _print_plan(console, folder, grid, planned, models)
        return DONE
    with Store(folder).held() as store:
        check_gold(folder, planned)
        whole = _print_plan(console, folder, grid, planned, models, stored)
        log = RunLog(store, grid, planned, models, arguments, command)
        failed: list[str] = []
        status = "crashed"
        try:
            if whole.jobs:
                with show.SweepProgress(console, len(whole.jobs)) as progress:
                    for pair in _pairs(grid.cells):
                        failed += _run_pair(pair, grid, planned, models, store, progress, log, stored)
            status = "failed" if failed else "done"
        except EngineDied as error:
            status = "engine died"
            console.print(f"[red]{error}[/]; logs: {folder / 'logs'}; the same line goes on from here")
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
    folder: File,
    grid: Grid,
    planned: Sequence[PlannedCell],
    models: Models,
    stored: bool = False,
) -> Plan:
    whole = _missing(folder, planned, stored)
    solution_tokens = {name_of(cell.dataset): cell.dataset.solution_tokens for cell in grid.cells}
    notes = dict.fromkeys(f"{config.name}: {model.note}" for config, model in models.items() if model.note)
    show.print_plan(console, whole, (*grid.notes, *notes), estimate(folder, whole, solution_tokens))
    return whole


def _missing(folder: File, planned: Sequence[PlannedCell], stored: bool) -> Plan:
    whole = plan(planned, find_done(folder, planned))
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


def _run_pair(
    pair: Pair,
    grid: Grid,
    planned: Sequence[PlannedCell],
    models: Models,
    store: Store,
    progress: show.SweepProgress,
    log: RunLog,
    stored: bool,
) -> list[str]:
    """Hosts one pair of engines and runs what is missing for the cells that use it; returns the failures."""
    policy, prm = pair
    served = [one for one in planned if _engine_of(one.cell.policy) == policy and one.cell.prm in (prm, None)]
    jobs = _missing(store.folder, served, stored).jobs
    if not jobs:
        return []
    readout, verifiers = grid.launch.readout, [w.verifier for w in served if w.verifier]
    model = models[served[0].cell.policy]
    searches = any(not job.stored for job in jobs)
    launch = Launch(
        policy=model.runs(policy) if searches else None,
        prm=models[prm].runs(prm) if prm else None,
        verifier_id=verifiers[0] if verifiers else None,
        facts=(model.facts, models[prm].facts if prm else ModelFacts()),
        reading=Reading(readout.grader, readout.extract, readout.grade_timeout),
        cluster=grid.launch.cluster,
        folder=store.folder,
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
            store.commit(part)
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
    console: Console, folder: File, grid: Grid, planned: Sequence[PlannedCell], failed: Sequence[str]
) -> None:
    """Reads out, prints this line's cells, draws all of the folder's."""
    from ttc.readout import read_out
    from ttc.report.plots import plot_accuracy
    from ttc.report.summary import print_table

    rows = read_out(folder, grid.launch.readout).rows.to_pandas()
    print_table(rows[rows["cell"].isin([one.record.cell for one in planned])], console)
    plot_accuracy(rows, folder / "plots" / "accuracy.png")
    for failure in failed[:5]:
        console.print(f"[red]failed[/] {failure}")
    if failed:
        console.print(
            f"[red]{len(failed)} failed[/]; logs: {folder / 'logs'}; the same line tries them again"
        )
    console.print(f"results: {_relative(folder)}  picture: {_relative(folder / 'plots' / 'accuracy.png')}")


def _relative(path: File) -> str:
    return os.path.relpath(path) if path.is_relative_to(File.cwd()) else str(path)
