"""How a question and its steps are put to a verifier, and where its scores are read (spec 7).

A family is one class and one line of FORMATS. All are append-only on token ids: the input of step k + 1
begins with the input of step k, so that the prefix cache holds it and only new tokens are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ttc.types import UserError

DATE = "26 Jul 2024"
"""Chat templates that write a date get this one, or scores would change with the day."""

PIECES_KEPT = 65_536
PROBE_QUESTION = "Start with 12. Day 1: gets 7. How many are there?"
PROBE_STEPS = ("Day 1: now 12 + 7 = 19", r"\boxed{19}")
HARD_STEPS = ("## Step 2: $\\frac{1}{2}$", "(a) -3 < x", '"So" 1,000 + 24 = 1024.\nThen 5.', "+ 1")
"""Steps that begin with what tokenizers like to join to the text before."""


@dataclass(frozen=True)
class Layout:
    """The input for some steps of one question.

    Attributes:
        ids: up to the position where the last step's score is read.
        root: how many of them are the question's, before the first step.
        ends: of every step: its input is ids[:end], and its score is read at the last of these.
    """

    ids: tuple[int, ...]
    root: int
    ends: tuple[int, ...]


class RLHFlow:
    """RLHFlow's PRMs (RLHFlow/RLHF-Reward-Modeling on GitHub, math-rm) and ttc's own: a chat about the steps.

    The user says a step, stripped (the first one behind the question and a space), the assistant "+". The
    score of a step is the probability of "+" against "-" where its answer begins. Earlier answers read "+".

    The text is cut into turns that are encoded one by one; the check at construction holds this against
    encoding the whole chat at once.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.name = getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__
        self.plus, self.minus = self._tag("+"), self._tag("-")
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
        return _common(alone, opening)

    def _content(self, text: str) -> str:
        return text.strip() if self._strips else text

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _tag(self, tag: str) -> int:
        ids = self.tokenizer.encode(tag, add_special_tokens=False)
        if len(ids) != 1 or ids[0] == self.tokenizer.unk_token_id:
            found = "unknown" if self.tokenizer.unk_token_id in ids else f"{len(ids)} tokens {ids}"
            raise UserError(
                f"{self.name}: the tag {tag!r} must be one token of the verifier's tokenizer; it is {found}"
            )
        return int(ids[0])

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
                at = _common(whole, here)
                raise UserError(
                    f"{self.name}: not append-only: in the whole chat, step {count} is encoded differently "
                    f"from token {at} on: {self._show(whole, at)} against {self._show(here, at)}"
                )
            answered = self._encode(self._chat(contents[:count], answered=True))
            at = _common(answered, (*here, self.plus))
            if at <= len(here):
                raise UserError(
                    f"{self.name}: the answer '+' does not stand where its score is read, but "
                    f"{self._show(answered, at)}"
                )

    def _show(self, ids: Sequence[int], start: int) -> str:
        return repr(self.tokenizer.decode(list(ids[start : start + 3])))


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    return next(
        (index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


FORMATS = {"rlhflow": RLHFlow}
"""The families, by the name that conf/prm/ gives as `format`."""
