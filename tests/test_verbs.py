"""The verbs carry searches of other kinds: two written here, and what a look ahead leaves as it is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from tests.worlds import TINY, Script, run_search, search, session_of
from ttc.models.fake import FakePolicy
from ttc.run.session import Drawn
from ttc.strategies.aggregations import aggregate
from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.dvts import Dvts
from ttc.strategies.greedy import Greedy
from ttc.strategies.self_refine import SelfRefine
from ttc.types import (
    Context,
    Count,
    Draw,
    Floor,
    Path,
    Policy,
    Positive,
    Sample,
    Sampling,
    Strategy,
    Verifier,
)


@dataclass(frozen=True)
class Particles(Strategy):
    """A particle filter: every round each of n particles takes a step, then n survivors are drawn with
    replacement, with weight exp(score / tau)."""

    n: int = 8
    tau: Positive = 0.2
    rounds: Count = 10

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        particles = [root] * self.n
        for round_ in range(self.rounds):
            live = [path for path in particles if not path.over]
            if not live:
                break
            step = policy.extend if round_ < self.rounds - 1 else policy.finish
            grown = iter(await step(live, 1))
            moved = [path if path.over else next(grown)[0] for path in particles]
            moved = await verifier.score(moved)
            weights = [math.exp((aggregate(path.scores, "last") or 0.0) / self.tau) for path in moved]
            valued = [replace(path, value=weight) for path, weight in zip(moved, weights, strict=True)]
            particles = context.random(round_).choices(valued, weights, k=self.n)
        return sorted(particles, key=lambda path: path.address)


@dataclass(frozen=True)
class Lookahead(Strategy):
    """Beam search by what comes of a path: its value is the score at the end of a greedy roll-out."""

    n: int = 8
    width: Count = 4
    look: Count = 2
    rounds: Count = 10

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        over: list[Path] = []
        live, places = [root], [self.n]
        for round_ in range(self.rounds):
            step = policy.extend if round_ < self.rounds - 1 else policy.finish
            grown = [child for family in await step(live, places) for child in family]
            ends = await policy.roll_out(grown, steps=self.look, temperature=0.0)
            scored = await verifier.score([end for [end] in ends])
            values = [aggregate(end.scores, "last") for end in scored]
            valued = [replace(path, value=value) for path, value in zip(grown, values, strict=True)]
            over += [path for path in valued if path.over]
            live = [path for path in valued if not path.over]
            live.sort(key=lambda path: (-(path.value or 0.0), path.address))
            if not live:
                break
            left = self.n - len(over)
            live = live[: max(1, left // self.width)]
            places = [left // len(live)] * len(live)
        return await verifier.score(sorted(over, key=lambda path: path.address))


STRATEGIES = [Greedy(), BestOfN(16), Beam(16), Dvts(16), Particles(16), Lookahead(16), SelfRefine(4)]


@dataclass
class Restless:
    """A policy that looks ahead from every path before it takes a step."""

    policy: Policy

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        await self.policy.roll_out(paths, 2, steps=2)
        return await self.policy.extend(paths, n)

    async def finish(
        self, paths: Sequence[Path], n: int | Sequence[int], *, floor: Floor | None = None
    ) -> list[list[Path]]:
        await self.policy.roll_out(paths)
        return await self.policy.finish(paths, n, floor=floor)

    async def roll_out(self, paths: Sequence[Path], *how: object, **more: object) -> list[list[Path]]:
        return await self.policy.roll_out(paths, *how, **more)  # type: ignore[arg-type]

    async def chat(self, paths: Sequence[Path], words: Sequence[str]) -> list[Path]:
        return await self.policy.chat(paths, words)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: type(one).__name__)
def test_roll_outs_leave_the_tree_and_the_results_as_they_are(strategy: Strategy) -> None:
    def tree(drawn: list[Drawn]) -> list[Path]:
        children = [one.child for one in drawn if min(one.child.address) >= 0]
        return sorted(children, key=lambda path: path.address)

    still, restless = session_of(), session_of()
    found = run_search(strategy, still)
    restless.policy, policy = Restless(restless.policy), restless.policy  # type: ignore[assignment]
    assert run_search(strategy, restless) == found
    assert tree(policy.drawn) == tree(still.drawn)
    assert len(policy.drawn) > len(still.drawn)


def test_particles_go_where_the_weight_is_and_copies_take_the_next_children() -> None:
    script = Script(scores={(2,): 1.0, (2, 1): 1.0}, ends=frozenset({(2, 1)}))
    found = search(Particles(n=4, tau=0.01), script)
    assert script.asked == [("extend", [()] * 4, [1] * 4), ("extend", [(2,)] * 4, [1] * 4)]
    assert [(path.address, path.value) for path in found] == [((2, 1), math.exp(100))] * 4


def test_lookahead_goes_by_what_comes_of_a_path_not_by_what_it_is() -> None:
    better_now, better_later = {(0,): 0.9, (0, -1): 0.1}, {(1,): 0.1, (1, -1): 0.9}
    script = Script(scores=better_now | better_later)
    found = search(Lookahead(n=2, width=2, rounds=2), script)
    assert script.asked[:3] == [
        ("extend", [()], [2]),
        ("look", [(0,), (1,)], [1, 1]),
        ("finish", [(1,)], [2]),
    ]
    assert [path.address for path in found] == [(1, 0), (1, 1)]


@dataclass
class Recording(FakePolicy):
    calls: list[tuple[float, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        self.calls += [(sampling.temperature, draw.whole) for draw in draws]
        return await super().generate(sampling, draws)


def test_a_roll_out_has_its_own_temperature_and_length_and_an_over_path_stays_as_it_is() -> None:
    engine = Recording()
    policy = session_of(engine).policy

    async def look() -> None:
        [[child]] = await policy.extend([Path(TINY)], 1)
        [[first, second]] = await policy.roll_out([child], 2, steps=2, temperature=0.0)
        assert [first.address, second.address] == [(0, -1, 0), (0, -2, 0)]
        assert [len(first.steps), first.text] == [3, second.text]
        [[end], [same]] = await policy.roll_out([child, replace(child, copy=1)])
        assert (end.address, same.address, end.over) == ((0, -3), (0, -4), True)
        assert await policy.roll_out([end], 3, steps=2) == [[end]]
        [[grandchild]] = await policy.extend([child], 1)
        assert grandchild.address == (0, 0)
        [[further]] = await policy.extend([first], 1)
        assert further.address == (0, -1, 0, 0)

    asyncio.run(look())
    assert engine.calls == [*((0.8, False), *[(0.0, False)] * 4, *[(0.8, True)] * 2), *[(0.8, False)] * 2]
    verbs = [drawn.verb for drawn in policy.drawn]
    assert verbs == ["extend", *["roll_out"] * 6, *["extend"] * 2]
