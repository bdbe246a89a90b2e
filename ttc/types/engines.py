"""The engines: what a model adapter implements. `run/session.py` turns the verbs into these calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from ttc.types.floor import Floor
from ttc.types.paths import Step


@dataclass(frozen=True)
class Prompt:
    """How a question is put to a policy: data from conf/prompt/. `prompts.py` makes the text."""

    name: str
    system: str | None = None
    """null: no system turn."""
    user: str = "{question}"
    separator: str = "\n\n"
    """Where a step ends."""
    date: str = "26 Jul 2024"
    """What a chat template writes for today."""
    fold_system: bool = False
    """The system text opens the user's turn, a blank line behind it: for templates without a system turn."""
    template_arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the chat template is told besides, by its own names, such as enable_thinking: false;
    chat_template: a template instead of the tokenizer's, or the name of one of several."""

    def identity(self) -> dict[str, Any]:
        """What a text depends on, for ids. A setting that is younger than stored results counts only where it
        is said, so that theirs stay."""
        said = asdict(self) | {"name": None}
        return {key: value for key, value in said.items() if value or key not in YOUNGER}


YOUNGER = {"fold_system": False, "template_arguments": {}}
"""Settings that files of conf/prompt/ may not know, with their defaults."""


@dataclass(frozen=True)
class Sampling:
    """How to sample. `max_tokens` is a path's budget in new tokens, not a step's."""

    prompt: Prompt
    temperature: float = 0.8
    top_p: float = 1.0
    max_tokens: int = 2048
    logprobs: bool = False
    confidence: bool = False
    """Keep how sure the model was of every token."""


@dataclass(frozen=True)
class Draw:
    """One request to a policy: go on from `tokens`, the ids sampled so far on this path."""

    question: str
    tokens: tuple[int, ...]
    seed: int
    whole: bool
    """True: to the end of the text, split into steps afterwards. False: one step."""
    turns: tuple[str, ...] = ()
    """What was said behind the question: the policy's text, the user's words, in turn."""
    floor: Floor | None = None
    """It ends with "unsure" where the policy is less sure."""


@dataclass(frozen=True)
class Sample:
    """What a draw gave. Token counts are of the engine: null where it does not tell."""

    steps: tuple[Step, ...]
    prompt_tokens: int | None
    """Input length: rendered prompt and the draw's own tokens."""
    cached_tokens: int | None = None
    """How many of those the prefix cache held."""
    dropped: int = 0
    """Tokens that were sampled and are in no step."""


@dataclass(frozen=True)
class Query:
    """Steps to score. The first `known` have scores already; `steps` holds no blank step.

    Attributes:
        lengths: the policy's tokens in every step; () where they are not known.
        logprobs: sums over the sampled tokens of every step; None unless the policy was asked for them.
        answer: the gold answer. Only the oracle may look at it.
    """

    question: str
    steps: tuple[str, ...]
    known: int = 0
    lengths: tuple[int, ...] = ()
    logprobs: tuple[float, ...] | None = None
    answer: str = ""


@dataclass(frozen=True)
class Judgement:
    """Scores of steps[known:], in order, with what they cost.

    Attributes:
        scores: in [0, 1]; None = not scored (the input is longer than the verifier's context, or NaN).
        raw: the unbounded reward where there is one (its sigmoid stands in `scores`), else None.
        tokens: input tokens that each of these steps adds, the verifier's template included.
        tail: how many of them stand behind the step for its score alone: the next step does not keep them.
        root: input tokens of the question's part, before the first step.
        start: input length in front of the first of these steps.
        contexts: of each of these steps the sum of the positions of its tokens (`context_sum`), where they
            are not one text behind `start`: votes written side by side, several models. (): they are.
        computed, cached: what the engine really did for this query; 0 computed where all was shared.
        shared: steps answered from an earlier or running call for the same (question, steps).
        status: "ok", or "too_long" where a score is missing for that reason.
    """

    scores: tuple[float | None, ...]
    tokens: tuple[int, ...]
    root: int
    start: int
    tail: int = 0
    raw: tuple[float | None, ...] | None = None
    contexts: tuple[int, ...] = ()
    computed: int = 0
    cached: int | None = None
    shared: int = 0
    status: str = "ok"


def context_sum(start: int, tokens: int) -> int:
    """Sum of the positions of `tokens` tokens that begin at `start`: attention's share of the FLOPs."""
    return tokens * start + tokens * (tokens - 1) // 2


@dataclass(frozen=True)
class ModelFacts:
    """What costs are computed from (semantics, "Axes and FLOPs"). None where it is not known (fakes)."""

    params: int | None = None
    """Active parameters without the input embedding, with the output head."""
    attention: int | None = None
    """layers x d: a computed token costs 2 params + 4 attention x context FLOPs."""
    context: int | None = None


@dataclass(frozen=True)
class EngineStats:
    """An engine's counters since it started."""

    computed_tokens: int | None
    """None: it did not count those of every request."""
    cached_tokens: int
    requests: int
    busy_seconds: float
    """Seconds in which the engine had at least one request."""

    @property
    def rate(self) -> float | None:
        """Computed tokens per busy second; None for fakes, and where nobody counts."""
        if self.computed_tokens is None or not self.busy_seconds:
            return None
        return self.computed_tokens / self.busy_seconds


class PolicyModel(Protocol):
    """A policy engine. One call per round of a search; each draw is its own request."""

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        """Samples in the order of the draws.

        Raises:
            TooLong: the rendered prompt, or conversation, leaves no room in the context.
            TransientError: worth trying again.
        """
        ...

    async def stats(self) -> EngineStats: ...


class VerifierModel(Protocol):
    """A verifier engine. A (question, steps) prefix is scored once while the engine lives."""

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]: ...

    async def check(self) -> None:
        """Scores a probe, at the start: one score per step, in [0, 1], the same step by step as at once.
        Raises a UserError that names the model and what was found."""
        ...

    async def stats(self) -> EngineStats: ...


class ComparingModel(VerifierModel, Protocol):
    """A verifier that holds solutions against each other: a score is true among these paths only."""

    async def compare(self, queries: Sequence[Query]) -> list[Judgement]:
        """The paths of ONE pool, none of whose steps has a score, together; what it cost is shared out over
        them. The order in which they come decides nothing."""
        ...
