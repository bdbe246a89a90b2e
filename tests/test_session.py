"""One search: addresses, seeds, chance, tries and the bill."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.worlds import TINY, run_search, session_of
from ttc.models.fake import FakePolicy, FakeVerifier
from ttc.run.session import seed_of
from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.dvts import Dvts
from ttc.types import Bill, Draw, Judgement, Path, Query, Sample, Sampling, Step, TransientError

STRATEGIES = [BestOfN(16), Beam(16), Dvts(16)]


def test_strategies_explore_one_random_tree() -> None:
    found = [run_search(strategy, session_of(n=strategy.n)) for strategy in STRATEGIES]
    first_steps = [{path.address[0]: path.steps[0].text for path in paths} for paths in found]
    for other in first_steps[1:]:
        assert other.items() <= first_steps[0].items()


def test_seeds_differ_by_seed_problem_and_address_and_fit_an_engine() -> None:
    places = ((0,), (1,), (0, 1), (1, 0), (-1,), (0, -1))
    seeds = {seed_of(s, p, a) for s in (0, 1) for p in ("p", "q") for a in places}
    assert len(seeds) == 24
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_seeds_of_a_sweep_are_what_they_always_were() -> None:
    assert [seed_of(0, "p", (0,)), seed_of(3, "q", (2, 5))] == [4665188856838314158, 3037533934725694442]


def test_chance_is_named_by_its_place_and_by_nothing_that_came_before() -> None:
    chance = session_of().context.random
    first = chance(1).random()
    assert [chance(1).random(), session_of().context.random(1).random()] == [first, first]
    others = [chance(), chance(2), chance(1, 0), session_of(seed=1).context.random(1)]
    others += [session_of(problem_key="q").context.random(1)]
    assert len({first, *(other.random() for other in others)}) == 6


def test_a_search_sees_what_it_has_spent_as_it_goes() -> None:
    session = session_of(n=7)
    assert (session.context.budget.n, session.context.spent.generated_tokens) == (7, 0)
    asyncio.run(session.policy.extend([Path(TINY)], 2))
    assert session.context.spent.generated_tokens == session.bill.generated_tokens > 0


def test_a_copy_of_a_path_takes_its_parents_next_children() -> None:
    policy = session_of().policy
    path = Path(TINY)

    async def twice() -> list[list[Path]]:
        return await policy.extend([path, replace(path, copy=1)], 2)

    assert [[path.address for path in family] for family in asyncio.run(twice())] == [
        [(0,), (1,)],
        [(2,), (3,)],
    ]


SPENT = 7


class Flaky(FakePolicy):
    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        self.failures -= 1
        if self.failures >= 0:
            raise TransientError("to order", SPENT)
        return await super().generate(sampling, draws)


def test_a_call_is_tried_three_times_with_the_same_seeds() -> None:
    async def finish(failures: int, draws: int = 1) -> tuple[list[list[Path]], Bill]:
        session = session_of(Flaky(failures))
        return await session.policy.finish([Path(TINY)], draws), session.bill

    (paths, bill), (undisturbed, plain) = asyncio.run(finish(2)), asyncio.run(finish(0))
    assert paths == undisturbed
    assert (bill.retries, plain.retries) == (2, 0)
    assert bill.generated_tokens == (plain.generated_tokens or 0) + 2 * SPENT
    assert asyncio.run(finish(4, draws=4))[1].retries == 4
    with pytest.raises(TransientError):
        asyncio.run(finish(3))


def test_every_step_is_scored_once_and_every_token_counted() -> None:
    asked: list[Query] = []

    class Counting(FakeVerifier):
        async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
            asked.extend(queries)
            return await super().judge(queries)

    session = session_of(verifier=Counting())
    paths = run_search(Beam(16), session)
    assert session.bill.generated_tokens == sum(len(s.tokens) for d in session.drawn for s in d.sample.steps)
    assert all(len(query.steps) - query.known == 1 for query in asked)
    assert len(asked) == len(session.drawn) == len(session.scored)
    returned = {path.address: path for path in paths}
    assert all(session.scored[a, len(p.scores) - 1].score == p.scores[-1] for a, p in returned.items())


@pytest.mark.parametrize(("said", "status"), [("ok", "unscored"), ("too_long", "too_long")])
def test_a_missing_score_says_why_also_on_paths_that_went_on_from_it(said: str, status: str) -> None:
    class Silent(FakeVerifier):
        async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
            judgements = await super().judge(queries)
            return [
                replace(judgement, scores=(None,) * len(judgement.scores), status=said)
                for judgement in judgements
            ]

    session = session_of(verifier=Silent())
    paths = run_search(Beam(4), session)
    assert {len(path.steps) > 1 for path in paths} == {True}
    assert {session.verifier.status(path) for path in paths} == {status}


def test_what_was_too_long_once_is_not_asked_again() -> None:
    session = session_of(verifier=FakeVerifier(context=len(TINY.question) + 20))
    paths = run_search(Beam(4), session)
    assert {session.verifier.status(path) for path in paths} == {"too_long"}
    assert all(path.scores[-1] is None and len(path.scores) == len(path.steps) for path in paths)


@pytest.mark.parametrize(("end", "size", "said"), [("eos", None, "over"), ("step", 5, "ids are not known")])
def test_nothing_goes_on_from_an_end_or_from_a_text_without_ids(end: str, size: int, said: str) -> None:
    path = Path(TINY).child(3, [Step("text", (), end, size=size)])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"path 3.*{said}"):
        asyncio.run(session_of().policy.extend([path], 1))
