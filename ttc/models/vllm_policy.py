"""A policy on vLLM: every draw is a request of its own, with its own seed.

A step is ended by token ids wherever they can tell: the engine's core stops by itself, no text is made per
token, and no request has to be called back. The ids whose own text holds the separator end most steps. Where
two tokens make it together (in Llama's tokenizer 3,028 more could), the request runs on to the next such id,
and what it wrote behind the step's end is dropped: the same step, from the same random numbers, at the price
of those tokens. So a model is asked with vLLM's stop strings until it has shown that it rarely does so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ttc.models.confidence import LIKELIEST, confidence
from ttc.models.policy import Continuation, TokenPolicy
from ttc.models.steps import StepRule
from ttc.models.vllm_engine import Engine, EngineOptions
from ttc.types import Draw, Floor, Sampling, StepEnd, Watch, first_below

if TYPE_CHECKING:
    from vllm import RequestOutput
    from vllm.logprobs import FlatLogprobs

HABIT, SEEN = 0.05, 32
"""The share of steps that two tokens may end, once so many have been seen to end."""


class VllmPolicy(TokenPolicy):
    """`PolicyModel` on AsyncLLM. Make it inside the event loop that uses it."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options.model, options.revision, options.context, options.trust_remote_code)
        self.engine = Engine(options)
        self._ends = self._pairs = 0

    async def _continue(
        self, ids: list[int], sampling: Sampling, draw: Draw, rule: StepRule, left: int
    ) -> Continuation:
        stop: dict[str, Any] = {"stop_token_ids": sorted(self._eos), "detokenize": False}
        if not draw.whole and self._by_ids(rule):
            stop["stop_token_ids"] += sorted(rule.stops)
        elif not draw.whole:
            stop |= {"stop": [rule.separator], "include_stop_str_in_output": True, "detokenize": True}
        pieces, confidences = await self._ask(
            ids,
            draw.floor,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=draw.seed & (2**63 - 1),
            max_tokens=left,
            logprobs=LIKELIEST if sampling.confidence else 0 if sampling.logprobs else None,
            flat_logprobs=sampling.confidence,  # or 20 objects for every token
            **stop,
        )
        tokens = [token for piece in pieces for token in piece.outputs[0].token_ids]
        logprobs: list[float] | None = None
        if sampling.logprobs:
            rows = (row for piece in pieces for row in piece.outputs[0].logprobs or ())
            logprobs = [row[token].logprob for row, token in zip(rows, tokens, strict=True)]
        length = len(tokens) if draw.whole else rule.first(tokens)
        end: StepEnd | None = None
        below = first_below(confidences[:length], draw.floor) if draw.floor else None
        if below is not None and (below < length or not pieces[-1].finished):
            length, end = below, "unsure"
        if not draw.whole and rule.ends(tokens, 0, length):
            self._ends += 1
            self._pairs += tokens[length - 1] not in rule.stops
        return Continuation(
            tokens[:length],
            logprobs and logprobs[:length],
            pieces[-1].num_cached_tokens,
            end,
            dropped=len(tokens) - length,
            confidences=confidences[:length] if sampling.confidence else None,
        )

    async def _ask(
        self, ids: list[int], floor: Floor | None, **params: Any
    ) -> tuple[list[RequestOutput], list[float]]:
        """The request's outputs, one but where there is a floor, and the confidences in its tokens where they
        are asked for."""
        confidences: list[float] = []

        def note(piece: RequestOutput) -> Sequence[float]:
            told: Any = piece.outputs[0].logprobs
            new = confidences_of(told) if params["flat_logprobs"] else []
            confidences.extend(new)
            return new

        if floor is None:
            output = await self.engine.run(ids, **params)
            note(output)
            return [output], confidences
        watch = Watch(floor)
        pieces = await self.engine.run_while(ids, lambda piece: not watch.broken(note(piece)), **params)
        return pieces, confidences

    def _by_ids(self, rule: StepRule) -> bool:
        seldom = self._ends >= SEEN and self._pairs <= HABIT * self._ends
        return bool(rule.stops) and (rule.exact or seldom)


def confidences_of(told: FlatLogprobs) -> list[float]:
    """One per token. By their ids: the sampled one stands there twice where it is among the likeliest."""
    spans = map(slice, told.start_indices, told.end_indices)
    places = (dict(zip(told.token_ids[at], told.logprobs[at], strict=True)) for at in spans)
    return [confidence(place.values()) for place in places]
