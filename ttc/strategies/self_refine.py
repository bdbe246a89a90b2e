"""Self-Refine: draft, critique, revise, n - 1 times; one policy plays all three parts.

Madaan et al. 2303.17651, section 2, algorithm 1. With `critique=null` nothing is written between two drafts:
sequential revisions as in Snell et al. 2408.03314, section 6 (theirs come of a policy trained for them).
Deviations: no few-shot examples; no stop where the critique finds nothing wrong, so that n is the budget; the
critique is asked in the one conversation, too, and has read all that was said.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

from ttc.types import Context, Path, Policy, Strategy, TooLong, Verifier, Words


@dataclass(frozen=True)
class SelfRefine(Strategy):
    n: int = 4
    critique: Words | None = (
        "Check your solution step by step. Is there an error? Name it, or say there is none."
    )
    """What asks for the critique; null: none is written."""
    revise: Words = r"Now write the whole solution again, and better. Put the final answer in \boxed{}."
    """What asks for the next draft."""

    guided: ClassVar[bool] = False
    sequential: ClassVar[bool] = True
    headline: ClassVar[str] = "final"

    @property
    def says(self) -> tuple[str, ...]:
        return (self.revise,) if self.critique is None else (self.critique, self.revise)

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        [drafts] = await policy.finish([root], 1)
        with contextlib.suppress(TooLong):  # the context is full: it ends with the drafts that it has
            while len(drafts) < self.n:
                said = drafts[-1]
                for words in self.says:
                    [said] = await policy.chat([said], [words])
                drafts.append(said)
        return drafts
