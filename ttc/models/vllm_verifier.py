"""A verifier's scores on vLLM: one request per score, up to where it is read.

The prefix cache holds what an earlier step's request computed, so a step costs its own tokens and at most one
cache block more, whatever is read: vLLM's pooling runner, too, reads the cache where a request says so.
Left out: a finished path in one pass (prompt_logprob_token_ids), which vLLM's runner for CPUs does not have.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ttc.models.formats import Format, Reads
from ttc.models.verifier import Reader, Reward, classify, two_way
from ttc.models.vllm_engine import Engine, EngineOptions, Pooling
from ttc.types import UserError

POOLING: dict[Reads, Pooling] = {"classes": "token_classify", "reward": "classify"}
"""How vLLM gives what a family reads; "tags" are the next token's logits."""


class VllmReader(Reader):
    """`Reader` on AsyncLLM. Make it inside the event loop that uses it.

    Raises:
        UserError: the family has a head that vLLM does not know.
    """

    def __init__(self, options: EngineOptions, format: Format) -> None:
        if format.reads == "value":
            raise UserError(
                f"{options.model}: vLLM cannot run a model with a value head; take prm.engine=transformers"
            )
        self.tags, self.pooling = format.tags, POOLING.get(format.reads)
        # in 16 bits the logits would be rounded to three digits before their difference is taken
        self.engine = Engine(replace(options, float32_head=True, pooling=self.pooling, reads=True))
        self.rounds = not self.engine.cpu

    async def read(self, ids: tuple[int, ...]) -> Reward:
        output: Any
        raw = mass = None
        if self.tags:
            params = {"max_tokens": 1, "temperature": 0.0, "detokenize": False}
            output = await self.engine.run(
                list(ids), generated=False, logprob_token_ids=list(self.tags), **params
            )
            good, bad = (output.outputs[0].logprobs[0][tag].logprob for tag in self.tags)
            score, mass = two_way(good, bad), math.exp(good) + math.exp(bad)
        else:
            output = await self.engine.pool(list(ids))
            # [labels], or [tokens not cached, labels]: the last token is always computed, be it in the cache
            logits = output.outputs.data.reshape(-1, output.outputs.data.shape[-1])[-1].tolist()
            score, raw = classify(logits, outcome=self.pooling == "classify")
        cached = output.num_cached_tokens
        return Reward(score, raw, mass, computed=len(ids) - (cached or 0), cached=cached)
