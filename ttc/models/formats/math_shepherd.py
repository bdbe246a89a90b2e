"""Math-Shepherd's process reward model: one text, a tag behind every step (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttc.models.formats.common import PROBE_QUESTION, Format, Ids, Layout, bos_of, lay_out, one_token
from ttc.types import UserError

TAG = "ки"


class MathShepherd(Format):
    """peiyi9979/math-shepherd-mistral-7b-prm (Wang et al. 2312.08935).

    One text: the question, a blank, the steps, each with " ки" behind it, a newline between two. The score of
    a step is the probability of "+" against "-" behind its tag. Its tags were trained as words (with a blank
    in front: ids 648 and 387, and 12902 for the step's), which is how its tokenizer encodes them alone, too.
    A step's leading "## " goes: the model was trained on "Step 1: ...".

    A piece begins at the newline in front of its step, where Mistral's tokenizer never joins; encoded alone,
    it would gain a blank.
    """

    reads = "tags"
    sure = True

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.tags = (one_token(tokenizer, "+"), one_token(tokenizer, "-"))
        self._tag = one_token(tokenizer, TAG)
        bos_of(tokenizer, "math_shepherd")
        self._bos: Ids = (tokenizer.bos_token_id,)
        self.check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        pieces = [self._bos + self.piece(f"{question} {_tag_step(step)}") for step in steps[:1]]
        pieces += [self.piece(f"\n{_tag_step(step)}", after=f" {TAG}") for step in steps[1:]]
        return lay_out(self._bos + self.piece(question), pieces)

    def whole(self, steps: Sequence[str]) -> Ids:
        """See `Format`; a UserError where the text does not end in the step's tag."""
        ids = self._bos + self.piece(f"{PROBE_QUESTION} " + "\n".join(map(_tag_step, steps)))
        if ids[-1] != self._tag:
            raise UserError(
                f"{self.name}: the tag {TAG!r} does not stand at the end of a step, but "
                f"{self.show(ids, len(ids) - 1)}"
            )
        return ids


def _tag_step(step: str) -> str:
    return f"{step.strip().removeprefix('## ')} {TAG}"
