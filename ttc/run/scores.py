"""The verifier of ONE search: asks for what has no score yet, and counts every token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ttc.types import Bill, Judgement, Path, Query, Step, TransientError, VerifierModel

TRIES = 3
"""A call is tried so often; then its search has failed."""

T = TypeVar("T")


async def retry(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result; a transient error is followed by another try, up to TRIES."""
    for _ in range(TRIES - 1):
        try:
            return await call()
        except TransientError:
            continue
    return await call()


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


@dataclass(eq=False)
class IncrementalVerifier:
    """`Verifier` for one search over one problem. The bill is the search's: added to here."""

    model: VerifierModel | None
    bill: Bill
    scored: dict[tuple[tuple[int, ...], int], StepScore] = field(default_factory=dict)
    """(address of the scored path, index among its steps that are not blank) -> score and cost."""

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        result = list(paths)
        askable: dict[int, Path] = {}
        for i, path in enumerate(paths):
            missing = len(path.worded) - len(path.scores)
            if missing > 0 and None in path.scores:  # what has no score once has none for good
                result[i] = replace(path, scores=(*path.scores, *[None] * missing))
            elif missing > 0:
                askable[i] = path
        if askable:
            model = self.model
            assert model is not None, "a search without a verifier scores nothing"
            queries = [_make_query(path) for path in askable.values()]
            judgements = await retry(lambda: model.judge(queries))
            for (i, path), judgement in zip(askable.items(), judgements, strict=True):
                self._charge(path, judgement)
                result[i] = replace(path, scores=(*path.scores, *judgement.scores))
        return result

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
                context_sum=context_sum(position, tokens),
                status="ok" if score is not None else why,
            )
            position += tokens - judgement.tail


def context_sum(start: int, tokens: int) -> int:
    """Sum of the positions of `tokens` tokens that begin at `start`: attention's share of the FLOPs."""
    return tokens * start + tokens * (tokens - 1) // 2


def logprobs(steps: Sequence[Step]) -> tuple[float, ...] | None:
    values = tuple(step.logprob for step in steps if step.logprob is not None)
    return values if len(values) == len(steps) else None


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
