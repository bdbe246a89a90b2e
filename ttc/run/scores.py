"""The verifier of ONE search: asks for what has no score yet, and counts every token."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import cast

from ttc.run.tries import retry
from ttc.types import (
    Bill,
    ComparingModel,
    Judgement,
    Path,
    Query,
    Step,
    TransientError,
    VerifierModel,
    context_sum,
)


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


Place = tuple[tuple[int, ...], int, int]
"""The address of a path, its steps, and how many scores it has: what is asked for."""


@dataclass(eq=False)
class IncrementalVerifier:
    """`Verifier` for one search over one problem. The bill is the search's: added to here."""

    model: VerifierModel | None
    bill: Bill
    scored: dict[tuple[tuple[int, ...], int], StepScore] = field(default_factory=dict)
    """(address of the scored path, index among its steps that are not blank) -> score and cost."""

    begun: dict[Place, tuple[Path, asyncio.Task[Judgement]]] = field(default_factory=dict)
    """Paths whose scores are asked for."""

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        result = list(paths)
        asked: dict[int, Path] = {}
        for i, path in enumerate(paths):
            missing = _missing(path)
            if missing and None in path.scores:  # what has no score once has none for good
                result[i] = path.judged([None] * missing)
            elif missing:
                asked[i] = path
                self.begin(path)
        judged: dict[Place, Judgement] = {}
        for i, path in asked.items():
            place = _place(path)
            if place not in judged:  # copies of a path share its scores
                judged[place] = await self.begun[place][1]
                del self.begun[place]
                self._charge(path, judged[place])
            result[i] = path.judged(judged[place].scores)
        return result

    def begin(self, path: Path) -> None:
        """Asks for a path's scores now: `score` will want them."""
        place = _place(path)
        if place not in self.begun and _missing(path) and None not in path.scores:
            self.begun[place] = path, asyncio.ensure_future(self._judge(path))

    def close(self) -> None:
        """The search is over: what was begun and not wanted is given up, or paid where it is there."""
        for path, task in self.begun.values():
            if not task.done():
                task.cancel()
            elif not task.cancelled() and not task.exception():
                self._charge(path, task.result())
        self.begun.clear()

    async def compare(self, paths: Sequence[Path]) -> list[Path]:
        """The same paths, all of a pool, scored against each other by a verifier that compares."""
        model = cast(ComparingModel, self.model)
        queries = [_make_query(path) for path in paths]
        judged = await retry(lambda: model.compare(queries), self._failed)
        for path, judgement in zip(paths, judged, strict=True):
            self._charge(path, judgement)
        return [path.judged(one.scores) for path, one in zip(paths, judged, strict=True)]

    async def _judge(self, path: Path) -> Judgement:
        model = self.model
        assert model is not None, "a search without a verifier scores nothing"
        query = _make_query(path)
        [judgement] = await retry(lambda: model.judge([query]), self._failed)
        return judgement

    def _failed(self, error: TransientError) -> None:
        self.bill.retries += 1
        self.bill.prm_computed = (self.bill.prm_computed or 0) + error.spent

    def status(self, path: Path) -> str:
        """What a path's scores are: "ok", or why its first missing one is missing."""
        if None not in path.scores:
            return "ok"
        index = path.scores.index(None)
        # the step was scored when it was its path's last: at this address, or above it
        above = (self.scored.get((path.address[:depth], index)) for depth in range(len(path.address), 0, -1))
        return next((score.status for score in above if score is not None), "unscored")

    def _charge(self, path: Path, judgement: Judgement) -> None:
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
                context_sum=(
                    judgement.contexts[offset] if judgement.contexts else context_sum(position, tokens)
                ),
                status="ok" if score is not None else why,
            )
            position += tokens - judgement.tail


def logprobs(steps: Sequence[Step]) -> tuple[float, ...] | None:
    values = tuple(step.logprob for step in steps if step.logprob is not None)
    return values if len(values) == len(steps) else None


def confidences(steps: Sequence[Step]) -> tuple[float, ...] | None:
    """Of all steps in a row; None where they were not kept of each."""
    values = [step.confidences for step in steps if step.confidences is not None]
    return tuple(chain.from_iterable(values)) if len(values) == len(steps) else None


def _place(path: Path) -> Place:
    return path.address, len(path.steps), len(path.scores)


def _missing(path: Path) -> int:
    """Steps without a score, blank ones left out."""
    return max(0, len(path.worded) - len(path.scores))


def _make_query(path: Path) -> Query:
    worded = path.worded
    counts = tuple(step.count for step in worded if step.count is not None)
    return Query(
        question=path.problem.question,
        steps=tuple(step.text for step in worded),
        known=len(path.scores),
        lengths=counts if len(counts) == len(worded) else (),
        logprobs=logprobs(worded),
        answer=path.problem.answer,
    )
