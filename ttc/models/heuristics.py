"""Verifiers that are a rule on the text so far: no model, no cost. What a trained verifier has to beat.

A heuristic is one small class here and one line of HEURISTICS, and conf/prm/<name>.yaml if it is to have a
name on the command line (else `prm=length prm.name=mine prm.format=mine`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Protocol

from ttc.grading import extract
from ttc.models.formats.common import PROBE_QUESTION, PROBE_STEPS
from ttc.models.provider import Identity, Model, Provider
from ttc.settings.schema import EngineConfig
from ttc.types import EngineStats, Judgement, ModelFacts, Problem, Query, UserError

HALF = 512.0
"""Tokens at which `length` gives 1/2: about a solution of a MATH problem."""

CHARACTERS = 4
"""Characters taken for a token where the policy's tokens are not known."""


class Heuristic(Protocol):
    """A score for the text up to a step."""

    @property
    def needs_logprobs(self) -> bool:
        """It reads the policy's log-probabilities, which are there with policy.logprobs=true."""
        ...

    def score(self, query: Query, step: int) -> float | None:
        """In [0, 1], for query.steps[: step + 1]; None where it cannot tell."""
        ...


class Length:
    """Shorter is better: HALF / (HALF + tokens so far). Between 0 and 1, and never 0 or 1."""

    needs_logprobs = False

    def score(self, query: Query, step: int) -> float:
        characters = sum(map(len, query.steps[: step + 1]))
        tokens = sum(query.lengths[: step + 1]) if query.lengths else characters / CHARACTERS
        return HALF / (HALF + max(tokens, 1.0))


class WellFormed:
    r"""The share of five signs of sound text that hold for the text so far.

    Braces balance; dollars pair; \( \), \[ \], \left \right and \begin \end balance; no step repeats an
    earlier one; an answer is stated. So a text without a fault has 0.8 until it states its answer, then 1.
    """

    needs_logprobs = False

    def score(self, query: Query, step: int) -> float:
        steps = [text.strip() for text in query.steps[: step + 1]]
        text = "\n\n".join(steps).replace("\\\\", " ")  # LaTeX's line break escapes nothing
        signs = (
            _balances(text, r"(?<!\\)\{", r"(?<!\\)\}"),
            len(re.findall(r"(?<!\\)\$", text)) % 2 == 0,
            all(_balances(text, *pair) for pair in PAIRS),
            len(set(steps)) == len(steps),
            extract(text) is not None,
        )
        return sum(signs) / len(signs)


class Logprob:
    """The policy's own sureness: exp of its mean log-probability per token so far."""

    needs_logprobs = True

    def score(self, query: Query, step: int) -> float | None:
        if query.logprobs is None:
            return None
        tokens = sum(query.lengths[: step + 1])
        # rounding may leave a sum a little above 0
        return min(1.0, math.exp(sum(query.logprobs[: step + 1]) / tokens)) if tokens else None


PAIRS = ((r"\\\(", r"\\\)"), (r"\\\[", r"\\\]"), (r"\\left\b", r"\\right\b"), (r"\\begin\b", r"\\end\b"))

HEURISTICS: dict[str, Callable[[], Heuristic]] = {"length": Length, "format": WellFormed, "logprob": Logprob}
"""By the name that conf/prm/ gives as `format`."""


class HeuristicVerifier:
    """`VerifierModel` for a heuristic. Every figure of its cost is 0."""

    def __init__(self, heuristic: Heuristic) -> None:
        self.heuristic = heuristic
        self.name = type(heuristic).__name__

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        """See `VerifierModel`.

        Raises:
            UserError: the heuristic gives a number outside of [0, 1], or needs log-probabilities that nobody
                kept: paths are scored by what was asked for when they were sampled.
        """
        if self.heuristic.needs_logprobs and any(query.logprobs is None for query in queries):
            raise UserError(
                "these paths were sampled without log-probabilities: sample anew, with policy.logprobs=true "
                "and a name= of its own"
            )
        return [self._judge(query) for query in queries]

    async def check(self) -> None:
        """See `VerifierModel`."""
        lengths = tuple(map(len, PROBE_STEPS))
        probe = Query(PROBE_QUESTION, PROBE_STEPS, lengths=lengths, logprobs=(-1.0,) * len(lengths))
        for step, score in enumerate(self._judge(probe).scores, 1):
            if score is None:
                raise UserError(f"heuristic {self.name}: step {step} of a probe got no score")

    async def stats(self) -> EngineStats:
        return EngineStats(0, 0, 0, 0.0)

    def _judge(self, query: Query) -> Judgement:
        scores = tuple(self._score(query, step) for step in range(query.known, len(query.steps)))
        return Judgement(scores, tokens=(0,) * len(scores), root=0, start=0)

    def _score(self, query: Query, step: int) -> float | None:
        score = self.heuristic.score(query, step)
        if score is None or math.isnan(score):
            return None
        if not 0 <= score <= 1:
            raise UserError(f"heuristic {self.name}: a score must be in [0, 1]; it gave {score}")
        return float(score)


def _balances(text: str, opening: str, closing: str) -> bool:
    """Every opening mark is closed, and none is closed before it is opened."""
    depth = 0
    for mark in re.finditer(f"(?P<open>{opening})|(?:{closing})", text):
        depth += 1 if mark["open"] else -1
        if depth < 0:
            return False
    return depth == 0


def _look(config: EngineConfig, problems: Sequence[Problem]) -> Model:
    name = getattr(config, "format", None)
    if name not in HEURISTICS:
        raise UserError(f"prm.format={name!r}: take one of the heuristics {', '.join(HEURISTICS)}")
    return Model(Identity(f"heuristic:{name}", None), ModelFacts(params=0, attention=0), "heuristic")


HEURISTIC = Provider(
    _look,
    verifier=lambda config: HeuristicVerifier(HEURISTICS[config.format or ""]()),
    needs_logprobs=lambda one: one.format in HEURISTICS and HEURISTICS[one.format]().needs_logprobs,
)
