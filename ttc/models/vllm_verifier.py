"""A process reward model on vLLM, for families that read a score off a causal language model's next token.

One request per new step, up to where its score is read. The prefix cache holds what an earlier step's
request computed, so a step costs its own tokens and at most one cache block more. Left out: a finished
path in one pass (prompt_logprob_token_ids), which vLLM's runner for CPUs does not have.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ttc.models.verifier_formats import FORMATS, Layout
from ttc.models.vllm_engine import Engine, EngineOptions, together
from ttc.types import EngineStats, Judgement, Query, UserError

if TYPE_CHECKING:
    from vllm import SamplingParams

SCORES_KEPT = 200_000


@dataclass
class _Running:
    """A score that is being computed, and how many calls wait for it."""

    task: asyncio.Task[_Reading]
    waiting: int = 0


@dataclass(frozen=True)
class _Reading:
    """One score, and what the request did."""

    score: float | None
    computed: int
    cached: int | None


class VllmVerifier:
    """`VerifierModel` on AsyncLLM. Make it inside the event loop that uses it.

    Args:
        format: the family, a name in FORMATS.

    Raises:
        UserError: there is no such format, or the model's tokenizer does not fit it.
    """

    def __init__(self, options: EngineOptions, format: str = "rlhflow") -> None:
        if format not in FORMATS:
            raise UserError(f"prm.format={format!r}: must be one of {', '.join(FORMATS)}")
        from transformers import AutoTokenizer

        self.options = options
        # before the engine starts: a tokenizer that does not fit must not cost half a minute
        self.format = FORMATS[format](AutoTokenizer.from_pretrained(options.model, revision=options.revision))
        # in 16 bits the two logits would be rounded to three digits before their difference is taken
        self.engine = Engine(replace(options, float32_head=True))
        self._known: OrderedDict[bytes, float | None] = OrderedDict()
        self._running: dict[bytes, _Running] = {}

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        """Scores in the order of the queries; see `VerifierModel`."""
        return await together(self._judge(query) for query in queries)

    async def stats(self) -> EngineStats:
        return self.engine.stats()

    def shutdown(self) -> None:
        self.engine.shutdown()

    async def _judge(self, query: Query) -> Judgement:
        layout = self.format.layout(query.question, query.steps)
        keys = _keys(query)
        new = range(query.known, len(query.steps))
        # the engine also needs room for the one token it generates
        fits = [step for step in new if layout.ends[step] < self.options.context]
        # all at once: the scheduler shares the blocks of requests that it starts together, too
        readings = await together(self._score(keys[step], layout, step) for step in fits)
        mine = [reading for reading, own in readings if own]
        scores = [reading.score for reading, _ in readings]
        edges = (layout.root, *layout.ends)
        return Judgement(
            scores=(*scores, *[None] * (len(new) - len(fits))),
            tokens=tuple(edges[step + 1] - edges[step] for step in new),
            root=layout.root,
            start=edges[query.known],
            computed=sum(reading.computed for reading in mine),
            cached=sum(reading.cached or 0 for reading in mine),
            shared=len(fits) - len(mine),
            status="ok" if len(fits) == len(new) else "too_long",
        )

    async def _score(self, key: bytes, layout: Layout, step: int) -> tuple[_Reading, bool]:
        """The score of one step, and whether this call is the one that asked the engine for it."""
        if key in self._known:
            self._known.move_to_end(key)
            return _Reading(self._known[key], 0, 0), False
        own = key not in self._running
        if own:
            self._running[key] = _Running(
                asyncio.create_task(self._ask(key, layout.ids[: layout.ends[step]]))
            )
        running = self._running[key]
        running.waiting += 1
        try:
            # shielded: a call that gives up must not take the score from those who still wait for it
            return await asyncio.shield(running.task), own
        finally:
            running.waiting -= 1
            if not running.waiting and not running.task.done():
                self._forget(key, running.task)
                running.task.cancel()

    async def _ask(self, key: bytes, ids: tuple[int, ...]) -> _Reading:
        try:
            output = await self.engine.run(list(ids), self._params(), generated=False)
        finally:
            self._forget(key, asyncio.current_task())
        logprobs: Any = output.outputs[0].logprobs
        plus, minus = (logprobs[0][token].logprob for token in (self.format.plus, self.format.minus))
        score = two_way(plus, minus)
        self._known[key] = score
        if len(self._known) > SCORES_KEPT:
            self._known.popitem(last=False)
        return _Reading(score, len(ids) - (output.num_cached_tokens or 0), output.num_cached_tokens)

    def _forget(self, key: bytes, task: asyncio.Task[Any] | None) -> None:
        # a cancelled task ends after its successor has begun
        if key in self._running and self._running[key].task is task:
            del self._running[key]

    def _params(self) -> SamplingParams:
        # not `from vllm import`: that looks the name up anew for every request
        from vllm.sampling_params import RequestOutputKind, SamplingParams

        return SamplingParams(
            max_tokens=1,
            temperature=0.0,
            logprob_token_ids=[self.format.plus, self.format.minus],
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            skip_clone=True,
        )


def two_way(plus: float, minus: float) -> float | None:
    """The probability of `plus` against `minus`, from log-probabilities; None where they are no numbers."""
    if math.isnan(plus) or math.isnan(minus) or (math.isinf(plus) and math.isinf(minus)):
        return None
    difference = minus - plus
    return 1.0 / (1.0 + math.exp(difference)) if difference < 700 else 0.0


def _keys(query: Query) -> list[bytes]:
    """A name for (question, steps up to here), for every step. Hashes, as texts would fill the memory."""
    keys = []
    key = blake2b(query.question.encode(), digest_size=16).digest()
    for step in query.steps:
        key = blake2b(key + step.strip().encode(), digest_size=16).digest()
        keys.append(key)
    return keys
