"""RLHFlow's process reward models, and ttc's own: a chat about the steps (spec 7)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ttc.models.formats.common import (
    HARD_STEPS,
    PIECES_KEPT,
    PROBE_QUESTION,
    PROBE_STEPS,
    Layout,
    Reads,
    common,
    name_of,
    one_token,
)
from ttc.types import UserError

DATE = "26 Jul 2024"
"""Chat templates that write a date get this one, or scores would change with the day."""


class RLHFlow:
    """RLHFlow's PRMs (RLHFlow/RLHF-Reward-Modeling on GitHub, math-rm) and ttc's own: a chat about the steps.

    The user says a step, stripped (the first one behind the question and a space), the assistant "+". The
    score of a step is the probability of "+" against "-" where its answer begins. Earlier answers read "+".

    The text is cut into turns that are encoded one by one; the check at construction holds this against
    encoding the whole chat at once.
    """

    reads: Reads = "tags"
    context: int | None = None
    sure = True

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.name = name_of(tokenizer)
        self.tags: tuple[int, int] = (one_token(tokenizer, "+"), one_token(tokenizer, "-"))
        self._head, self._next, self._tail, self._strips = self._template()
        self._piece = lru_cache(PIECES_KEPT)(self._encode)
        self._check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        """The input for these steps; none of them may be blank."""
        first = f"{question} {steps[0].strip()}" if steps else question
        opening = self._piece(self._head + self._content(first) + self._tail)
        pieces = [opening, *(self._piece(self._next + step.strip() + self._tail) for step in steps[1:])]
        ids: list[int] = []
        ends = []
        for piece in pieces:
            ids += piece
            ends.append(len(ids))
        return Layout(tuple(ids), self._root(question, opening), tuple(ends) if steps else ())

    def _root(self, question: str, opening: tuple[int, ...]) -> int:
        """Length of the question's part: where its own encoding and the opening turn's part ways."""
        alone = self._piece(self._head + self._content(question))
        return common(alone, opening)

    def _content(self, text: str) -> str:
        return text.strip() if self._strips else text

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _chat(self, contents: Sequence[str], answered: bool = False) -> str:
        """The model's own template on these user turns: up to the last answer, or that answer included."""
        if not getattr(self.tokenizer, "chat_template", None):
            raise UserError(
                f"{self.name}: the format rlhflow needs a chat template, and this tokenizer has none"
            )
        turns = [turn for content in contents for turn in (_turn("user", content), _turn("assistant", "+"))]
        return str(
            self.tokenizer.apply_chat_template(
                turns if answered else turns[:-1],
                tokenize=False,
                add_generation_prompt=not answered,
                date_string=DATE,
            )
        )

    def _template(self) -> tuple[str, str, str, bool]:
        """The template taken apart: before the first content, from an answer's place to the next content,
        from a content to its answer's place, and whether it strips contents."""
        marks = ("MARKA", "MARKB", "MARKC")
        chat = self._chat(marks)
        parts = []
        for mark in marks:
            if chat.count(mark) != 1:
                raise UserError(f"{self.name}: its chat template drops or repeats a turn: {chat!r}")
            part, chat = chat.split(mark)
            parts.append(part)
        head, middle, again = parts
        if middle != again or not middle.startswith(chat + "+"):
            raise UserError(
                f"{self.name}: the chat template is not append-only; between two steps it writes {middle!r}, "
                f"then {again!r}, and opens an answer with {chat!r}"
            )
        return head, middle.removeprefix(chat), chat, " MARKA " not in self._chat([" MARKA "])

    def _check(self) -> None:
        """Holds the pieces against the whole chat encoded at once, text for text and id for id.

        Raises:
            UserError: names the tokenizer and what was found.
        """
        steps = (*PROBE_STEPS, *HARD_STEPS)
        layout = self.layout(PROBE_QUESTION, steps)
        contents = [f"{PROBE_QUESTION} {steps[0]}", *steps[1:]]
        for count in range(1, len(steps) + 1):
            whole = self._encode(self._chat(contents[:count]))
            here = layout.ids[: layout.ends[count - 1]]
            if whole != here:
                at = common(whole, here)
                raise UserError(
                    f"{self.name}: not append-only: in the whole chat, step {count} is encoded differently "
                    f"from token {at} on: {self._show(whole, at)} against {self._show(here, at)}"
                )
            answered = self._encode(self._chat(contents[:count], answered=True))
            at = common(answered, (*here, self.tags[0]))
            if at <= len(here):
                raise UserError(
                    f"{self.name}: the answer '+' does not stand where its score is read, but "
                    f"{self._show(answered, at)}"
                )

    def _show(self, ids: Sequence[int], start: int) -> str:
        return repr(self.tokenizer.decode(list(ids[start : start + 3])))


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
