"""Run many searches side by side, bounded. asyncio only: the same code inside a Ray task and without Ray.

One coroutine per search; no rounds across problems and no barrier, so a slow problem holds back nobody and
the verifier works while the policy does. How many run at once is this file's bound, not a strategy's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ttc.grading import ExtractRule, Grader, GraderName, extract, make_grader
from ttc.models.size import Size
from ttc.plan.jobs import Job
from ttc.run.rows import Graded, Rows, path_rows, score_rows, search_row, step_rows
from ttc.run.session import Meter
from ttc.settings.schema import ClusterConfig, PolicyConfig, PrmConfig
from ttc.store import Folder, Part, PartWriter
from ttc.types import (
    EngineDied,
    EngineStats,
    Interrupted,
    ModelFacts,
    Path,
    PolicyModel,
    TooLong,
    VerifierModel,
)

log = logging.getLogger(__name__)

HEARTBEAT = 1.0
"""Seconds between two reports of a shard."""


@dataclass(frozen=True)
class Engines:
    """The two shared models as a shard sees them, and what rows record about them."""

    policy: PolicyModel | None
    verifier: VerifierModel | None
    prm: str | None
    verifier_id: str | None
    facts: tuple[ModelFacts, ModelFacts]


@dataclass(frozen=True)
class Reading:
    """How answers are read off and graded inside a shard."""

    grader: GraderName
    extract: ExtractRule
    timeout: float


@dataclass(frozen=True)
class Launch:
    """All that a runner (local.run, cluster.run) needs besides the jobs."""

    policy: PolicyConfig | None
    """None: nothing to sample, only stored paths to score."""
    prm: PrmConfig | None
    verifier_id: str | None
    facts: tuple[ModelFacts, ModelFacts]
    reading: Reading
    cluster: ClusterConfig
    folder: Folder
    sizes: tuple[Size | None, Size | None] = (None, None)

    @property
    def room(self) -> int:
        """Paths in flight, all shards together: a little above what the policy can run at once."""
        engine = self.policy or self.prm
        assert engine, "a launch has an engine"
        return self.cluster.paths or engine.max_num_seqs * (engine.replicas or 1) * 5 // 4

    def engines(self, policy: PolicyModel | None, verifier: VerifierModel | None) -> Engines:
        return Engines(policy, verifier, self.prm.name if self.prm else None, self.verifier_id, self.facts)


@dataclass
class Report:
    """What a shard tells its driver: news since the last report, and the engines' counters."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    policy: EngineStats | None = None
    prm: EngineStats | None = None
    ray_address: str | None = None
    placement: dict[str, str] | None = None


@dataclass
class Outcome:
    rows: Rows
    failure: str | None = None


class Room:
    """A semaphore counted in paths: first come, first served. A search larger than the room takes all."""

    def __init__(self, capacity: int) -> None:
        self._capacity = self._free = capacity
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, paths: int) -> int:
        size = max(1, min(paths, self._capacity))
        if self._waiting or self._free < size:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, future))
            await future
        else:
            self._free -= size
        return size

    def leave(self, size: int) -> None:
        self._free += size
        while self._waiting and self._waiting[0][0] <= self._free:
            size, future = self._waiting.popleft()
            if not future.cancelled():
                self._free -= size
                future.set_result(None)


