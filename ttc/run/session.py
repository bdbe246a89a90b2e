"""The policy and the verifier of ONE search: hands every draw its address and seed, counts every token.

Strategies see the three verbs; engines see requests. What lies between them (addresses, seeds, tries again,
the bill, the rows of the tree) is here and nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ttc.types import (
    Draw,
    Judgement,
    Path,
    PolicyModel,
    Query,
    Sample,
    Sampling,
    Step,
    TransientError,
    VerifierModel,
)

TRIES = 3
"""A call is tried so often; then its search has failed."""

T = TypeVar("T")


def seed_of(sweep_seed: int, problem_key: str, address: tuple[int, ...]) -> int:
    """The seed of a draw (spec 2): no strategy and no n in it, so all of them explore one random tree.

    Hashed, because engines give near seeds near noise.
    """
    name = f"{sweep_seed}/{problem_key}/{'/'.join(map(str, address))}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


@dataclass
class StepScore:
    """A step's score and what it costs a verifier that re-uses prefixes perfectly."""

    score: float | None
    raw: float | None
    tokens: int
    cached: int | None
    context_sum: int
    status: str = "ok"
    """Why there is no score: "too_long" for the verifier, else "unscored" (it gave NaN, or none)."""


@dataclass(frozen=True)
class Drawn:
    """One draw of the search: the child it made and what the engine said of it."""

    verb: str
    parent: Path
    child: Path
    sample: Sample


@dataclass
class Bill:
    """What the search really cost its engines. None = the engine does not tell."""

    generated: int = 0
    prompt_computed: int | None = None
    prompt_cached: int | None = None
    prm_computed: int | None = None
    prm_cached: int | None = None
    prm_shared: int | None = None
    prompt_tokens: int | None = None
    prm_prompt_tokens: int | None = None


