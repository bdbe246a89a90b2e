"""What all families share: the layout of an input, and the checks of tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

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


@dataclass(frozen=True)
class Layout:
    """The input for some steps of one question.

    Attributes:
        ids: the question and all steps.
        root: how many of them are the question's, before the first step.
        ends: of every step: its input is `upto(step)`, and its score is read at the last id of that.
        tail: ids behind every input, for its score alone: the next step does not keep them.
    """

    ids: tuple[int, ...]
    root: int
    ends: tuple[int, ...]
    tail: tuple[int, ...] = ()

    def upto(self, step: int) -> tuple[int, ...]:
        return (*self.ids[: self.ends[step]], *self.tail)


class Format(Protocol):
    """A family of verifiers, for one tokenizer.

    Raises:
        UserError: made with a tokenizer that does not fit; names tokenizer, tag and what was found.
    """

    @property
    def reads(self) -> Reads: ...

    @property
    def tags(self) -> tuple[int, int] | None:
        """Ids of the good and of the bad tag, for `reads` = "tags"."""
        ...

    @property
    def context(self) -> int | None:
        """The longest input that the family was trained on, where that is less than the model's own."""
        ...

    @property
    def sure(self) -> bool:
        """The model says nothing but its two tags where scores are read: so a plain language model in its
        place is found out."""
        ...

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        """The input for these steps; none of them may be blank."""
        ...


def name_of(tokenizer: Any) -> str:
    return str(getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__)


def one_token(tokenizer: Any, tag: str) -> int:
    """The id of `tag`.

    Raises:
        UserError: it is unknown, or more than one token.
    """
    ids = tokenizer.encode(tag, add_special_tokens=False)
    if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
        found = "unknown" if tokenizer.unk_token_id in ids else f"{len(ids)} tokens {ids}"
        raise UserError(
            f"{name_of(tokenizer)}: the tag {tag!r} must be one token of the verifier's tokenizer; "
            f"it is {found}"
        )
    return int(ids[0])


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    return next(
        (index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
