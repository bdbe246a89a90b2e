"""What all families share: the layout of an input, made of encoded pieces, and the check of both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from os.path import commonprefix
from typing import Any, ClassVar, Literal

from ttc.types import UserError

Reads = Literal["tags", "classes", "value", "reward"]
"""What stands at the position of a score:
tags: the next token's logits; the score is the softmax over two of them, `tags` = (good, bad).
classes: a token classifier's two logits; the score is the softmax's class 1 (Qwen2.5-Math-PRM).
value: a value head's one number; the score is its sigmoid (Skywork).
reward: a sequence classifier's logits; one: the score is its sigmoid; two: the softmax's class 1 (ORMs)."""

PROBE_QUESTION = "Start with 12. Day 1: gets 7. How many are there?"
PROBE_STEPS = ("Day 1: now 12 + 7 = 19", r"\boxed{19}")
HARD_STEPS = ("## Step 2: $\\frac{1}{2}$", "(a) -3 < x", '"So" 1,000 + 24 = 1024.\nThen 5.', "+ 1")
"""Steps that begin with what tokenizers like to join to the text before."""

PIECES_KEPT = 65_536
"""Encodings that a format remembers."""

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The input for some steps of one question.

    Attributes:
        ids: the question and all steps.
        root: how many of them are the question's, before the first step.
        ends: of every step: its input is `upto(step)`, and its score is read at the last id of that.
        tail: ids behind every input, for its score alone: the next step does not keep them.
        lasts: of every step: its own ids where the text ends with it, for a family where a step that follows
            changes them (a full stop and the blank line behind it may be one token). (): they never change.
    """

    ids: Ids
    root: int
    ends: tuple[int, ...]
    tail: Ids = ()
    lasts: tuple[Ids, ...] = ()

    def upto(self, step: int) -> Ids:
        last = self.lasts[step] if self.lasts else ()
        return (*self.ids[: self.ends[step] - len(last)], *last, *self.tail)


def name_of(tokenizer: Any) -> str:
    return str(getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__)


def bos_of(tokenizer: Any, family: str) -> str:
    """The token that begins a text; a UserError where there is none."""
    if not tokenizer.bos_token:
        raise UserError(
            f"{name_of(tokenizer)}: the format {family} begins with the tokenizer's bos token, and its "
            "bos_token is None"
        )
    return str(tokenizer.bos_token)


def one_token(tokenizer: Any, tag: str) -> int:
    """The id of `tag`; a UserError where it is unknown, or more than one token."""
    ids = tokenizer.encode(tag, add_special_tokens=False)
    if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
        found = "unknown" if tokenizer.unk_token_id in ids else f"{len(ids)} tokens {ids}"
        raise UserError(
            f"{name_of(tokenizer)}: the tag {tag!r} must be one token of the verifier's tokenizer; "
            f"it is {found}"
        )
    return int(ids[0])


def common(a: Ids, b: Ids) -> int:
    """Length of the longest common prefix."""
    return len(commonprefix([a, b]))


def lay_out(question: Ids, pieces: Sequence[Ids], tail: Ids = ()) -> Layout:
    """The layout of pieces, one a step.

    Args:
        question: the question's ids when nothing follows. The first piece has them, too; where a step
            follows, the last of them may change.
    """
    ids = tuple(chain(*pieces)) or question
    return Layout(ids, common(question, ids), tuple(accumulate(map(len, pieces))), tail)


class Format(ABC):
    """A family of verifiers, for one tokenizer: a subclass says what its input is and where its score stands.

    Its `__init__` finds the tags, takes the template apart, and ends with `check()`.

    Attributes:
        reads: what its model's scores are read from.
        tags: ids of the good and of the bad tag, for `reads` = "tags".
        context: the longest input that it was trained on, where that is less than the model's own.
        sure: its model says nothing but its two tags where scores are read: so a plain language model in its
            place is found out.

    Raises:
        UserError: made with a tokenizer that does not fit; names tokenizer, tag and what was found.
    """

    reads: ClassVar[Reads]
    tags: tuple[int, int] | None = None
    context: ClassVar[int | None] = None
    sure: ClassVar[bool] = False

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.name = tokenizer, name_of(tokenizer)
        self.piece = lru_cache(PIECES_KEPT)(self._piece)

    @abstractmethod
    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        """The input for these steps; none of them may be blank."""

    @abstractmethod
    def whole(self, steps: Sequence[str]) -> Ids:
        """The input for these steps of PROBE_QUESTION, encoded at once, by the family's definition."""

    def check(self) -> None:
        """Holds the inputs for a probe against `whole`, id for id; a UserError names the first difference."""
        steps = (*PROBE_STEPS, *HARD_STEPS)
        layout = self.layout(PROBE_QUESTION, steps)
        if len(layout.ends) != len(steps):
            raise UserError(f"{self.name}: {len(steps)} steps have {len(layout.ends)} places for a score")
        for count in range(1, len(steps) + 1):
            expected, here = self.whole(steps[:count]), layout.upto(count - 1)
            if expected != here:
                at = common(expected, here)
                raise UserError(
                    f"{self.name}: not append-only: in the whole text, step {count} is encoded differently "
                    f"from token {at} on: {self.show(expected, at)} against {self.show(here, at)}"
                )

    def show(self, ids: Ids, start: int) -> str:
        """A few of the ids, as text, for a message."""
        return repr(self.tokenizer.decode(list(ids[start : start + 3])))

    def _piece(self, text: str, after: str = "", followed: bool = False) -> Ids:
        """The ids of a piece of the input, as it stands in the whole.

        Args:
            after: what stands in front. Many tokenizers put a blank in front of what they encode; so this is
                encoded with the text, and its ids are taken away.
            followed: a word comes behind it.
        """
        start = len(self._encode(after))
        if not followed:
            return self._encode(after + text)[start:]
        one, other = (self._encode(after + text + word) for word in "AB")
        # the word itself is at least one id, and the same one for both where the tokenizer knows neither
        return one[start : min(common(one, other), len(one) - 1)]

    def _encode(self, text: str) -> Ids:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))
