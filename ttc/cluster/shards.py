"""A shard: one Ray task that runs many searches side by side, and tells its driver as it goes."""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import ray

from ttc.cluster.lines import Handle
from ttc.cluster.logs import Log
from ttc.cluster.metrics import Meter
from ttc.plan.plan import Plan
from ttc.run.launch import Launch, Report
from ttc.run.shard import Shard
from ttc.settings import extensions


def split(problems: Sequence[str], shards: int) -> list[frozenset[str]]:
    """Problems (by key) dealt out in turn: a problem's searches share prefixes, so they stay together."""
    dealt = (frozenset(problems[place::shards]) for place in range(shards))
    return [part for part in dealt if part]


@ray.remote(num_cpus=1, max_retries=0)
def run(
    launch: Launch,
    plans: Sequence[Any],
    problems: frozenset[str],
    policy: Sequence[Any] | None,
    verifier: Sequence[Any] | None,
    room: int,
    log: str,
    home: str,
) -> Iterator[Report]:
    """Yields reports until the problems' jobs are done or an engine tells it to stop; an engine is the actors
    of its replicas.

    plans: the plan, as a reference in a list, or Ray would read it before the files of the launch are loaded.

    Ray's generator tasks are not async, so the loop has a thread of its own and its reports come by a queue.
    """
    own, meter = Log(log, home), Meter()
    extensions.load(launch.extend)
    plan: Plan = ray.get(plans[0])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", force=True)
    # a driver that is slow to write holds its shards back, and not the other way round
    reports: queue.Queue[Report | BaseException | None] = queue.Queue(maxsize=2)

    async def emit(report: Report) -> None:
        own.rotate()
        meter.searches(report)
        report.failed = [replace(failure, log=log) for failure in report.failed]
        await asyncio.to_thread(reports.put, report)

    async def search() -> None:
        gc.freeze()  # as `models.start` does
        handles = [Handle(actors) if actors else None for actors in (policy, verifier)]
        for handle in handles:
            if handle:
                await handle.check()
        await Shard(launch, handles[0], handles[1], room, emit).run(plan.jobs(problems))

    def thread() -> None:
        try:
            asyncio.run(search())
            reports.put(None)
        except BaseException as error:  # handed to the task's own thread, which raises it
            reports.put(error)

    threading.Thread(target=thread, name="searches", daemon=True).start()
    while (report := reports.get()) is not None:
        if isinstance(report, BaseException):
            raise report
        yield report
