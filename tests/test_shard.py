"""Many searches side by side: which one enters when, and what is scored while others are still written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as File

import pytest

from tests.test_search import LAUNCH, job_of
from tests.worlds import TINY
from ttc.models.fake import FakePolicy, FakeVerifier
from ttc.plan.jobs import Job
from ttc.run.launch import Report
from ttc.run.shard import OPEN, Shard, tail_sorted
from ttc.store import Folder
from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.dvts import Dvts
from ttc.types import Draw, Judgement, Query, Sample, Sampling, Strategy

ROOM = 8


class Clocked:
    """Engines that answer at set times, and note what was asked of them."""

    def __init__(self, draw: float, score: float) -> None:
        self.policy, self.verifier = FakePolicy(), FakeVerifier()
        self.times = {"draw": draw, "score": score}
        self.running = {"draw": 0, "score": 0}
        self.most = {"draw": 0, "score": 0}
        self.log: list[str] = []
        self.questions: list[str] = []

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        self.questions += [draw.question for draw in draws]
        # children of one node are over one after the other
        await self._take("draw", len(draws), 1 + draws[0].seed % 4)
        return await self.policy.generate(sampling, draws)

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        await self._take("score", len(queries), 1)
        return await self.verifier.judge(queries)

    async def stats(self) -> None:
        raise NotImplementedError

    async def _take(self, what: str, count: int, times: int) -> None:
        self.log.append(f"{what} begins")
        self.running[what] += count
        self.most[what] = max(self.most[what], self.running[what])
        await asyncio.sleep(self.times[what] * times)
        self.running[what] -= count
        self.log.append(f"{what} ends")


def jobs_of(strategy: Strategy, count: int, score: str | None = None) -> list[Job]:
    job = job_of(strategy)
    problems = [replace(TINY, id=str(i), question=f"{TINY.question} {i}") for i in range(count)]
    return [replace(job, problem=problem, problem_key=problem.id, score=score) for problem in problems]


def run(jobs: Sequence[Job], folder: File, engines: Clocked) -> int:
    """Searches that were done."""
    reports: list[Report] = []

    async def emit(report: Report) -> None:
        reports.append(report)

    async def all_of_them() -> None:
        launch = replace(LAUNCH, folder=Folder(folder))
        await Shard(launch, engines, engines, ROOM, emit).run(jobs)  # type: ignore[arg-type]

    asyncio.run(all_of_them())
    assert not [line for report in reports for line in report.failed]
    return sum(report.done for report in reports)


def test_the_policy_has_work_and_not_too_much_while_searches_wait_for_the_verifier(tmp_path: File) -> None:
    engines = Clocked(draw=0.002, score=0.02)
    assert run(jobs_of(Beam(4), 20), tmp_path, engines) == 20
    # by the paths that they may return two searches would fill the room, and the policy would wait for them
    assert ROOM < engines.most["score"] <= OPEN * ROOM
    assert engines.most["draw"] <= OPEN * ROOM


def test_engines_that_answer_at_once_do_not_let_all_in(tmp_path: File) -> None:
    engines = Clocked(draw=0, score=0)
    assert run(jobs_of(Beam(4), 60), tmp_path, engines) == 60
    first_of = {question: i for i, question in reversed(list(enumerate(engines.questions)))}
    last_of = {question: i for i, question in enumerate(engines.questions)}
    open_at_once = max(
        sum(first_of[question] <= i <= last_of[question] for question in first_of)
        for i in range(len(engines.questions))
    )
    assert open_at_once <= OPEN * ROOM // 4


@pytest.mark.parametrize(
    ("strategy", "score"), [(BestOfN(8), "v"), (Beam(8), None), (Dvts(8), None)], ids=["pool", "beam", "dvts"]
)
def test_what_is_over_is_scored_while_its_siblings_are_written(
    strategy: Strategy, score: str | None, tmp_path: File
) -> None:
    engines = Clocked(draw=0.01, score=0.001)
    run(jobs_of(strategy, 1, score), tmp_path, engines)
    assert engines.log.index("score ends") < engines.log.index("draw ends", engines.log.index("score ends"))
    assert engines.log[:8] == ["draw begins"] * 8


def test_of_the_last_jobs_the_longest_come_first() -> None:
    pool, narrow, wide = (
        replace(job_of(strategy), family=family)
        for family, strategy in {"pool": BestOfN(8), "narrow": Beam(4), "wide": Beam(8)}.items()
    )
    jobs = [pool, wide, narrow, pool, narrow, wide]
    kept, last = jobs[:3], [jobs[5], jobs[4], jobs[3]]
    assert list(tail_sorted(jobs, 8 + 4 + 1, {})) == [*kept, *last]
    assert list(tail_sorted(jobs, 0, {})) == jobs
    took = {"pool": 3.0, "narrow": 5.0, "wide": 4.0}
    assert list(tail_sorted(jobs, 8 + 4 + 1, took)) == [*kept, narrow, wide, pool]
