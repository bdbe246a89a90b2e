"""A policy on vLLM: every draw is a request of its own, with its own seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ttc import prompts
from ttc.models.steps import StepRule, step_rule
from ttc.models.together import together
from ttc.models.vllm_engine import Engine, EngineOptions
from ttc.types import Draw, EngineStats, Prompt, Sample, Sampling, StepEnd, TooLong

if TYPE_CHECKING:
    from vllm import RequestOutput, SamplingParams

PROMPTS_KEPT = 4096


class VllmPolicy:
    """`PolicyModel` on AsyncLLM. Make it inside the event loop that uses it."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        from transformers import AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(options.model, revision=options.revision)
        self._eos = eos_ids(self.tokenizer, options.model, options.revision)
        self.engine = Engine(options)
        self._prompt = lru_cache(PROMPTS_KEPT)(self._render)
        self._rule = lru_cache(None)(self._step_rule)

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        """Samples in the order of the draws; see `PolicyModel`."""
        budgets = [self._budget(sampling, draw) for draw in draws]
        return await together(
            self._draw(sampling, draw, budget) for draw, budget in zip(draws, budgets, strict=True)
        )

    async def stats(self) -> EngineStats:
        return self.engine.stats()

    def shutdown(self) -> None:
        self.engine.shutdown()

    def _budget(self, sampling: Sampling, draw: Draw) -> int:
        """Tokens that this draw's path may have in all: the budget, or what the context leaves."""
        room = self.options.context - len(self._prompt(sampling.prompt, draw.question))
        if room < 1:
            context = self.options.context
            raise TooLong(f"the prompt has {context - room} tokens, the policy's context is {context}")
        budget = min(sampling.max_tokens, room)
        # a path that has spent its budget ended with "length" and is over: nobody draws from it
        assert len(draw.tokens) < budget, "drawn from a path that is over"
        return budget

    async def _draw(self, sampling: Sampling, draw: Draw, budget: int) -> Sample:
        ids = [*self._prompt(sampling.prompt, draw.question), *draw.tokens]
        rule = self._rule(sampling.prompt.separator)
        left = budget - len(draw.tokens)
        output = await self.engine.run(ids, self._params(sampling, draw, rule, left))
        tokens = list(output.outputs[0].token_ids)
        logprobs = _logprobs(output) if sampling.logprobs else None
        # "length" also where a step ends at the very end of the budget: nothing can follow it
        end: StepEnd = "eos" if tokens[-1] in self._eos else "length" if len(tokens) >= left else "step"
        if not draw.whole:
            return Sample((rule.step(tokens, end, logprobs),), len(ids), output.num_cached_tokens)
        after_blank = bool(draw.tokens) and rule.split(draw.tokens, "step")[-1].blank
        return Sample(rule.split(tokens, end, logprobs, after_blank), len(ids), output.num_cached_tokens)

    def _params(self, sampling: Sampling, draw: Draw, rule: StepRule, left: int) -> SamplingParams:
        # not `from vllm import`: that looks the name up anew for every request
        from vllm.sampling_params import RequestOutputKind, SamplingParams

        stop: dict[str, Any] = {"stop_token_ids": sorted(self._eos), "detokenize": False}
        if not draw.whole and rule.exact:
            # the engine's core stops by itself: no text is made per token, and no token too many
            stop["stop_token_ids"] += sorted(rule.stops)
        elif not draw.whole:
            stop |= {"stop": [rule.separator], "include_stop_str_in_output": True, "detokenize": True}
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=draw.seed & (2**63 - 1),
            max_tokens=left,
            logprobs=0 if sampling.logprobs else None,
            output_kind=RequestOutputKind.FINAL_ONLY,
            skip_clone=True,
            **stop,
        )

    def _render(self, prompt: Prompt, question: str) -> tuple[int, ...]:
        return tuple(prompts.render(self.tokenizer, prompt, question))

    def _step_rule(self, separator: str) -> StepRule:
        # the tokenizer underneath: transformers' own decode may "clean up" spaces
        backend = self.tokenizer.backend_tokenizer
        return step_rule(backend.decode, len(self.tokenizer), separator, self._eos)


def eos_ids(tokenizer: Any, model: str, revision: str | None = None) -> frozenset[int]:
    """All ids that end a text: the tokenizer's, and those of generation_config.json (Llama has three)."""
    from transformers.utils import cached_file

    ids = {tokenizer.eos_token_id}
    file = cached_file(
        model, "generation_config.json", revision=revision, _raise_exceptions_for_missing_entries=False
    )
    if file is not None:
        more = json.loads(Path(file).read_text(encoding="utf-8")).get("eos_token_id")
        ids |= set(more) if isinstance(more, list) else {more}
    return frozenset(ids - {None})


def _logprobs(output: RequestOutput) -> list[float]:
    """The sampled tokens' log-probabilities under the model (temperature 1)."""
    completion = output.outputs[0]
    rows: Any = completion.logprobs
    return [row[token].logprob for row, token in zip(rows, completion.token_ids, strict=True)]
