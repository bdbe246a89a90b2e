"""One search over one problem: its policy, its verifier and its context, with one bill for all three.

Strategies see the verbs; engines see requests. What lies between them (addresses, seeds, tries again, the
bill, the rows of the tree) is here and in scores.py, and nowhere else.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ttc.models.together import together
from ttc.run.limits import UNLIMITED, Limits
from ttc.run.scores import IncrementalVerifier
from ttc.run.tries import retry
from ttc.types import (
    Bill,
    Budget,
    Draw,
    Floor,
    Path,
    PolicyModel,
    Sample,
    Sampling,
    Step,
    TransientError,
    VerifierModel,
    total,
)


def seed_of(sweep_seed: int, problem_key: str, address: tuple[int, ...], chat: bool = False) -> int:
    """The seed of a draw (semantics, "Sampling"): no strategy and no n in it, so all of them explore one
    random tree. An answer in a conversation is no node of it, and has chance of its own at the same address.

    Hashed, because engines give near seeds near noise.
    """
    verb = "chat/" if chat else ""
    return _hash(f"{sweep_seed}/{problem_key}/{verb}{address_text(address)}") >> 1


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


IDLE = 1000
"""Calls in a row that may draw nothing: a search that makes more goes round in a circle, and nobody could end
it, since nothing is waited for."""


def address_text(address: Sequence[int]) -> str:
    return "/".join(map(str, address))


def token_ids(steps: Sequence[Step]) -> tuple[int, ...] | None:
    """The ids of all steps in a row; None where a step's are not known."""
    if not all(step.tokens for step in steps):
        return None
    return tuple(token for step in steps for token in step.tokens)


@dataclass(frozen=True)
class Drawn:
    """One draw of the search: the child it made and what the engine said of it."""

    verb: str
    parent: Path
    child: Path
    sample: Sample


@dataclass(eq=False)
class AddressedPolicy:
    """`Policy` for one search over one problem. The bill is the search's: added to here.

    Children are numbered from 0 upwards at every node, roll-outs from -1 downwards: neither takes the
    other's indices. What follows a roll-out's first step are children of the roll-out's own node.

    Every draw is a call of its own: it fails and is tried again alone, and `on_child` hears of a child while
    its siblings are still being written.
    """

    model: PolicyModel | None
    sampling: Sampling
    seed: int
    problem_key: str
    bill: Bill
    first_child: int
    on_child: Callable[[Path], None] | None = None
    limits: Limits = UNLIMITED
    steps: int = 0
    """Sampled so far."""
    idle: int = 0
    """Calls in a row that drew nothing."""
    taken: dict[tuple[tuple[int, ...], bool], int] = field(default_factory=dict)
    drawn: list[Drawn] = field(default_factory=list)

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        if over := [path for path in paths if path.over]:
            raise ValueError(f"path {address_text(over[0].address)} is over and cannot be extended")
        return await self._grow("extend", paths, n, False, self.sampling, whole=False)

    async def finish(
        self, paths: Sequence[Path], n: int | Sequence[int], *, floor: Floor | None = None
    ) -> list[list[Path]]:
        assert floor is None or self.sampling.confidence, "a floor is for strategies that are `confident`"
        return await self._grow("finish", paths, n, False, self.sampling, whole=True, floor=floor)

    async def roll_out(
        self,
        paths: Sequence[Path],
        n: int | Sequence[int] = 1,
        *,
        steps: int | None = None,
        temperature: float | None = None,
    ) -> list[list[Path]]:
        assert steps is None or steps >= 1, "a roll-out is at least one step"
        sampling = self.sampling if temperature is None else replace(self.sampling, temperature=temperature)
        whole = steps is None
        families = await self._grow("roll_out", paths, n, True, sampling, whole)
        for _ in range(1, steps or 1):
            ends = [path for family in families for path in family]
            further = iter(await self._grow("roll_out", ends, 1, False, sampling, whole))
            families = [[next(further)[0] for _ in family] for family in families]
        return families

    async def chat(self, paths: Sequence[Path], words: Sequence[str]) -> list[Path]:
        if live := [path for path in paths if not path.over]:
            raise ValueError(f"path {address_text(live[0].address)} is not over: it has not said all yet")
        told = [path.told(text) for path, text in zip(paths, words, strict=True)]
        return [answer for [answer] in await self._grow("chat", told, 1, False, self.sampling, whole=True)]

    async def _grow(
        self,
        verb: str,
        paths: Sequence[Path],
        n: int | Sequence[int],
        aside: bool,
        sampling: Sampling,
        whole: bool,
        floor: Floor | None = None,
    ) -> list[list[Path]]:
        """The draws of all paths as one call; a path that is over stands for its own family.

        `aside`: they are roll-outs, and take no child's index.
        """
        counts = [n] * len(paths) if isinstance(n, int) else list(n)
        # indices are taken before the first await, so that gathered searches keep their order
        slots = [
            [] if path.over else [(path, self._take(path, aside)) for _ in range(count)]
            for path, count in zip(paths, counts, strict=True)
        ]
        flat = [slot for family in slots for slot in family]
        self.idle = 0 if flat else self.idle + 1
        if self.idle > IDLE:
            raise ValueError(f"asked the policy for nothing {IDLE:,} times in a row: a loop without an end")
        grown = iter(await self._draw(verb, flat, sampling, whole, floor) if flat else [])
        return [
            [path] if path.over else [next(grown) for _ in family]
            for path, family in zip(paths, slots, strict=True)
        ]

    async def _draw(
        self,
        verb: str,
        slots: Sequence[tuple[Path, int]],
        sampling: Sampling,
        whole: bool,
        floor: Floor | None,
    ) -> list[Path]:
        self.limits.check(self.steps, self.bill.generated_tokens)
        # siblings share one tuple, here and on their way to the engine
        parents = {id(path): path for path, _ in slots}
        prefixes = {name: _prefix(path) for name, path in parents.items()}
        draws = [
            Draw(
                path.problem.question,
                prefixes[id(path)],
                seed_of(self.seed, self.problem_key, (*path.address, index), bool(path.turns)),
                whole,
                path.turns,
                floor,
            )
            for path, index in slots
        ]
        pairs = zip(slots, draws, strict=True)
        drawn = await together(self._draw_one(verb, *slot, draw, sampling) for slot, draw in pairs)
        for one, draw in zip(drawn, draws, strict=True):
            self._charge(draw, one.sample)
            self.steps += len(one.sample.steps)
            self.drawn.append(one)
        return [one.child for one in drawn]

    async def _draw_one(self, verb: str, path: Path, index: int, draw: Draw, sampling: Sampling) -> Drawn:
        model = self.model
        assert model is not None, "a session without a policy only scores"
        [sample] = await retry(lambda: model.generate(sampling, [draw]), self._failed)
        child = path.child(index, sample.steps)
        if self.on_child and verb not in ("roll_out", "chat"):  # whether an answer is a solution, who knows
            self.on_child(child)
        return Drawn(verb, path, child, sample)

    def _failed(self, error: TransientError) -> None:
        self.bill.retries += 1
        self.bill.generated_tokens = total([self.bill.generated_tokens, error.spent])

    def _take(self, path: Path, aside: bool) -> int:
        """The index of the node's next child; `aside`: of its next roll-out."""
        number = self.taken.get((path.address, aside), 0 if path.address else self.first_child)
        self.taken[path.address, aside] = number + 1
        return -1 - number if aside else number

    def _charge(self, draw: Draw, sample: Sample) -> None:
        bill = self.bill
        counts = (step.count for step in sample.steps)
        bill.generated_tokens = total([bill.generated_tokens, sample.dropped, *counts])
        if sample.prompt_tokens is None:
            return
        if not draw.turns:
            bill.prompt_tokens = sample.prompt_tokens - len(draw.tokens)
        if sample.cached_tokens is not None:
            bill.prompt_cached = (bill.prompt_cached or 0) + sample.cached_tokens
            bill.prompt_computed = (bill.prompt_computed or 0) + sample.prompt_tokens - sample.cached_tokens


