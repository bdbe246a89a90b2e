"""Groups of answers that sympy writes alike: search-and-learn's way, by name (semantics, "search-and-learn").

A plain number is known by its value, any other expression by sympy's LaTeX of its simplified form, and all
else by itself without spaces. The grader's equivalence (`grading.group`) is the default: it also knows sets,
intervals and equations, and forms of one value that sympy does not simplify to the same.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from fractions import Fraction

from ttc.grading import normal_form
from ttc.grading.worker.process import WorkerPool

NAMED = re.compile(r"^\s*[^\s=]{1,2}\s*=(?=[^=]+$)")
"""A short name in front of a value, as in `x = 5`: left out."""


class Canonical:
    """Canonical forms by killable processes, each text asked once. `close` ends them."""

    def __init__(self, limit: float, workers: int = 2) -> None:
        self._pool = WorkerPool(limit, workers)
        self._forms: dict[str, asyncio.Task[str]] = {}

    async def group(self, answers: Sequence[str | None]) -> list[int]:
        """As `grading.group`: a number for each answer, as groups are seen; -1 for none."""
        forms = await asyncio.gather(*map(self.form, answers))
        known = dict.fromkeys(form for form in forms if form is not None)
        numbers = {form: number for number, form in enumerate(known)}
        return [-1 if form is None else numbers[form] for form in forms]

    async def form(self, answer: str | None) -> str | None:
        if answer is None or not answer.strip():
            return None
        if answer not in self._forms:
            self._forms[answer] = asyncio.create_task(self._form(answer))
        return await self._forms[answer]

    async def close(self) -> None:
        await self._pool.close()

    async def _form(self, answer: str) -> str:
        text = NAMED.sub("", answer)
        plain = normal_form(text)
        if isinstance(plain, Fraction):
            return str(plain)
        try:
            written = (await self._pool.ask(text=text))["form"]
        except (TimeoutError, EOFError):
            written = None
        return re.sub(r"\s+", "", text) if written is None else str(normal_form(written))
