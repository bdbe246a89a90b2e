"""Many searches side by side, bounded. asyncio only: the same code inside a Ray task and without Ray.

One coroutine per search; no rounds across problems and no barrier, so a slow problem holds back nobody and
the verifier works while the policy does. How many run at once is this file's bound, not a strategy's: the
next one enters when the engines have too little to do, whatever the open ones may still come to ask.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ttc.grading import make_grader
from ttc.plan.jobs import Job
from ttc.run.launch import Launch, Report
from ttc.run.search import run_job
from ttc.store import PartWriter
from ttc.types import (
    Draw,
    EngineDied,
    EngineStats,
    Interrupted,
    Judgement,
    PolicyModel,
    Query,
    Sample,
    Sampling,
    TransientError,
    VerifierModel,
)

HEARTBEAT = 1.0
"""Seconds between two reports of a shard."""

OPEN = 4
"""Paths that open searches may return, as a multiple of the room: so that engines which answer at once, or
searches that wait for something else, do not let all in."""


T = TypeVar("T")


class Gauge:
    """An engine, and how much it has been asked that it has not answered: draws, or queries. A call that it
    does not answer in `seconds` is given up."""

    def __init__(self, engine: Any, seconds: float, changed: asyncio.Event) -> None:
        self._engine, self._seconds, self._changed = engine, seconds, changed
        self.waiting = 0

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        return await self._asked(len(draws), self._engine.generate(sampling, draws))

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return await self._asked(len(queries), self._engine.judge(queries))

    async def _asked(self, count: int, answer: Awaitable[list[T]]) -> list[T]:
        self._count(count)
        try:
            async with asyncio.timeout(self._seconds) as clock:
                return await answer
        except TimeoutError:
            if not clock.expired():
                raise
            raise TransientError(f"no answer within cluster.call_seconds={self._seconds:g}") from None
        finally:
            self._count(-count)

    async def compare(self, queries: Sequence[Query]) -> list[Judgement]:
        return await self._asked(len(queries), self._engine.compare(queries))

    async def check(self) -> None:
        await self._engine.check()

    async def stats(self) -> EngineStats:
        return await self._engine.stats()

    def _count(self, change: int) -> None:
        self.waiting += change
        self._changed.set()


class Shard:
    """Many searches side by side, begun in order: one more whenever fewer than `room` draws and as few
    queries wait for an answer. Parts are handed over as they fill.

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
        self._launch, self._emit = launch, emit
        self._changed = asyncio.Event()
        seconds = launch.cluster.call_seconds
        self._policy = Gauge(policy, seconds, self._changed) if policy else None
        self._verifier = Gauge(verifier, seconds, self._changed) if verifier else None
        self._room, self._open = room, 0
        self._writer = PartWriter()
        self._grader = make_grader(launch.readout.grader, launch.readout.grade_timeout)
        self._news = Report()
        self._death: EngineDied | None = None
        self._took: dict[str, float] = {}
        """Family -> seconds that the longest of its searches took."""

    async def run(self, jobs: Iterable[Job]) -> None:
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

    async def _feed(self, jobs: Iterable[Job]) -> None:
        async with asyncio.TaskGroup() as group:
            for job in tail_sorted(jobs, OPEN * self._room, self._took):
                size = min(_size(job), self._room)
                while not self._has_room(size):
                    self._changed.clear()
                    await self._changed.wait()
                self._open += size
                self._changed.clear()
                group.create_task(self._run(job, size))
                await self._changed.wait()  # until it has asked, so that its draws count

    def _has_room(self, size: int) -> bool:
        engines = (engine for engine in (self._policy, self._verifier) if engine)
        return self._open + size <= OPEN * self._room and all(e.waiting < self._room for e in engines)

    async def _run(self, job: Job, size: int) -> None:
        begun = time.monotonic()
        try:
            rows, failure = await run_job(job, self._launch, self._policy, self._verifier, self._grader)
        except (Interrupted, EngineDied) as error:
            if isinstance(error, EngineDied):
                self._death = error
            self.stop.set()
            return
        finally:
            self._open -= size
            self._changed.set()
        self._took[job.family] = max(self._took.get(job.family, 0.0), time.monotonic() - begun)
        self._writer.add(rows)
        self._news.done += 1
        if failure:
            self._news.failed.append(failure)

    async def _report(self, *, last: bool) -> None:
        policy, prm = await self._stats()
        part = None
        if last or self._writer.due:
            rates = (stats.rate if stats else None for stats in (policy, prm))
            part = await asyncio.to_thread(self._writer.flush, *rates)
        news, self._news = self._news, Report()
        await self._emit(Report(news.done, news.failed, [part] if part else [], policy, prm))

    async def _stats(self) -> tuple[EngineStats | None, EngineStats | None]:
        try:
            async with asyncio.timeout(HEARTBEAT):  # one that does not answer holds no report back
                policy = await self._policy.stats() if self._policy else None
                return policy, await self._verifier.stats() if self._verifier else None
        except Exception:  # a dead engine tells nothing; the searches say so themselves
            return None, None


def tail_sorted(jobs: Iterable[Job], paths: int, took: Mapping[str, float]) -> Iterator[Job]:
    """The jobs in their order, but for the last ones, which may return so many `paths` together: of those the
    longest come first, or they would run alone at the end. Only so many are held at once.

    took: by family, seconds of its longest search so far. Those of which none is over come first of all, the
    searches that go step by step before the pools, and the wide ones before the narrow ones.
    """
    last: deque[Job] = deque()
    held = 0
    for job in jobs:
        last.append(job)
        held += _size(job)
        while last and held - _size(last[0]) >= paths:
            held -= _size(last[0])
            yield last.popleft()

    def length(job: Job) -> tuple[float, bool, int]:
        return took.get(job.family, math.inf), job.strategy.keeps_tree, _size(job)

    yield from sorted(last, key=length, reverse=True)


def _size(job: Job) -> int:
    """Paths that a job may return, or that it scores; of a pool that grows a unit at a time, those."""
    return max(1, (job.unit if job.endings else job.n) or len(job.stored))
