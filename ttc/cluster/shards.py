"""A shard: one Ray task that runs many searches side by side, and tells its driver as it goes."""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import ray

from ttc.cluster.hosts import Handle, redirect_output
from ttc.data.problems import key_of
from ttc.plan.jobs import Job
from ttc.run.launch import Launch, Report
from ttc.run.shard import Shard
from ttc.settings import extensions


def split(jobs: Sequence[Job], shards: int) -> list[list[Job]]:
    """`jobs` by problem, dealt out in turn: a problem's searches share prefixes, so they stay together."""
    order: dict[str, int] = {}
    dealt: list[list[Job]] = [[] for _ in range(shards)]
    for job in jobs:
        dealt[order.setdefault(key_of(job.problem), len(order)) % shards].append(job)
    return [part for part in dealt if part]


@ray.remote(num_cpus=1, max_retries=0)
def run(
    launch: Launch,
    jobs: Sequence[Job],
    policy: Sequence[Any] | None,
    verifier: Sequence[Any] | None,
    room: int,
    log: str,
) -> Iterator[Report]:
    """Yields reports until all jobs are done or an engine tells it to stop; an engine is the actors of its
    replicas.

    Ray's generator tasks are not async, so the loop has a thread of its own and its reports come by a queue.
    """
    redirect_output(log)
    extensions.load()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", force=True)
    reports: queue.Queue[Report | BaseException | None] = queue.Queue()

    async def emit(report: Report) -> None:
        reports.put(report)

    async def search() -> None:
        gc.freeze()  # as `models.start` does
        handles = [Handle(actors) if actors else None for actors in (policy, verifier)]
        for handle in handles:
            if handle:
                await handle.check()
        await Shard(launch, handles[0], handles[1], room, emit).run(jobs)

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
