"""The nouns of ttc: problems, steps, paths. Immutable and plain: a path branches by sharing its steps, not by
copying them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

StepEnd = Literal["step", "eos", "length", "unsure"]
"""Why a step ended: a blank line, the end of the text, the token budget (or the context), or a policy that
became less sure than its draw's floor."""

Finish = Literal["eos", "length", "blank", "unsure"]
"""Why a path is over: end of text, budget spent, two blank steps in a row, an unsure policy (semantics,
"Words")."""


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
    for it. `size` counts tokens whose ids are not known: of a stored path, from a server that only chats;
    null where nobody counted. `confidences` has a value per sampled token (models/confidence.py), and is null
    like `logprob`.
    """

    text: str
    tokens: tuple[int, ...]
    end: StepEnd
    logprob: float | None = None
    size: int | None = None
    confidences: tuple[float, ...] | None = None

    @property
    def count(self) -> int | None:
        """Its tokens; None: not known. What has ids has one at least: the end of a text is a token."""
        return len(self.tokens) or self.size

    @property
    def blank(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True)
class Path:
    """One partial or finished solution of one problem, with its address in the tree of draws.

    Attributes:
        scores: one per step that is not blank, in [0, 1], or None where there is none (too long, NaN).
        address: the child index taken at every node from the root; names the draw (semantics, "Sampling").
            -1, -2, ... are roll-outs, which are no children.
        value: what a search thinks of the path beside its step scores (a weight, a node's value); stored as
            it is.
        copy: 0, or which copy of the path this is: a search that duplicates paths may return one several
            times. A copy is no new node: its children are the node's next ones.
        turns: what was said between the question and this path, where it answers in a conversation: the
            policy's text, the user's words, in turn.
    """

    problem: Problem
    steps: tuple[Step, ...] = ()
    scores: tuple[float | None, ...] = ()
    address: tuple[int, ...] = ()
    value: float | None = None
    copy: int = 0
    turns: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        return "".join(step.text for step in self.steps)

    @cached_property
    def worded(self) -> tuple[Step, ...]:
        """The steps that are not blank: a verifier scores these."""
        return tuple(step for step in self.steps if not step.blank)

    @property
    def tokens(self) -> int | None:
        """Tokens sampled for this path, inherited ones included; None: not known."""
        return total(step.count for step in self.steps)

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
        address = (*self.address, index)
        return Path(self.problem, (*self.steps, *steps), self.scores, address, turns=self.turns)

    def told(self, words: str) -> Path:
        """The conversation once the user has said `words` to this text: the same node, and no answer yet."""
        return Path(self.problem, address=self.address, turns=(*self.turns, self.text, words))

    def judged(self, scores: Iterable[float | None]) -> Path:
        """The same path, with scores of its next steps."""
        all_ = (*self.scores, *scores)
        return Path(self.problem, self.steps, all_, self.address, self.value, self.copy, self.turns)


def total(counts: Iterable[int | None]) -> int | None:
    """The sum of counts; None where one of them is not known."""
    listed = [*counts]
    known = [count for count in listed if count is not None]
    return sum(known) if len(known) == len(listed) else None
