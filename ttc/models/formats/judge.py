"""A language model as judge: it is asked whether the steps so far are right (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttc.models.formats.chat import ChatFormat
from ttc.models.formats.common import PROBE_QUESTION, Ids, Layout, lay_out, one_token
from ttc.types import UserError

OPENING = (
    "Here is a problem and the beginning of a solution. Check the solution step by step.\n\nProblem:\n{}"
)
STEP = "\n\nStep {number}:\n{text}\n\n"
END = "End of step {number}"
ASK = (
    "\n\nIs the solution right so far, the last step included? "
    'Answer with one word, "{yes}" or "{no}", and nothing else.'
)
ANSWERS = (("yes", "no"), ("Yes", "No"), (" yes", " no"), (" Yes", " No"))
"""The first of which both are one token each."""


class Judge(ChatFormat):
    """Any language model with a chat template (Zheng et al. 2306.05685 name the idea).

    One user turn: the problem, the steps, and behind them the question whether all is right so far. The score
    is the probability of "yes" against "no" where the answer begins. The question to the judge stands last,
    so that the next step keeps everything in front of it.

    A step ends in a line that ends in a number: no tokenizer joins that to a newline, so pieces can be cut
    there. A model that thinks before it answers is told not to, where its template has that switch.
    """

    reads = "tags"
    family = "judge"

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        answers, self.tags = _answers(tokenizer)
        self._ask = ASK.format(yes=answers[0].strip(), no=answers[1].strip())
        self._head, closing = self.take_apart(self._chat("MARK"), "MARK")
        self._tail = self.piece(self._ask + closing, after=END.format(number=1))
        self.check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        opening = self._head + OPENING.format(question)
        pieces = [self.piece(opening + _step(1, step)) for step in steps[:1]]
        for number, step in enumerate(steps[1:], 2):
            pieces.append(self.piece(_step(number, step), after=END.format(number=number - 1)))
        return lay_out(self.piece(opening), pieces, self._tail)

    def _chat(self, content: str) -> str:
        return self.render([("user", content)], opened=True, enable_thinking=False)

    def whole(self, steps: Sequence[str]) -> Ids:
        solution = "".join(_step(number, step) for number, step in enumerate(steps, 1))
        return self.piece(self._chat(OPENING.format(PROBE_QUESTION) + solution + self._ask))


def _step(number: int, text: str) -> str:
    return STEP.format(number=number, text=text.strip()) + END.format(number=number)


def _answers(tokenizer: Any) -> tuple[tuple[str, str], tuple[int, int]]:
    """The spelling of yes and no that are one token each, and their ids."""
    faults = []
    for good, bad in ANSWERS:
        try:
            return (good, bad), (one_token(tokenizer, good), one_token(tokenizer, bad))
        except UserError as fault:
            faults.append(str(fault))
    raise UserError(f"{faults[0]}; nor will any other spelling do: {', '.join(map(repr, ANSWERS[1:]))}")
