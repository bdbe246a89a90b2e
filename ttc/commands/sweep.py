"""One launch, from the command line to the picture: compose, check, plan, run, commit, read out, draw."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from ttc.commands import DONE, FAILED, INTERRUPTED, STOPPED
from ttc.commands.upkeep import tell_damages
from ttc.plan.cells import Grid, read_grid
from ttc.plan.done import check_gold, check_kept, plan_missing, tell_edits
from ttc.plan.estimate import estimate
from ttc.plan.inputs import look_up_all
from ttc.readout import read_out
from ttc.report.console import Console, say
from ttc.report.failures import show_failures
from ttc.report.plan import print_plan
from ttc.report.progress import SweepProgress
from ttc.report.trackers import Tracking
from ttc.run.launch import Report
from ttc.run.launch_log import LaunchLog
from ttc.run.pairs import Runner, run_pairs
from ttc.run.stopping import Stop
from ttc.store import Folder
from ttc.types import EngineDied, TooManyFailures, Unwritable, place_of


def main(arguments: Sequence[str], console: Console) -> int:
    """The whole launch; returns the exit code."""
    return sweep(read_grid(arguments), arguments, console)


def sweep(grid: Grid, arguments: Sequence[str], console: Console, command: str = "launch") -> int:
    """Runs what is missing of a grid, reads it out and draws it; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Tracking(grid.launch.track, console) as tracking:
            return _sweep(grid, arguments, console, command, tracking)
    except KeyboardInterrupt:
        print("interrupted: finished searches are kept; the same line goes on from here", file=sys.stderr)
        return INTERRUPTED
    except Unwritable as error:
        print(f"{error}; what is finished is kept, and the same line goes on from here", file=sys.stderr)
        return FAILED


def _runner(mode: str) -> Runner:
    """ray is imported only where it runs."""
    if mode == "none":
        from ttc.run.local import run
    else:
        from ttc.cluster import run
    return run


def _sweep(grid: Grid, arguments: Sequence[str], console: Console, command: str, tracking: Tracking) -> int:
    inputs, launch = look_up_all(grid), grid.launch
    folder = Folder(place_of(launch.results_dir) / launch.name)
    with nullcontext() if launch.plan_only else folder.held():
        tell_damages(folder, console)
        # what is only scored is not graded, and a line from before golds were corrected may be scored again
        check_gold(folder, [one for one in inputs.cells if one.record.gold or not grid.stored])
        check_kept(folder, inputs.cells, launch.readout)
        plan = plan_missing(folder, inputs.cells, grid.stored)
        print_plan(console, plan, [*inputs.notes, *tell_edits(folder)], estimate(folder, plan))
        if launch.plan_only:
            return DONE
        todo = plan.size
        del plan  # each pair of engines has its own, and what a large folder holds should not be there twice
        log = LaunchLog(folder, inputs, [command, *arguments], todo)
        tracking.begin(folder)
        stop = Stop()

        def on_report(report: Report) -> None:
            if report.ready:
                progress.ready()
                log.engines_ready(report.ray_address, report.placement)
            for part in report.parts:
                folder.commit(part)
            log.hear(report)
            progress.update(report)
            tracking.update(progress.counts)
            if fault := log.too_many(launch.max_failures):
                stop.ask(TooManyFailures(f"{launch.max_failures} times: {fault}"))

        try:
            with log.entry(), SweepProgress(console, todo) as progress:
                run_pairs(folder, inputs, _runner(launch.cluster.mode), log, on_report, stop)
        except (EngineDied, TooManyFailures) as error:
            show_failures(console, log.failed)
            say(console, f"{error}; logs: {folder.local('logs')}; the same line goes on from here")
            return STOPPED if isinstance(error, TooManyFailures) else FAILED
    from ttc.report.summary import show_results  # brings pandas, which a plan does without
    from ttc.studies.page import write_report

    rows = read_out(folder, launch.readout)["readout"].to_pandas()
    cells = [one.record.cell for one in inputs.cells]
    show_failures(console, log.failed)
    write_report(folder)
    show_results(console, folder, rows, cells, vars(launch.readout.doubts), launch.readout.references)
    tracking.show(folder, rows[rows["cell"].isin(cells)])
    return FAILED if log.failed else DONE