def _prefix(path: Path) -> tuple[int, ...]:
    """What a draw goes on from."""
    ids = token_ids(path.steps)
    if ids is None:
        raise ValueError(
            f"path {address_text(path.address)}: its token ids are not known: nothing goes on there"
        )
    return ids


@dataclass(frozen=True)
class SearchContext:
    """`Context` for one search over one problem."""

    budget: Budget
    spent: Bill
    seed: int
    problem_key: str
    search: int = 0
    """Which of several whole searches this is, where a budget pays for more than one."""

    def random(self, *place: int) -> random.Random:
        # of no strategy and no n, as the seeds of draws: searches are compared on one chance
        own = f"search{self.search}/" if self.search else ""
        return random.Random(_hash(f"{self.seed}/{self.problem_key}/chance/{own}{address_text(place)}"))


class Session:
    """What one search is given, and what is known of it afterwards.

    Args:
        policy, verifier: engines; None: nothing to sample, or to score.
        n: finished paths that the search may return.
        first_child: the root's first free child index: a pool that grows goes on where it stopped.
        scores_children: every child will be scored: so it is as soon as it is drawn.
        limits: past which it may not draw.
    """

    def __init__(
        self,
        policy: PolicyModel | None,
        verifier: VerifierModel | None,
        sampling: Sampling,
        seed: int,
        problem_key: str,
        n: int,
        first_child: int = 0,
        scores_children: bool = False,
        limits: Limits = UNLIMITED,
    ) -> None:
        self.bill = Bill()
        self.verifier = IncrementalVerifier(verifier, self.bill)
        on_child = self.verifier.begin if scores_children else None
        self.policy = AddressedPolicy(
            policy, sampling, seed, problem_key, self.bill, first_child, on_child, limits
        )
        self.context = SearchContext(Budget(n), self.bill, seed, problem_key)
        self.drawn = self.policy.drawn
        """Every draw, roll-outs included, in the order in which they came."""
        self.scored = self.verifier.scored

    def start_at(self, child: int, search: int) -> None:
        """What comes is another whole search: from this child of the root on, with chance of its own."""
        self.policy.taken |= {((), False): child, ((), True): child}
        self.context = replace(self.context, search=search)
