"""search-and-learn's diverse verifier tree search, as its code runs it.

"Scaling test-time compute with open models", huggingface/search-and-learn,
sal/search/diverse_verifier_tree_search.py at 6f81cac. n/M subtrees; every round a subtree draws M children of
its one live path and goes on from the best, the first of equal ones, until that is over or has a box. It
returns the last round's M siblings as they are, finished or not: some stop in the middle of a solution.

Our deviations: max_tokens is a path's, not a step's; two blank steps in a row end a path; an unscored sibling
is the worst; a live sibling's score is its last step's, not that of the empty text behind it; votes read a
path's own steps, and not the look ahead's too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from ttc.strategies.aggregations import Agg
from ttc.strategies.common import check_width, standing
from ttc.types import Context, Count, Natural, Path, Policy, Strategy, Verifier


@dataclass(frozen=True)
class SalDvts(Strategy):
    n: int = 16
    width: Count = 4
    """M, its beam_width: siblings per round, and paths a subtree returns."""
    depth: Count = 40
    """Its num_iterations. The last one samples to the end of the text."""
    agg: Agg = "last"
    lookahead: Natural = 0
    """Greedy steps behind a sibling, at whose end its score is read; thrown away."""

    scores_children: ClassVar[bool] = True
    finishes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_width(self.n, self.width)

    @property
    def prefix_unit(self) -> int:
        return min(self.width, self.n)

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        subtrees = (self.subtree(root, policy, verifier) for _ in range(self.n // self.prefix_unit))
        return [path for siblings in await asyncio.gather(*subtrees) for path in siblings]

    async def subtree(self, live: Path, policy: Policy, verifier: Verifier) -> list[Path]:
        """The last siblings of one subtree."""
        siblings: list[Path] = []
        for round_ in range(1, self.depth + 1):
            step = policy.extend if round_ < self.depth else policy.finish
            [siblings] = await step([live], self.prefix_unit)
            siblings = ahead = await verifier.score(siblings)
            if self.lookahead:
                families = await policy.roll_out(siblings, steps=self.lookahead, temperature=0.0)
                ahead = await verifier.score([end for [end] in families])
            live = siblings[max(range(len(ahead)), key=lambda i: standing(ahead[i], self.agg))]
            if live.over or "boxed{" in live.text:
                break
        return siblings
