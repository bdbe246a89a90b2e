"""RLHFlow's process reward models, and ttc's own: a chat about the steps (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttc.models.formats.chat import ChatFormat
from ttc.models.formats.common import PROBE_QUESTION, Ids, Layout, common, lay_out, one_token
from ttc.types import UserError


class RLHFlow(ChatFormat):
    """RLHFlow's PRMs (RLHFlow/RLHF-Reward-Modeling on GitHub, math-rm) and ttc's own: a chat about the steps.

    The user says a step, stripped (the first one behind the question and a space), the assistant "+". The
    score of a step is the probability of "+" against "-" where its answer begins. Earlier answers read "+".

    The text is cut into turns that are encoded one by one; the check at construction holds this against
    encoding the whole chat at once.
    """

    reads = "tags"
    family = "rlhflow"
    sure = True

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._good = one_token(tokenizer, "+")
        self.tags = (self._good, one_token(tokenizer, "-"))
        marks = ("MARKA", "MARKB", "MARKC")
        # before the first content, twice between two contents, and from a content to its answer's place
        self._head, middle, again, self._tail = self.take_apart(self._chat(marks), *marks)
        if middle != again or not middle.startswith(f"{self._tail}+"):
            raise UserError(
                f"{self.name}: the chat template is not append-only; between two steps it writes {middle!r}, "
                f"then {again!r}, and opens an answer with {self._tail!r}"
            )
        self._next = middle.removeprefix(self._tail)  # from an answer's place to the next content
        self.check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        alone = self.piece(self._head + self.content(question))
        firsts = [f"{question} {step.strip()}" for step in steps[:1]]
        pieces = [self.piece(self._head + self.content(first) + self._tail) for first in firsts]
        pieces += [self.piece(self._next + step.strip() + self._tail) for step in steps[1:]]
        return lay_out(alone, pieces)

    def _chat(self, contents: Sequence[str], answered: bool = False) -> str:
        """The chat on these user turns: up to the last answer, or that answer included."""
        turns = [turn for content in contents for turn in (("user", content), ("assistant", "+"))]
        return self.render(turns if answered else turns[:-1], opened=not answered)

    def whole(self, steps: Sequence[str]) -> Ids:
        """See `Format`; a UserError where an answer would not stand where its score is read."""
        contents = [f"{PROBE_QUESTION} {steps[0]}", *steps[1:]]
        whole, answered = (self.piece(self._chat(contents, answer)) for answer in (False, True))
        at = common(answered, (*whole, self._good))
        if at <= len(whole):
            raise UserError(
                f"{self.name}: the answer '+' does not stand where its score is read, but "
                f"{self.show(answered, at)}"
            )
        return whole
