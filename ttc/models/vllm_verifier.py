"""A verifier's scores on vLLM: one request per score, up to where it is read.

The prefix cache holds what an earlier step's request computed, so a step costs its own tokens and at most one
cache block more. Left out: a finished path in one pass (prompt_logprob_token_ids), which vLLM's runner for
CPUs does not have.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ttc.models.formats import Format
from ttc.models.verifier import Reading, two_way
from ttc.models.vllm_engine import Engine, EngineOptions
from ttc.types import EngineStats

if TYPE_CHECKING:
    from vllm import SamplingParams


class VllmReader:
    """`Reader` on AsyncLLM. Make it inside the event loop that uses it."""

    def __init__(self, options: EngineOptions, format: Format) -> None:
        assert format.tags, "the other families follow"
        self.tags = format.tags
        # the engine generates one token, for which a text that fills the verifier's context needs room. In 16
        # bits the two logits would be rounded to three digits before their difference is taken
        self.engine = Engine(replace(options, float32_head=True))

    async def read(self, ids: tuple[int, ...]) -> Reading:
        output = await self.engine.run(list(ids), self._params(), generated=False)
        logprobs: Any = output.outputs[0].logprobs
        good, bad = (logprobs[0][tag].logprob for tag in self.tags)
        cached = output.num_cached_tokens
        return Reading(
            score=two_way(good, bad),
            mass=math.exp(good) + math.exp(bad),
            computed=len(ids) - (cached or 0),
            cached=cached,
        )

    async def stats(self) -> EngineStats:
        return self.engine.stats()

    def shutdown(self) -> None:
        self.engine.shutdown()

    def _params(self) -> SamplingParams:
        # not `from vllm import`: that looks the name up anew for every request
        from vllm.sampling_params import RequestOutputKind, SamplingParams

        return SamplingParams(
            max_tokens=1,
            temperature=0.0,
            logprob_token_ids=list(self.tags),
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            skip_clone=True,
        )
