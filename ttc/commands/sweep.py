"""One launch, from the command line to the picture: compose, check, plan, run, commit, read out, draw."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ttc.commands import BAD_INPUT, DONE, FAILED, INTERRUPTED
from ttc.plan.cells import Grid, build_grid
from ttc.plan.done import check_gold, find_done, join_done
from ttc.plan.estimate import estimate
from ttc.plan.inputs import Inputs, look_up_all
from ttc.plan.jobs import Done, Plan, PlannedCell, plan
from ttc.report.console import Console, make_console, refuse
from ttc.report.plan import print_plan
from ttc.report.progress import SweepProgress
from ttc.run.launch import Launch, Report
from ttc.run.launch_log import LaunchLog
from ttc.run.pairs import pair_up
from ttc.settings import extensions
from ttc.settings.compose import compose
from ttc.store import Folder
from ttc.types import EngineDied, UserError


def main(arguments: Sequence[str]) -> int:
    """The whole launch; returns the exit code. A user's mistake is a line, never a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    extensions.load()
    try:
        return sweep(build_grid(compose(arguments)), arguments)
    except UserError as error:
        refuse(error)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted: finished searches are kept; the same line goes on from here", file=sys.stderr)
        return INTERRUPTED


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def sweep(grid: Grid, arguments: Sequence[str], command: str = "launch") -> int:
    """Runs what is missing of a grid, reads it out and draws it; returns the exit code."""
    inputs, launch, console = look_up_all(grid), grid.launch, make_console()
    folder = Folder(Path(launch.results_dir) / launch.name)
    if launch.plan_only:
        _plan(folder, inputs, console)
        return DONE
    with folder.held():
        try:
            failed = _run(folder, inputs, [command, *arguments], console)
        except EngineDied as error:
            console.print(f"[red]{error}[/]; logs: {folder.local('logs')}; the same line goes on from here")
            return FAILED
    _show_results(folder, inputs, failed, console)
    return FAILED if failed else DONE


def _plan(folder: Folder, inputs: Inputs, console: Console) -> tuple[Plan, Done]:
    """What is missing and what it will cost, printed; and what is there."""
    done = find_done(folder, inputs.cells)
    whole = _missing(inputs.cells, done, inputs.grid.stored)
    print_plan(console, whole, inputs.notes, estimate(folder, whole))
    return whole, done


def _missing(cells: Sequence[PlannedCell], done: Done, stored: bool) -> Plan:
    whole = plan(cells, done)
    return replace(whole, jobs=tuple(job for job in whole.jobs if job.stored)) if stored else whole


def _run(folder: Folder, inputs: Inputs, line: Sequence[str], console: Console) -> list[str]:
    """Plans and runs, pair by pair of engines; returns the failures. line: the command and its words."""
    check_gold(folder, inputs.cells)
    (whole, done), known = _plan(folder, inputs, console), folder.commits
    log = LaunchLog(folder, inputs, line)
    with log.entry() as failed, SweepProgress(console, len(whole.jobs)) as progress:
        for pair in pair_up(inputs.cells) if whole.jobs else ():
            # a pair before this one may have drawn what its verifier has to score
            now = join_done(done, find_done(folder, pair.cells, after=known))
            if jobs := _missing(pair.cells, now, inputs.grid.stored).jobs:
                launch = pair.launch(inputs, jobs, folder)
                with log.engines():
                    _runner(launch)(launch, jobs, _commit_to(folder, log, progress, failed))
    return failed


def _commit_to(
    folder: Folder, log: LaunchLog, progress: SweepProgress, failed: list[str]
) -> Callable[[Report], None]:
    """What becomes of a runner's reports; the first one says that the engines are up."""
    up = False

    def on_report(report: Report) -> None:
        nonlocal up
        if not up:
            up = True
            progress.ready()
            log.engines_ready(report.ray_address, report.placement)
        for part in report.parts:
            folder.commit(part)
        failed.extend(report.failed)
        progress.update(report)

    return on_report


def _runner(launch: Launch) -> Callable[[Launch, Sequence[Any], Callable[[Report], None]], None]:
    if launch.cluster.mode == "none":
        from ttc.run import local

        return local.run
    from ttc import cluster

    return cluster.run


def _show_results(folder: Folder, inputs: Inputs, failed: Sequence[str], console: Console) -> None:
    """Reads out, prints this line's cells, draws all of the folder's."""
    from ttc.readout import read_out
    from ttc.report.plots import plot_accuracy
    from ttc.report.summary import print_readout

    rows = read_out(folder, inputs.grid.launch.readout)["readout"].to_pandas()
    print_readout(rows[rows["cell"].isin([one.record.cell for one in inputs.cells])], console)
    folder.write_bytes("plots/accuracy.png", plot_accuracy(rows))
    for failure in failed[:5]:
        console.print(f"[red]failed[/] {failure}")
    if failed:
        console.print(
            f"[red]{len(failed)} failed[/]; logs: {folder.local('logs')}; the same line tries them again"
        )
    picture = _relative(folder.local("plots", "accuracy.png"))
    console.print(f"results: {_relative(folder.local())}  picture: {picture}")


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
