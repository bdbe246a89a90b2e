"""The nouns and the three verbs of ttc. Read this first. Immutable and plain: a path branches by sharing its
steps, never by copying them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

StepEnd = Literal["step", "eos", "length"]
"""Why a step ended: a blank line, the end of the text, or the token budget (or the context)."""

Finish = Literal["eos", "length", "blank"]
"""Why a path is over: end of text, budget spent, or two blank steps in a row (spec 1)."""


@dataclass(frozen=True)
class Problem:
    """One question with its gold answer. `level` runs from 1 (easy) to 5 (hard) where the dataset has it."""

    id: str
    question: str
    answer: str
    level: int | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Step:
    """A piece of a solution that ends in a blank line, or at the end of the text.

    `text` = decode(`tokens`). `logprob` is the sum over the sampled tokens, null unless the policy was asked
    for it. `size` counts tokens whose ids are not known: of a stored path, from a server that only chats.
    """

    text: str
    tokens: tuple[int, ...]
    end: StepEnd
    logprob: float | None = None
    size: int | None = None

    @property
    def count(self) -> int:
        return len(self.tokens) if self.size is None else self.size

    @property
    def blank(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True)
class Path:
    """One partial or finished solution of one problem, with its address in the tree of draws.

    Attributes:
        scores: one per step that is not blank, in [0, 1], or None where there is none (too long, NaN).
        address: the child index taken at every node from the root; names the draw (spec 2).
    """

    problem: Problem
    steps: tuple[Step, ...] = ()
    scores: tuple[float | None, ...] = ()
    address: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps)

    @property
    def tokens(self) -> int:
        """Tokens sampled for this path, inherited ones included."""
        return sum(step.count for step in self.steps)

    @property
    def finish(self) -> Finish | None:
        """Why the path is over, or None while it is live."""
        if not self.steps:
            return None
        if self.steps[-1].end != "step":
            return self.steps[-1].end
        return "blank" if len(self.steps) > 1 and self.steps[-1].blank and self.steps[-2].blank else None

    @property
    def over(self) -> bool:
        return self.finish is not None

    def child(self, index: int, steps: Sequence[Step]) -> Path:
        """The path one draw further: child number `index` of this node."""
        return replace(self, steps=(*self.steps, *steps), address=(*self.address, index))


# --- The three verbs: what a strategy sees ---------------------------------------------------------------


class Policy(Protocol):
    """Writes steps. Children come back in the order of the draws; a parent's children are new each call."""

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        """n children of every path (n: one int, or one per path), each one step longer."""
        ...

    async def finish(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        """n samples from every path to the end of the text; an over path comes back as it is."""
        ...


class Verifier(Protocol):
    """Scores steps. Incremental: steps that already have a score are not scored again."""

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        """The same paths, in the same order, every step scored."""
        ...


class Strategy(Protocol):
    """A search over ONE problem. Knows the three verbs and nothing of Ray, vLLM, prompts, seeds or files."""

    @property
    def n(self) -> int: ...

    @property
    def prefix_unit(self) -> int | None:
        """The first k*unit paths of a big run ARE the run at k*unit (None: they are not)."""
        ...

    @property
    def guided(self) -> bool:
        """False: never calls the verifier, so any verifier can score its paths afterwards."""
        ...

    async def search(self, root: Path, policy: Policy, verifier: Verifier) -> list[Path]: ...

    @property
    def temperature(self) -> float | None:
        """The sampling temperature the strategy insists on (greedy: 0); None: the policy's own."""
        ...


# --- The engines: what a model adapter implements. The meter turns the verbs into these calls ---------------


@dataclass(frozen=True)
class Prompt:
    """How a question is put to a policy: data from conf/prompt/. `prompts.py` makes the text."""

    name: str
    system: str | None = None
    user: str = "{question}"
    separator: str = "\n\n"
    date: str = "26 Jul 2024"


@dataclass(frozen=True)
class Sampling:
    """How to sample. `max_tokens` is a path's budget in new tokens, not a step's."""

    prompt: Prompt
    temperature: float = 0.8
    top_p: float = 1.0
    max_tokens: int = 2048
    logprobs: bool = False


@dataclass(frozen=True)
class Draw:
    """One request to a policy: go on from `tokens`, the ids sampled so far on this path."""

    question: str
    tokens: tuple[int, ...]
    seed: int
    whole: bool
    """True: to the end of the text, split into steps afterwards. False: one step."""


@dataclass(frozen=True)
class Sample:
    """What a draw gave. Token counts are of the engine: null where it does not tell."""

    steps: tuple[Step, ...]
    prompt_tokens: int
    """Input length: rendered prompt and the draw's own tokens."""
    cached_tokens: int | None = None
    """How many of those the prefix cache held."""


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
    computed: int = 0
    cached: int | None = None
    shared: int = 0
    status: str = "ok"


@dataclass(frozen=True)
class ModelFacts:
    """What costs are computed from (spec 6, FLOPs). None where it is not known (fakes)."""

    params: int | None = None
    """Active parameters without the input embedding, with the output head."""
    attention: int | None = None
    """layers x d: a computed token costs 2 params + 4 attention x context FLOPs."""
    context: int | None = None


@dataclass(frozen=True)
class EngineStats:
    """An engine's counters since it started."""

    computed_tokens: int
    cached_tokens: int
    requests: int
    busy_seconds: float
    """Seconds in which the engine had at least one request."""


class PolicyModel(Protocol):
    """A policy engine. One call per round of a search; each draw is its own request."""

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        """Samples in the order of the draws.

        Raises:
            TooLong: the rendered prompt leaves no room in the context.
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


class TransientError(Exception):
    """A call failed in a way that another try may mend."""


class TooLong(Exception):
    """A problem does not fit the policy's context."""


class Interrupted(Exception):
    """The run is being stopped: hand over what is finished."""


class UserError(Exception):
    """The user's mistake: printed as it is, without a traceback; exit code 2."""


class EngineDied(Exception):
    """A model's engine is gone; nothing it was asked can be answered."""
