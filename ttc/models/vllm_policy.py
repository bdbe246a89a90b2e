"""A policy on vLLM: every draw is a request of its own, with its own seed."""

from __future__ import annotations

from typing import Any

from ttc.models.policy import Continuation, TokenPolicy
from ttc.models.steps import StepRule
from ttc.models.vllm_engine import Engine, EngineOptions
from ttc.types import Draw, Sampling


class VllmPolicy(TokenPolicy):
    """`PolicyModel` on AsyncLLM. Make it inside the event loop that uses it."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options.model, options.revision, options.context)
        self.engine = Engine(options)

    async def _continue(
        self, ids: list[int], sampling: Sampling, draw: Draw, rule: StepRule, left: int
    ) -> Continuation:
        stop: dict[str, Any] = {"stop_token_ids": sorted(self._eos), "detokenize": False}
        if not draw.whole and rule.exact:
            # the engine's core stops by itself: no text is made per token, and no token too many
            stop["stop_token_ids"] += sorted(rule.stops)
        elif not draw.whole:
            stop |= {"stop": [rule.separator], "include_stop_str_in_output": True, "detokenize": True}
        output = await self.engine.run(
            ids,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=draw.seed & (2**63 - 1),
            max_tokens=left,
            logprobs=0 if sampling.logprobs else None,
            **stop,
        )
        completion, logprobs = output.outputs[0], None
        if sampling.logprobs:
            rows = zip(completion.logprobs, completion.token_ids, strict=True)
            logprobs = [row[token].logprob for row, token in rows]
        return Continuation(list(completion.token_ids), logprobs, output.num_cached_tokens)
