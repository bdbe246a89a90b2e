"""A verifier of any family on any engine: every (question, steps) prefix is read once.

A family (ttc/models/formats) says what the input is and where its score stands; a reader, one per engine,
computes what stands there. What lies between is here: scores shared by the searches, texts that are too
long, the check at the start.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from ttc.models.counters import OnEngine
from ttc.models.formats import Format, Layout
from ttc.models.formats.common import HARD_STEPS, PROBE_QUESTION, PROBE_STEPS
from ttc.models.shared import Shared
from ttc.models.together import together
from ttc.types import EngineStats, Judgement, Query, UserError

SCORES_KEPT = 200_000
SURE = 0.5
"""The least that the two tags of a trained verifier weigh together; a language model gives them little."""
AGREE, AGREE_16_BITS = 0.002, 0.1
"""How far a score step by step may be from the same at once, in float32 and in other dtypes: 16 bits round by
0.01 to 0.03 in other batch shapes; a prefix taken for another one gives any number. A GPU's attention in
float32 multiplies in fewer bits, too (TF32)."""


@dataclass(frozen=True)
class Reward:
    """One score, and what the request for it did.

    Attributes:
        score: in [0, 1]; None where the model's numbers are none.
        raw: the unbounded reward that `score` is the sigmoid of; None where there is none.
        mass: the probability of both tags together; None where the family has no tags.
        computed, cached: input tokens; cached is None where the engine does not tell.
    """

    score: float | None
    raw: float | None = None
    mass: float | None = None
    computed: int = 0
    cached: int | None = None


class Reader(OnEngine, ABC):
    """What reads scores on an engine. `rounds`: in fewer bits than its dtype says."""

    rounds = False

    @abstractmethod
    async def read(self, ids: tuple[int, ...]) -> Reward:
        """What stands at the last of these ids."""


class ModelVerifier:
    """`VerifierModel` for `format` on `reader`.

    Args:
        name: what messages call the model.
        context: the longest input, in tokens; the family's own bound counts too.
        check_tags: `check` refuses a model that gives its two tags little weight.
        dtype: what the model computes in: how far `check` lets scores be apart.
    """

    def __init__(
        self,
        name: str,
        format: Format,
        reader: Reader,
        context: int,
        check_tags: bool = True,
        dtype: str = "auto",
    ) -> None:
        self.name, self.format, self.reader = name, format, reader
        self._agree = AGREE if dtype == "float32" and not reader.rounds else AGREE_16_BITS
        self.check_tags = check_tags and format.sure
        self.context = min(context, format.context or context)
        self._rewards: Shared[Reward] = Shared(SCORES_KEPT)

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        """Scores in the order of the queries; see `VerifierModel`."""
        return await together(self._judge(query) for query in queries)

    async def stats(self) -> EngineStats:
        return await self.reader.stats()

    def shutdown(self) -> None:
        self.reader.shutdown()

    async def check(self) -> None:
        """See `VerifierModel`. Asks the reader itself, so that nothing is answered from memory."""
        steps = (*PROBE_STEPS, *HARD_STEPS)
        layout = self.format.layout(PROBE_QUESTION, steps)
        if len(layout.ends) != len(steps):
            raise UserError(f"{self.name}: a probe of {len(steps)} steps got {len(layout.ends)} scores")
        inputs = [ids for step in range(len(steps)) if len(ids := layout.upto(step)) <= self.context]
        if not inputs:
            raise UserError(f"{self.name}: a context of {self.context} holds no text; raise prm.context")
        at_once = await together(self.reader.read(ids) for ids in inputs)
        one_by_one = [await self.reader.read(ids) for ids in inputs]
        for step, (one, other) in enumerate(zip(at_once, one_by_one, strict=True), 1):
            if one.score is None or other.score is None or not 0 <= one.score <= 1:
                raise UserError(f"{self.name}: step {step} of a probe got no score in [0, 1] but {one.score}")
            if abs(one.score - other.score) > self._agree:
                raise UserError(
                    f"{self.name}: step {step} of a probe scores {one.score:.4f} at once and "
                    f"{other.score:.4f} step by step"
                )
            if self.check_tags and one.mass is not None and one.mass < SURE:
                raise UserError(
                    f"{self.name}: where a score is read, its two tags have a probability of {one.mass:.1%} "
                    "together: this is a language model, not a reward model of this family; take another "
                    "prm.model or prm.format (prm=judge asks any language model; prm.check_tags=false "
                    "where it was trained on the softmax of its tags alone)"
                )

    async def _judge(self, query: Query) -> Judgement:
        layout = self.format.layout(query.question, query.steps)
        keys = _keys(query)
        new = range(query.known, len(query.steps))
        fits = [step for step in new if layout.ends[step] + len(layout.tail) <= self.context]
        # all at once: the engine shares what requests that start together have in common, too
        rewards = await together(
            self._rewards.get(keys[step], partial(self._read, layout, step)) for step in fits
        )
        mine = [reward for reward, own in rewards if own]
        edges = (layout.root, *layout.ends)
        unread = [None] * (len(new) - len(fits))
        raw = tuple(reward.raw for reward, _ in rewards)
        return Judgement(
            scores=(*(reward.score for reward, _ in rewards), *unread),
            raw=(*raw, *unread) if any(value is not None for value in raw) else None,
            tokens=tuple(edges[step + 1] - edges[step] + len(layout.tail) for step in new),
            tail=len(layout.tail),
            root=layout.root,
            start=edges[query.known],
            computed=sum(reward.computed for reward in mine),
            cached=_sum([reward.cached for reward in mine]),
            shared=len(fits) - len(mine),
            status="ok" if len(fits) == len(new) else "too_long",
        )

    async def _read(self, layout: Layout, step: int) -> Reward:
        return await self.reader.read(layout.upto(step))


def two_way(good: float, bad: float) -> float | None:
    """The probability of `good` against `bad`, from logits or log-probabilities; None of no numbers."""
    return None if math.isinf(good) and math.isinf(bad) else sigmoid(good - bad)


def classify(logits: Sequence[float], outcome: bool) -> tuple[float | None, float | None]:
    """(score, raw) from a classifier's logits: of two, the second one's probability; one is an outcome
    model's reward. A UserError where this is another kind of classifier."""
    if len(logits) == 2:
        return two_way(logits[1], logits[0]), None
    if len(logits) == 1 and outcome:
        return sigmoid(logits[0]), logits[0]
    kinds = "two (wrong, right), or one reward" if outcome else "two (wrong, right)"
    raise UserError(f"the model classifies into {len(logits)} labels; a verifier of this family has {kinds}")


def sigmoid(value: float) -> float | None:
    if math.isnan(value):
        return None
    return 1.0 / (1.0 + math.exp(-value)) if value > -700 else 0.0


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known or not values else None


def _keys(query: Query) -> list[bytes]:
    """A name for (question, steps up to here), for every step. Hashes, as texts would fill the memory."""
    keys = [blake2b(query.question.encode(), digest_size=16).digest()]
    for step in query.steps:
        keys.append(blake2b(keys[-1] + step.strip().encode(), digest_size=16).digest())
    return keys[1:]
