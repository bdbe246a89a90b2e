"""Many searches side by side, bounded. asyncio only: the same code inside a Ray task and without Ray.

One coroutine per search; no rounds across problems and no barrier, so a slow problem holds back nobody and
the verifier works while the policy does. How many run at once is this file's bound, not a strategy's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ttc.grading import make_grader
from ttc.plan.jobs import Job
from ttc.run.launch import Launch, Report
from ttc.run.search import run_job
from ttc.store import PartWriter
from ttc.types import EngineDied, EngineStats, Interrupted, PolicyModel, VerifierModel

HEARTBEAT = 1.0
"""Seconds between two reports of a shard."""


class Shard:
    """Many searches side by side, begun in order, at most `room` paths at once (a larger search runs alone);
    parts are handed over as they fill.

    `emit` gets a report every second. Setting `stop` ends it early with everything finished handed over; an
    engine that stops or dies sets it too.
    """

    def __init__(
        self,
        launch: Launch,
        policy: PolicyModel | None,
        verifier: VerifierModel | None,
        room: int,
        emit: Callable[[Report], Awaitable[None]],
    ) -> None:
        self.stop = asyncio.Event()
        self._launch, self._policy, self._verifier, self._emit = launch, policy, verifier, emit
        self._room = self._free = room
        self._left = asyncio.Event()
        self._writer = PartWriter(launch.folder)
        self._grader = make_grader(launch.readout.grader, launch.readout.grade_timeout)
        self._news = Report()
        self._death: EngineDied | None = None

    async def run(self, jobs: Sequence[Job]) -> None:
        """Raises:
        EngineDied: after the hand-over.
        """
        feeding = asyncio.create_task(self._feed(jobs))
        stopping = asyncio.create_task(self.stop.wait())
        try:
            while not feeding.done() and not self.stop.is_set():
                await asyncio.wait(
                    {feeding, stopping}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
                )
                await self._report(last=False)
            if self.stop.is_set():
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            else:
                await feeding
        finally:
            stopping.cancel()
            await self._report(last=True)
            await self._grader.close()
        if self._death:
            raise self._death

    async def _feed(self, jobs: Sequence[Job]) -> None:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                size = max(1, min(job.n or len(job.stored), self._room))
                while self._free < size:
                    self._left.clear()
                    await self._left.wait()
                self._free -= size
                group.create_task(self._run(job, size))

    async def _run(self, job: Job, size: int) -> None:
        try:
            rows, failure = await run_job(job, self._launch, self._policy, self._verifier, self._grader)
        except (Interrupted, EngineDied) as error:
            if isinstance(error, EngineDied):
                self._death = error
            self.stop.set()
            return
        finally:
            self._free += size
            self._left.set()
        self._writer.add(rows)
        self._news.done += 1
        if failure:
            self._news.failed.append(failure)

    async def _report(self, *, last: bool) -> None:
        policy, prm = await self._stats()
        part = None
        if last or self._writer.due:
            part = await asyncio.to_thread(self._writer.flush, _rate(policy), _rate(prm))
        news, self._news = self._news, Report()
        await self._emit(Report(news.done, news.failed, [part] if part else [], policy, prm))

    async def _stats(self) -> tuple[EngineStats | None, EngineStats | None]:
        try:
            policy = await self._policy.stats() if self._policy else None
            return policy, await self._verifier.stats() if self._verifier else None
        except Exception:  # a dead engine tells nothing; the searches say so themselves
            return None, None


def _rate(stats: EngineStats | None) -> float | None:
    """Computed tokens per busy second; None for fakes, and where nobody counts."""
    if stats is None or stats.computed_tokens is None or not stats.busy_seconds:
        return None
    return stats.computed_tokens / stats.busy_seconds
