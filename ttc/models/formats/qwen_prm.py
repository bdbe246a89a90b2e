"""Qwen2.5-Math-PRM: a chat whose answer has a tag behind every step (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttc.models.formats.chat import ChatFormat
from ttc.models.formats.common import PROBE_QUESTION, Ids, Layout, lay_out, one_token

SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."
TAG = "<extra_0>"


class QwenPrm(ChatFormat):
    """Qwen/Qwen2.5-Math-PRM-7B and -72B (their model cards; Zhang et al. 2501.07301).

    The user asks the question, the assistant answers with the steps, stripped, each followed directly by
    `<extra_0>`: no blank lines. The score of a step is class 1 of a two-way classifier at its tag. What the
    template writes behind the answer is left away: no score sees it.
    """

    reads = "classes"
    family = "qwen_prm"
    context = 4096

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._tag = one_token(tokenizer, TAG)
        chat = self._chat("MARKQ", "MARKA")
        self._head, self._middle, _ = self.take_apart(chat, "MARKQ", "MARKA")
        self.check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        opening = self._head + self.content(question) + self._middle
        pieces = [self.piece(opening + step.strip() + TAG) for step in steps[:1]]
        pieces += [self.piece(step.strip() + TAG, after=TAG) for step in steps[1:]]
        return lay_out(self.piece(opening), pieces)

    def _chat(self, question: str, answer: str) -> str:
        return self.render([("system", SYSTEM), ("user", question), ("assistant", answer)])

    def whole(self, steps: Sequence[str]) -> Ids:
        ids = self.piece(self._chat(PROBE_QUESTION, "".join(step + TAG for step in steps)))
        return ids[: len(ids) - ids[::-1].index(self._tag)]