async def run_job(job: Job, engines: Engines, grader: Grader, reading: Reading) -> Outcome:
    """One search, graded and (a pool) scored, as rows. A failure is rows too, or a line where nothing ran.

    Raises:
        Interrupted, EngineDied: nothing is known about this search; it stays missing.
    """
    start = time.monotonic()
    first_child = job.first * job.unit
    meter = Meter(
        *(engines.policy, engines.verifier, job.sampling),
        *(job.seed, job.problem_key, first_child),
    )
    paths: list[Path] = list(job.stored)
    graded: list[Graded] = []
    rows: Rows = {}
    try:
        if not job.stored:
            paths = await job.strategy.search(Path(job.problem), meter, meter, meter)
            graded = await _grade(job, paths, grader, reading)
            rows = path_rows(job, paths, graded, (grader.name, grader.version), reading.extract)
    except (Interrupted, EngineDied):
        raise
    except TooLong as error:
        row = search_row(job, meter, [], [], time.monotonic() - start, engines.facts, "too_long", str(error))
        return Outcome({"searches": [row]})
    except Exception as error:  # one bad search must not take the others with it
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        log.exception("search failed: %s %s seed %d", job.family, job.problem.id, job.seed)
        row = search_row(job, meter, [], [], time.monotonic() - start, engines.facts, "failed", reason)
        return Outcome({"searches": [row]}, f"{job.title}: {reason}")
    failure = None
    if job.score:
        paths, failure = await _score(job, paths, meter)
    if engines.verifier_id and engines.prm and not failure and (job.score or job.columns["prm"]):
        rows["scores"] = score_rows(job, paths, meter, engines.prm, engines.verifier_id, engines.facts[1])
    if not job.stored:
        rows["steps"] = step_rows(job, meter) if job.strategy.guided else []
        rows["searches"] = [search_row(job, meter, paths, graded, time.monotonic() - start, engines.facts)]
    return Outcome(rows, failure)


async def _score(job: Job, paths: list[Path], meter: Meter) -> tuple[list[Path], str | None]:
    """A pool scored by a verifier; if that fails, the paths stay and only their scores are missing."""
    try:
        return await meter.score(paths), None
    except (Interrupted, EngineDied):
        raise
    except Exception as error:
        log.exception("scoring failed: %s %s seed %d", job.family, job.problem.id, job.seed)
        return (
            paths,
            f"scores of {job.title}: {type(error).__name__}: {error}",
        )


async def _grade(job: Job, paths: Sequence[Path], grader: Grader, reading: Reading) -> list[Graded]:
    answers = [extract(path.text, reading.extract) for path in paths]  # type: ignore[arg-type]
    distinct = list(dict.fromkeys(answers))
    verdicts = await asyncio.gather(*(grader.grade(job.problem.answer, answer) for answer in distinct))
    known = dict(zip(distinct, verdicts, strict=True))
    return [Graded(answer, known[answer]) for answer in answers]


class Shard:
    """Many searches side by side, at most `room` paths at once; parts are handed over as they fill.

    `emit` gets a report every second. Setting `stop` ends it early with everything finished handed over; an
    engine that stops or dies sets it too.
    """

    def __init__(
        self,
        engines: Engines,
        reading: Reading,
        writer: PartWriter,
        room: int,
        emit: Callable[[Report], Awaitable[None]],
    ) -> None:
        self.stop = asyncio.Event()
        self._engines, self._reading, self._writer, self._emit = engines, reading, writer, emit
        self._room = Room(room)
        self._grader = make_grader(reading.grader, reading.timeout)
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
                size = await self._room.enter(job.n or len(job.stored))
                group.create_task(self._run(job, size))

    async def _run(self, job: Job, size: int) -> None:
        try:
            outcome = await run_job(job, self._engines, self._grader, self._reading)
        except (Interrupted, EngineDied) as error:
            if isinstance(error, EngineDied):
                self._death = error
            self.stop.set()
            return
        finally:
            self._room.leave(size)
        self._writer.add(outcome.rows)
        self._news.done += 1
        if outcome.failure:
            self._news.failed.append(outcome.failure)

    async def _report(self, *, last: bool) -> None:
        policy, prm = await _stats(self._engines)
        parts = []
        if last or self._writer.due:
            part = await asyncio.to_thread(self._writer.flush, _rate(policy), _rate(prm))
            parts = [part] if part else []
        news, self._news = self._news, Report()
        await self._emit(Report(news.done, news.failed, parts, policy, prm))


async def _stats(engines: Engines) -> tuple[EngineStats | None, EngineStats | None]:
    try:
        policy = await engines.policy.stats() if engines.policy else None
        return policy, await engines.verifier.stats() if engines.verifier else None
    except Exception:  # a dead engine tells nothing; the searches say so themselves
        return None, None


def _rate(stats: EngineStats | None) -> float | None:
    """Computed tokens per busy second; None for fakes."""
    return stats.computed_tokens / stats.busy_seconds if stats and stats.busy_seconds else None
