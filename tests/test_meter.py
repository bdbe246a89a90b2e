"""Addresses, seeds, tries and the bill of one search."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ttc.models.fake import FakePolicy, FakeVerifier
from ttc.run.session import Meter, seed_of
from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.dvts import Dvts
from ttc.types import (
    Draw,
    Judgement,
    Path,
    Problem,
    Prompt,
    Query,
    Sample,
    Sampling,
    Strategy,
    TransientError,
)

PROBLEM = Problem("p", "Start with 12. Day 1: gets 7. How many are there?", "19")
SAMPLING = Sampling(Prompt("plain"))


class Shuffled:
    """Fakes whose calls take their time in an order of their own."""

    def __init__(self, seed: int) -> None:
        self._policy, self._verifier, self._random = FakePolicy(), FakeVerifier(), random.Random(seed)

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        await asyncio.sleep(self._random.random() / 200)
        return await self._policy.generate(sampling, draws)

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        await asyncio.sleep(self._random.random() / 200)
        return await self._verifier.judge(queries)

    stats = None


def search(strategy: Strategy, engines: object | None = None, seed: int = 0, first: int = 0) -> list[Path]:
    policy, verifier = (engines, engines) if engines else (FakePolicy(), FakeVerifier())
    meter = Meter(policy, verifier, SAMPLING, seed, "p", first)  # type: ignore[arg-type]
    return asyncio.run(strategy.search(Path(PROBLEM), meter, meter))


STRATEGIES = [BestOfN(16), Beam(16), Dvts(16)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_results_do_not_depend_on_the_order_of_answers(strategy: Strategy) -> None:
    assert search(strategy) == search(strategy, Shuffled(1)) == search(strategy, Shuffled(2))


@pytest.mark.parametrize("strategy", [BestOfN, Dvts])
def test_a_big_run_contains_the_small_one(strategy: type[BestOfN | Dvts]) -> None:
    assert search(strategy(64))[:16] == search(strategy(16))


@pytest.mark.parametrize("strategy", [BestOfN, Dvts])
def test_a_run_that_grows_goes_on_where_it_stopped(strategy: type[BestOfN | Dvts]) -> None:
    assert [*search(strategy(16)), *search(strategy(48), first=16)] == search(strategy(64))


def test_strategies_explore_one_random_tree() -> None:
    first_steps = [{path.address[0]: path.steps[0].text for path in search(s)} for s in STRATEGIES]
    for other in first_steps[1:]:
        assert other.items() <= first_steps[0].items()


def test_seeds_differ_by_seed_problem_and_address_and_fit_an_engine() -> None:
    seeds = {seed_of(s, p, a) for s in (0, 1) for p in ("p", "q") for a in ((0,), (1,), (0, 1), (1, 0))}
    assert len(seeds) == 16
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_copy_of_a_path_takes_its_parents_next_children() -> None:
    meter = Meter(FakePolicy(), None, SAMPLING, 0, "p")

    async def twice() -> list[list[Path]]:
        return await meter.extend([Path(PROBLEM), Path(PROBLEM)], 2)

    assert [[path.address for path in family] for family in asyncio.run(twice())] == [
        [(0,), (1,)],
        [(2,), (3,)],
    ]


class Flaky(FakePolicy):
    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        self.failures -= 1
        if self.failures >= 0:
            raise TransientError("to order")
        return await super().generate(sampling, draws)


def test_a_call_is_tried_three_times_with_the_same_seeds() -> None:
    async def finish(failures: int) -> list[list[Path]]:
        return await Meter(Flaky(failures), None, SAMPLING, 0, "p").finish([Path(PROBLEM)], 4)

    assert asyncio.run(finish(2)) == asyncio.run(finish(0))
    with pytest.raises(TransientError):
        asyncio.run(finish(3))


def test_every_step_is_scored_once_and_every_token_counted() -> None:
    asked: list[Query] = []

    class Counting(FakeVerifier):
        async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
            asked.extend(queries)
            return await super().judge(queries)

    meter = Meter(FakePolicy(), Counting(), SAMPLING, 0, "p")
    paths = asyncio.run(Beam(16).search(Path(PROBLEM), meter, meter))
    assert meter.bill.generated == sum(len(s.tokens) for d in meter.drawn for s in d.sample.steps)
    assert all(len(query.steps) - query.known == 1 for query in asked)
    assert len(asked) == len(meter.drawn) == len(meter.scored)
    returned = {path.address: path for path in paths}
    assert all(meter.scored[a, len(p.scores) - 1].score == p.scores[-1] for a, p in returned.items())


@pytest.mark.parametrize(("said", "status"), [("ok", "unscored"), ("too_long", "too_long")])
def test_a_missing_score_says_why_also_on_paths_that_went_on_from_it(said: str, status: str) -> None:
    class Silent(FakeVerifier):
        async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
            judgements = await super().judge(queries)
            return [
                replace(judgement, scores=(None,) * len(judgement.scores), status=said)
                for judgement in judgements
            ]

    meter = Meter(FakePolicy(), Silent(), SAMPLING, 0, "p")
    paths = asyncio.run(Beam(4).search(Path(PROBLEM), meter, meter))
    assert {len(path.steps) > 1 for path in paths} == {True}
    assert {meter.status(path) for path in paths} == {status}


def test_what_was_too_long_once_is_not_asked_again() -> None:
    meter = Meter(FakePolicy(), FakeVerifier(context=len(PROBLEM.question) + 20), SAMPLING, 0, "p")
    paths = asyncio.run(Beam(4).search(Path(PROBLEM), meter, meter))
    assert {meter.status(path) for path in paths} == {"too_long"}
    assert all(path.scores[-1] is None and len(path.scores) == len(path.steps) for path in paths)
