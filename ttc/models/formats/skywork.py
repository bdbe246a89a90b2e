"""Skywork-o1-Open's process reward models: a value behind every line (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ttc.models.formats.common import (
    PROBE_QUESTION,
    Ids,
    Layout,
    Pieces,
    Reads,
    bos_of,
    check_pieces,
    lay_out,
    name_of,
    one_token,
)


class Skywork:
    """Skywork/Skywork-o1-Open-PRM-Qwen-2.5-1.5B and -7B (SkyworkAI/skywork-o1-prm-inference on GitHub).

    bos, question, newline; then every line that is not blank, encoded alone, with a newline's id behind it.
    The value head's number at that newline is the line's; a step has its last line's. Append-only by its
    definition.
    """

    reads: ClassVar[Reads] = "value"
    tags: tuple[int, int] | None = None
    context: int | None = None
    sure = False

    def __init__(self, tokenizer: Any) -> None:
        self.name = name_of(tokenizer)
        self._bos = bos_of(tokenizer, "skywork")
        self._newline = one_token(tokenizer, "\n")
        self._piece = Pieces(tokenizer)
        check_pieces(self, self.name, self._piece, self._whole)

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        """The input for these steps; none of them may be blank."""
        opening = self._piece(f"{self._bos}{question}\n")
        pieces = [self._lines(step) for step in steps]
        return lay_out(opening, [opening + pieces[0], *pieces[1:]] if pieces else [])

    def _lines(self, text: str) -> Ids:
        ids: list[int] = []
        for line in text.strip().split("\n"):
            if line.strip():
                ids += (*self._piece(line), self._newline)
        return tuple(ids)

    def _whole(self, steps: Sequence[str]) -> Ids:
        return self._piece(f"{self._bos}{PROBE_QUESTION}\n") + self._lines("\n\n".join(steps))