class Meter:
    """Implements the verbs of Policy and Verifier for one search over one problem.

    Args:
        first_child: the root's first free child index: a pool that grows goes on where it stopped.
    """

    def __init__(
        self,
        policy: PolicyModel | None,
        verifier: VerifierModel | None,
        sampling: Sampling,
        seed: int,
        problem_key: str,
        first_child: int = 0,
    ) -> None:
        self._policy = policy
        self._verifier = verifier
        self._sampling = sampling
        self._seed = seed
        self._problem_key = problem_key
        self._next_child: dict[tuple[int, ...], int] = {(): first_child}
        self.bill = Bill()
        self.drawn: list[Drawn] = []
        self.scored: dict[tuple[tuple[int, ...], int], StepScore] = {}
        """(address of the scored path, index among its steps that are not blank) -> score and cost."""

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        return await self._draw("extend", paths, n)

    async def finish(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        live = [path for path in paths if not path.over]
        counts = [n] * len(paths) if isinstance(n, int) else list(n)
        wanted = [count for path, count in zip(paths, counts, strict=True) if not path.over]
        grown = iter(await self._draw("finish", live, wanted))
        return [[path] if path.over else next(grown) for path in paths]

    async def _draw(self, verb: str, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        counts = [n] * len(paths) if isinstance(n, int) else list(n)
        # indices are taken before the first await, so that gathered searches keep their order
        slots = [
            (path, self._take(path)) for path, count in zip(paths, counts, strict=True) for _ in range(count)
        ]
        if not slots:
            return [[] for _ in paths]
        draws = [
            Draw(
                question=path.problem.question,
                tokens=tuple(token for step in path.steps for token in step.tokens),
                seed=seed_of(self._seed, self._problem_key, (*path.address, index)),
                whole=verb == "finish",
            )
            for path, index in slots
        ]
        policy = self._policy
        assert policy is not None, "stored paths are scored, not gone on from"
        samples = await tried(lambda: policy.generate(self._sampling, draws))
        children = []
        for (path, index), draw, sample in zip(slots, draws, samples, strict=True):
            child = path.child(index, sample.steps)
            self._bill_draw(draw, sample)
            self.drawn.append(Drawn(verb, path, child, sample))
            children.append(child)
        families = iter(children)
        return [[next(families) for _ in range(count)] for count in counts]

    def _take(self, path: Path) -> int:
        index = self._next_child.get(path.address, 0)
        self._next_child[path.address] = index + 1
        return index

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        waiting = [(i, path, texts) for i, path in enumerate(paths) if (texts := _unscored(path))]
        askable = [entry for entry in waiting if None not in entry[1].scores]
        result = list(paths)
        if askable:
            assert self._verifier is not None, "a search without a verifier scores nothing"
            verifier = self._verifier
            queries = [_query(path, texts) for _, path, texts in askable]
            judgements = await tried(lambda: verifier.judge(queries))
            for (i, path, _), judgement in zip(askable, judgements, strict=True):
                self._bill_judgement(path, judgement)
                result[i] = replace(path, scores=(*path.scores, *judgement.scores))
        for i, path, texts in waiting:
            if None in path.scores:  # what has no score once has none for good
                result[i] = replace(path, scores=(*path.scores, *[None] * (len(texts) - len(path.scores))))
        return result

    def status(self, path: Path) -> str:
        """What a path's scores are: "ok", or why its first missing one is missing."""
        if None not in path.scores:
            return "ok"
        index = path.scores.index(None)
        # the step was scored when it was its path's last: at this address, or above it
        tried = (self.scored.get((path.address[:depth], index)) for depth in range(len(path.address), 0, -1))
        return next((score.status for score in tried if score is not None), "unscored")

    def _bill_draw(self, draw: Draw, sample: Sample) -> None:
        bill = self.bill
        bill.generated += sum(step.count for step in sample.steps)
        bill.prompt_tokens = sample.prompt_tokens - len(draw.tokens)
        if sample.cached_tokens is not None:
            bill.prompt_cached = (bill.prompt_cached or 0) + sample.cached_tokens
            bill.prompt_computed = (bill.prompt_computed or 0) + sample.prompt_tokens - sample.cached_tokens

    def _bill_judgement(self, path: Path, judgement: Judgement) -> None:
        bill = self.bill
        bill.prm_prompt_tokens = judgement.root
        bill.prm_computed = (bill.prm_computed or 0) + judgement.computed
        bill.prm_shared = (bill.prm_shared or 0) + judgement.shared
        if judgement.cached is not None:
            bill.prm_cached = (bill.prm_cached or 0) + judgement.cached
        why = judgement.status if judgement.status != "ok" else "unscored"
        position = judgement.start
        for offset, (score, tokens) in enumerate(zip(judgement.scores, judgement.tokens, strict=True)):
            self.scored[path.address, len(path.scores) + offset] = StepScore(
                score=score,
                raw=judgement.raw[offset] if judgement.raw else None,
                tokens=tokens,
                cached=judgement.cached if offset == 0 else None,
                context_sum=context_sum(position, tokens),
                status="ok" if score is not None else why,
            )
            position += tokens - judgement.tail


async def tried(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result; a transient error is followed by another try, up to TRIES."""
    for attempt in range(1, TRIES + 1):
        try:
            return await call()
        except TransientError:
            if attempt == TRIES:
                raise
    raise AssertionError("unreachable")


def context_sum(start: int, tokens: int) -> int:
    """Sum of the positions of `tokens` tokens that begin at `start`: attention's share of the FLOPs."""
    return tokens * start + tokens * (tokens - 1) // 2


def steps_before(path: Path) -> int:
    """How many steps a path has that are not blank: where its next score will stand."""
    return sum(not step.blank for step in path.steps)


def _unscored(path: Path) -> tuple[str, ...]:
    """All its texts to score, if any of them has no score yet."""
    texts = tuple(step.text for step in path.steps if not step.blank)
    return texts if len(texts) > len(path.scores) else ()


def _query(path: Path, texts: tuple[str, ...]) -> Query:
    worded = [step for step in path.steps if not step.blank]
    sums = logprobs(worded)
    return Query(
        question=path.problem.question,
        steps=texts,
        known=len(path.scores),
        lengths=tuple(step.count for step in worded),
        logprobs=None if sums is None else tuple(sums),
        answer=path.problem.answer,
    )


def logprobs(steps: Sequence[Step]) -> list[float] | None:
    values = [step.logprob for step in steps]
    return None if None in values else [value for value in values if value is not None]
