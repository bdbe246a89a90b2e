"""What all verifiers that write share: a text is put to a language model, and what it writes about it is had
once, by seeds of its own, and counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import ClassVar, Protocol

from ttc.models.formats.common import PROBE_QUESTION, common
from ttc.models.shared import Shared
from ttc.models.together import together
from ttc.settings.schema import PrmConfig
from ttc.types import Draw, EngineStats, Judgement, PolicyModel, Prompt, Query, Sampling, context_sum, total

TEXTS_KEPT = 20_000
"""Of 4 kB each, 80 MB."""


class WritingModel(PolicyModel, Protocol):
    """A policy engine as a writer needs it."""

    def prompt_ids(self, prompt: Prompt, question: str) -> Sequence[int]:
        """What `question` becomes: the input that the engine computes."""
        ...

    def shutdown(self) -> object: ...


@dataclass(frozen=True)
class Vote:
    """One text that was written. cached: input tokens that the prefix cache held; None: not told."""

    text: str
    tokens: int
    cached: int | None


@dataclass(frozen=True)
class Written:
    """The votes on one text, and what they cost.

    Attributes:
        texts: what was written, a vote each.
        start: input tokens that were there before, by perfect re-use.
        tokens, context_sum: what came to those: the rest of the input once, and every vote behind it.
        computed, cached: what the engine really did.
        shared: votes that another call had asked for.
    """

    texts: tuple[str, ...]
    start: int
    tokens: int
    context_sum: int
    computed: int
    cached: int | None
    shared: int


class Writer(ABC):
    """A verifier that is a language model's own words, for one configuration, on an engine that writes.

    A vote's seed is a hash of the text and of the vote's number: so it depends on no batch, no search and no
    order, and a text that two searches ask for is had once.

    Attributes:
        prompt: how a text is put to the model.
        compares: it is a `ComparingModel`.
    """

    prompt: ClassVar[Prompt]
    compares: ClassVar[bool] = False

    def __init__(self, config: PrmConfig, model: WritingModel) -> None:
        self.model, self.votes = model, config.votes
        self.sampling = Sampling(self.prompt, config.temperature, max_tokens=config.max_tokens)
        self._votes: Shared[Vote] = Shared(TEXTS_KEPT)

    @abstractmethod
    async def judge(self, queries: Sequence[Query]) -> list[Judgement]: ...

    async def check(self) -> None:
        """Puts the prompt to the tokenizer, which may not have been here before the start."""
        self.model.prompt_ids(self.prompt, PROBE_QUESTION)

    async def stats(self) -> EngineStats:
        return await self.model.stats()

    def shutdown(self) -> object:
        return self.model.shutdown()

    def shared_with(self, text: str, other: str) -> int:
        """Input tokens that two texts begin with, both in their prompt."""
        one, two = (tuple(self.model.prompt_ids(self.prompt, each)) for each in (text, other))
        return common(one, two)

    async def write(self, text: str, known: str) -> Written:
        """All votes on `text`. known: the beginning of it whose tokens are paid already.

        Raises:
            TooLong: it leaves the model no room.
        """
        keys = [blake2b(f"{vote}/{text}".encode(), digest_size=16).digest() for vote in range(self.votes)]
        got = await together(self._votes.get(key, partial(self._draw, text, key)) for key in keys)
        mine = [vote for vote, own in got if own]
        length = len(self.model.prompt_ids(self.prompt, text))
        start = self.shared_with(known, text)
        behind = sum(context_sum(length, vote.tokens) for vote, _ in got)
        cached = [vote.cached for vote in mine if vote.cached is not None]
        return Written(
            texts=tuple(vote.text for vote, _ in got),
            start=start,
            tokens=length - start + sum(vote.tokens for vote, _ in got),
            context_sum=context_sum(start, length - start) + behind,
            computed=sum(length + vote.tokens for vote in mine) - sum(cached),
            cached=sum(cached) if cached else None,
            shared=len(got) - len(mine),
        )

    async def _draw(self, text: str, key: bytes) -> Vote:
        draw = Draw(text, (), int.from_bytes(key[:8], "big") >> 1, whole=True)
        [sample] = await self.model.generate(self.sampling, [draw])
        tokens = total([sample.dropped, *(step.count for step in sample.steps)])
        return Vote("".join(step.text for step in sample.steps), tokens or 0, sample.cached_tokens)


def opening(question: str) -> str:
    return f"Problem:\n{question}\n\n"


def solution(query: Query) -> str:
    return "\n\n".join(step.strip() for step in query.steps)
