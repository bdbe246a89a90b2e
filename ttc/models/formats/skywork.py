"""Skywork-o1-Open's process reward models: a value behind every line (semantics, "Verifiers")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttc.models.formats.common import PROBE_QUESTION, Format, Ids, Layout, bos_of, lay_out, one_token


class Skywork(Format):
    """Skywork/Skywork-o1-Open-PRM-Qwen-2.5-1.5B and -7B (SkyworkAI/skywork-o1-prm-inference on GitHub).

    bos, question, newline; then every line that is not blank, encoded alone, with a newline's id behind it.
    The value head's number at that newline is the line's; a step has its last line's. Append-only by its
    definition.
    """

    reads = "value"

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._bos = bos_of(tokenizer, "skywork")
        self._newline = one_token(tokenizer, "\n")
        self.check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        opening = self.piece(f"{self._bos}{question}\n")
        pieces = [self._lines(step) for step in steps]
        return lay_out(opening, [opening + pieces[0], *pieces[1:]] if pieces else [])

    def _lines(self, text: str) -> Ids:
        ids: list[int] = []
        for line in text.strip().split("\n"):
            if line.strip():
                ids += (*self.piece(line), self._newline)
        return tuple(ids)

    def whole(self, steps: Sequence[str]) -> Ids:
        return self.piece(f"{self._bos}{PROBE_QUESTION}\n") + self._lines("\n\n".join(steps))
