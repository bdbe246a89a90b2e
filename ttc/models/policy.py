"""What the policies that run here share: prompts, budgets, ends and steps, all on token ids.

An engine's own part is `_continue`: ids in, ids out.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from ttc.models import prompts
from ttc.models.counters import OnEngine
from ttc.models.steps import StepRule, step_rule
from ttc.models.together import together
from ttc.types import Draw, Prompt, Sample, Sampling, StepEnd, TooLong

PROMPTS_KEPT = 4096


@dataclass(frozen=True)
class Continuation:
    """What an engine sampled for one draw.

    Attributes:
        tokens: at least one; an id that ended the text stands last.
        logprobs, confidences: of the tokens under the model (temperature 1); None unless they were asked for.
        cached: input tokens that the prefix cache held; None where there is none.
        end: why it ended, where the engine says so; None: the tokens tell.
        dropped: tokens that were sampled behind the end of the step, or below the floor, and are not here.
    """

    tokens: Sequence[int]
    logprobs: Sequence[float] | None = None
    cached: int | None = None
    end: StepEnd | None = None
    dropped: int = 0
    confidences: Sequence[float] | None = None


class TokenPolicy(OnEngine, ABC):
    """`PolicyModel` but for the engine.

    Args:
        model: a folder or a Hub id, at `revision`.
        context: tokens of prompt and text together.
        trust: run code that comes with the tokenizer.
    """

    def __init__(self, model: str, revision: str | None, context: int, trust: bool = False) -> None:
        from transformers import AutoTokenizer

        self.context = context
        self.tokenizer: Any = AutoTokenizer.from_pretrained(model, revision=revision, trust_remote_code=trust)
        self._eos = eos_ids(self.tokenizer, model, revision)
        self._prompt = lru_cache(PROMPTS_KEPT)(partial(prompts.render, self.tokenizer))
        # the tokenizer underneath: transformers' own decode may "clean up" spaces
        decode = self.tokenizer.backend_tokenizer.decode
        self._rule = cache(lambda separator: step_rule(decode, len(self.tokenizer), separator, self._eos))

    @abstractmethod
    async def _continue(
        self, ids: list[int], sampling: Sampling, draw: Draw, rule: StepRule, left: int
    ) -> Continuation:
        """Goes on from `ids`: to the end of the text or, where the draw is not whole, of a step by `rule`;
        `left` tokens at most."""

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        """Samples in the order of the draws; see `PolicyModel`."""
        budgets = [self._budget(sampling, draw) for draw in draws]
        return await together(map(partial(self._draw, sampling), draws, budgets))

    def prompt_ids(self, prompt: Prompt, question: str) -> Sequence[int]:
        """The input that a draw goes on from."""
        return self._prompt(prompt, question)

    def _budget(self, sampling: Sampling, draw: Draw) -> int:
        """Tokens that this draw's path may have in all: the budget, or what the context leaves."""
        room = self.context - len(self._prompt(sampling.prompt, draw.question, draw.turns))
        if room < 1:
            prompt = self.context - room
            raise TooLong(f"the prompt has {prompt} tokens, the policy's context is {self.context}")
        budget = min(sampling.max_tokens, room)
        # a path that has spent its budget ended with "length" and is over: nobody draws from it
        assert len(draw.tokens) < budget, "drawn from a path that is over"
        return budget

    async def _draw(self, sampling: Sampling, draw: Draw, budget: int) -> Sample:
        ids = [*self._prompt(sampling.prompt, draw.question, draw.turns), *draw.tokens]
        rule = self._rule(sampling.prompt.separator)
        left = budget - len(draw.tokens)
        got = await self._continue(ids, sampling, draw, rule, left)
        end = got.end or self._end(got.tokens, left)
        if not draw.whole:
            step = rule.step(got.tokens, end, got.logprobs, got.confidences)
            return Sample((step,), len(ids), got.cached, got.dropped)
        after_blank = bool(draw.tokens) and rule.split(draw.tokens, "step")[-1].blank
        steps = rule.split(got.tokens, end, got.logprobs, got.confidences, after_blank)
        return Sample(steps, len(ids), got.cached, got.dropped)

    def _end(self, tokens: Sequence[int], left: int) -> StepEnd:
        if tokens[-1] in self._eos:
            return "eos"
        # "length" also where a step ends at the very end of the budget: nothing can follow it
        return "length" if len(tokens) >= left else "step"


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
