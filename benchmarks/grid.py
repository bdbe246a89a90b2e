"""The article's grid as one sweep, against its five rows one after another on the same warm engines.

{majority, best_of_n, weighted, beam, dvts} x n = 1, 4, 16, 64, 256 on a few problems of the embedded world.
One sweep shares what its cells have in common: majority, best_of_n and weighted read one pool, a smaller
budget reads a larger one's first units, strategies share prefixes and scores, and no cell waits for another.
Without that a row is its five cells, each searched by itself into a folder of its own. Between the two, and
printed too: each row as a sweep of ours. All in this process, without Ray, on engines that are loaded once
and forget all texts before each sweep; seconds run to the last commit. Majority alone needs no verifier, so
it has none.

    uv run python benchmarks/grid.py [problems]
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lines import say

from sweeps import bill_of, note, scratch
from ttc.models import environment, shut_down, start
from ttc.plan.cells import read_grid
from ttc.plan.inputs import Inputs, look_up_all
from ttc.plan.plan import Plan
from ttc.run.launch import Launch, Report
from ttc.run.launch_log import LaunchLog
from ttc.run.pairs import OnReport, run_pairs
from ttc.run.shard import Shard
from ttc.run.stopping import Stop
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.store import Folder

STRATEGIES = ("majority", "best_of_n", "weighted", "beam", "dvts")
BUDGETS = ("1", "4", "16", "64", "256")
PROBLEMS = 4


@dataclass(frozen=True)
class Cost:
    """Of one sweep or of several, one after the other."""

    seconds: float = 0.0
    paths: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.paths + other.paths)


class Warm:
    """Both engines of the embedded world, loaded once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._sweeps = loop, 0
        models = inputs_of(STRATEGIES, BUDGETS[:1], 1).models
        configs: list[Any] = [model.runs(config) for config, model in models.items()]
        os.environ |= environment(configs)
        begin = time.monotonic()
        made = {type(config): loop.run_until_complete(start(config)) for config in configs}
        self.seconds = time.monotonic() - begin
        self.policy, self.verifier = made[PolicyConfig], made[PrmConfig]

    def sweep(self, folder: Path, inputs: Inputs) -> Cost:
        """What a launch does, up to its readout."""
        self._loop.run_until_complete(self._forget())
        self._sweeps += 1
        stored = Folder(folder / f"sweep{self._sweeps}")
        with stored.held():
            log = LaunchLog(stored, inputs, ["benchmark"])

            def on_report(report: Report) -> None:
                if report.ready:
                    log.engines_ready(None, None)
                for part in report.parts:
                    stored.commit(part)
                log.hear(report)

            with log.entry():
                run_pairs(stored, inputs, self._run, log, on_report, Stop())
        assert not log.failed, log.failed
        bill = bill_of(stored.local())
        return Cost(bill["seconds"], bill["paths"])

    def _run(self, launch: Launch, plan: Plan, on_report: OnReport, stop: Stop) -> None:
        """A Runner, on engines that are there."""

        async def emit(report: Report) -> None:
            on_report(report)

        on_report(Report(ready=True))
        verifier = self.verifier if launch.prm else None
        self._loop.run_until_complete(
            Shard(launch, self.policy, verifier, launch.room, emit).run(plan.jobs())
        )

    async def _forget(self) -> None:
        self.verifier._known.clear()
        for one in (self.policy, self.verifier.reader):
            await one.engine._llm.reset_prefix_cache()

    def shutdown(self) -> None:
        for engine in (self.policy, self.verifier):
            self._loop.run_until_complete(shut_down(engine))


def inputs_of(strategies: Iterable[str], budgets: Iterable[str], problems: int) -> Inputs:
    words = [f"strategy={','.join(strategies)}", f"n={','.join(budgets)}", f"dataset.limit={problems}"]
    prm = ["prm=none"] if words[0] == "strategy=majority" else []
    return look_up_all(read_grid(["-m", "cluster=none", *words, *prm]))


def measure(problems: int) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    warm = Warm(loop)
    rows = [([name], BUDGETS) for name in STRATEGIES]
    cells = [([name], [n]) for name in STRATEGIES for n in BUDGETS]
    try:
        with scratch() as folder:
            sweep = partial(_sweep, warm, folder, problems)
            sweep([(["best_of_n"], ["4"])])  # the engines' first step is slow
            whole, by_rows, by_cells = (sweep(part) for part in ([(STRATEGIES, BUDGETS)], rows, cells))
    finally:
        warm.shutdown()
    for name, cost in {"one sweep": whole, "five sweeps": by_rows, "25 cells": by_cells}.items():
        note(f"{name}: {cost.seconds:.1f} s, {cost.paths} paths")
    say("grid: paths against five rows", whole.paths / by_cells.paths, "x")
    say("grid: times faster than five rows", by_cells.seconds / whole.seconds, "x")
    say("grid: paths against five sweeps of ours", whole.paths / by_rows.paths, "x")
    say("grid: times faster than five sweeps of ours", by_rows.seconds / whole.seconds, "x")
    say("grid: loading both engines for every cell would add", len(cells) * warm.seconds, "s")


def _sweep(
    warm: Warm, folder: Path, problems: int, lines: Iterable[tuple[Sequence[str], Sequence[str]]]
) -> Cost:
    return sum((warm.sweep(folder, inputs_of(*line, problems)) for line in lines), Cost())


if __name__ == "__main__":
    os.environ |= {"TTC_CACHE": "off", "VLLM_LOGGING_LEVEL": "ERROR"}
    measure(int(sys.argv[1]) if sys.argv[1:] else PROBLEMS)
