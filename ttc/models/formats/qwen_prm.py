"""Qwen2.5-Math-PRM: a chat whose answer has a tag behind every step (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ttc.models.formats.chat import render_chat, strips, take_apart
from ttc.models.formats.common import (
    PROBE_QUESTION,
    Ids,
    Layout,
    Pieces,
    Reads,
    check_pieces,
    lay_out,
    name_of,
    one_token,
)

SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."
TAG = "<extra_0>"


class QwenPrm:
    """Qwen/Qwen2.5-Math-PRM-7B and -72B (their model cards; Zhang et al. 2501.07301).

    The user asks the question, the assistant answers with the steps, stripped, each followed directly by
    `<extra_0>`: no blank lines. The score of a step is class 1 of a two-way classifier at its tag. What the
    template writes behind the answer is left away: no score sees it.
    """

    reads: ClassVar[Reads] = "classes"
    tags: tuple[int, int] | None = None
    context: int | None = 4096
    sure = False

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.name = name_of(tokenizer)
        self._tag = one_token(tokenizer, TAG)
        self._piece = Pieces(tokenizer)
        chat = self._chat("MARKQ", "MARKA")
        self._head, self._middle, _ = take_apart(tokenizer, chat, ("MARKQ", "MARKA"))
        self._strips = strips(tokenizer, "qwen_prm")
        check_pieces(self, self.name, self._piece, self._whole)

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        """The input for these steps; none of them may be blank."""
        opening = self._head + (question.strip() if self._strips else question) + self._middle
        pieces = [self._piece(opening + step.strip() + TAG) for step in steps[:1]]
        pieces += [self._piece(step.strip() + TAG, after=TAG) for step in steps[1:]]
        return lay_out(self._piece(opening), pieces)

    def _chat(self, question: str, answer: str) -> str:
        turns = [("system", SYSTEM), ("user", question), ("assistant", answer)]
        return render_chat(self.tokenizer, "qwen_prm", turns)

    def _whole(self, steps: Sequence[str]) -> Ids:
        ids = self._piece(self._chat(PROBE_QUESTION, "".join(step + TAG for step in steps)))
        return ids[: len(ids) - ids[::-1].index(self._tag)]
