"""Where a step ends, on token ids: one rule for steps drawn one by one and for whole samples split later.

A step ends at the first token after which the decoded text of that step contains the separator. Token ids are
the state and text = decode(ids): a token that reaches past the separator belongs to the step that it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ttc.types import Step, StepEnd

Decode = Callable[[Sequence[int]], str]
"""Token ids -> text, special tokens left out."""

BROKEN = "\ufffd"
"""What a piece of a character decodes to."""


@dataclass(frozen=True)
class StepRule:
    """The rule for one tokenizer and one separator. Make it with `step_rule`.

    Attributes:
        eos: ids that end a text. They are sampled, so they count as tokens; their text is nothing.
        stops: ids whose own text contains the separator.
        exact: no other tokens can make the separator together, so a step ends at `stops` and nowhere else.
        touching: ids that may take part in a separator; the text is decoded after these only.
    """

    decode: Decode
    separator: str
    eos: frozenset[int]
    stops: frozenset[int]
    touching: frozenset[int]

    @property
    def exact(self) -> bool:
        return self.stops == self.touching and bool(self.stops)

    def step(
        self,
        tokens: Sequence[int],
        end: StepEnd,
        logprobs: Sequence[float] | None = None,
        confidences: Sequence[float] | None = None,
    ) -> Step:
        """The step of these tokens, with what was kept of each."""
        worded = tokens[:-1] if end == "eos" and tokens and tokens[-1] in self.eos else tokens
        total = None if logprobs is None else float(sum(logprobs))
        sure = None if confidences is None else tuple(confidences)
        return Step(self.decode(worded), tuple(tokens), end, total, confidences=sure)

    def split(
        self,
        tokens: Sequence[int],
        end: StepEnd,
        logprobs: Sequence[float] | None = None,
        confidences: Sequence[float] | None = None,
        after_blank: bool = False,
    ) -> tuple[Step, ...]:
        """A sample to the end of the text, as steps.

        Args:
            tokens: what was sampled, at least one.
            end: why the sample ended; the last step's end.
            logprobs, confidences: one per token, where they were kept.
            after_blank: the step in front of the sample is blank.

        Returns:
            The steps, up to the second of two blank ones in a row: there the path is over (semantics,
            "Words"), and what was sampled behind it is dropped.
        """
        steps: list[Step] = []
        start = 0
        for stop in range(1, len(tokens) + 1):
            last = stop == len(tokens)
            if not last and not self.ends(tokens, start, stop):
                continue
            own = slice(start, stop)
            kept = (values and values[own] for values in (logprobs, confidences))
            step = self.step(tokens[own], end if last else "step", *kept)
            steps.append(step)
            start = stop
            if step.blank and after_blank:
                break
            after_blank = step.blank
        return tuple(steps)

    def first(self, tokens: Sequence[int]) -> int:
        """How many of these tokens, one at least, are their first step."""
        for stop in range(1, len(tokens)):
            if tokens[stop - 1] in self.touching and self.ends(tokens, 0, stop):
                return stop
        return len(tokens)

    def ends(self, tokens: Sequence[int], start: int, stop: int) -> bool:
        """Does a step that began at `start` end with the token before `stop`?"""
        token = tokens[stop - 1]
        if token in self.stops:
            return True
        return token in self.touching and self.separator in self.decode(tokens[start:stop])


def step_rule(decode: Decode, vocabulary: int, separator: str, eos: frozenset[int]) -> StepRule:
    """The rule for a tokenizer with ids 0 .. vocabulary - 1, each of them decoded once."""
    texts = [decode([token]) for token in range(vocabulary)]
    stops = {token for token, text in enumerate(texts) if separator in text}
    touching = {
        token for token, text in enumerate(texts) if BROKEN in text or not set(separator).isdisjoint(text)
    }
    return StepRule(decode, separator, eos, frozenset(stops), frozenset(touching | stops))
