"""Outcome reward models: a chat of question and answer, and one number for it (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ttc.models.formats.chat import ChatFormat
from ttc.models.formats.common import PROBE_QUESTION, Ids, Layout, lay_out

BETWEEN = "\n\n"


class Orm(ChatFormat):
    r"""A sequence classifier on the model's own chat template, such as Skywork-Reward's: the user asks the
    question, the assistant's turn is the text so far, closed as the template closes it.

    It judges a whole answer, so of a path's scores only the last one means what the model was trained for:
    of the aggregations only `last` makes sense.

    A text that goes on is not always encoded as one that ends: ".\n\n" may be one token. Every input is as
    it would be encoded at once; so a step has ids for both cases.
    """

    reads = "reward"
    family = "orm"

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        chat = self._chat("MARKQ", "MARKA")
        self._head, self._middle, closing = self.take_apart(chat, "MARKQ", "MARKA")
        self._tail = self.piece(closing, after="A")
        self.check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        opening = self._head + self.content(question) + self._middle
        # a step's text, and what stands in front of it: nothing, or the end of the blank line
        texts = [(opening + step.strip(), "") for step in steps[:1]]
        texts += [(step.strip(), BETWEEN[-1]) for step in steps[1:]]
        lasts = [self.piece(text, after) for text, after in texts]
        inner = [self.piece(text + BETWEEN, after, followed=True) for text, after in texts[:-1]]
        layout = lay_out(self.piece(opening), [*inner, *lasts[-1:]], self._tail)
        starts = (0, *layout.ends)
        ends = tuple(start + len(last) for start, last in zip(starts, lasts, strict=False))
        return replace(layout, ends=ends, lasts=tuple(lasts))

    def _chat(self, question: str, answer: str) -> str:
        return self.render([("user", question), ("assistant", answer)])

    def whole(self, steps: Sequence[str]) -> Ids:
        return self.piece(self._chat(PROBE_QUESTION, BETWEEN.join(steps)))
