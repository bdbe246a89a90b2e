"""Diverse verifier tree search: n/M independent greedy subtrees.

"Scaling test-time compute with open models", section on DVTS. Every round a subtree samples M children of its
one live path and keeps the best; it returns the last round's M siblings. With lookahead (Snell et al.
2408.03314, section 5.2) a child goes by what comes of it. Deviation: siblings that are not finished are
finished by plain sampling before they vote (the article's code returns them as they are).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from ttc.strategies.aggregations import Agg
from ttc.strategies.common import check_width, look_ahead, ranked
from ttc.types import Context, Count, Path, Policy, Steps, Strategy, Verifier


@dataclass(frozen=True)
class Dvts(Strategy):
    n: int = 16
    width: Count = 4
    """M: siblings per round, and paths a subtree returns."""
    depth: Count = 40
    """Rounds at most. The last one samples to the end of the text."""
    agg: Agg = "last"
    lookahead: Steps = 0
    """k: a child is ranked by the score that it has k greedy steps further on."""

    scores_children: ClassVar[bool] = True
    younger: ClassVar[frozenset[str]] = frozenset({"lookahead"})

    def __post_init__(self) -> None:
        check_width(self.n, self.width)

    @property
    def prefix_unit(self) -> int:
        return min(self.width, self.n)

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        subtrees = (self._subtree(root, policy, verifier) for _ in range(self.n // self.prefix_unit))
        return [path for siblings in await asyncio.gather(*subtrees) for path in siblings]

    async def _subtree(self, live: Path, policy: Policy, verifier: Verifier) -> list[Path]:
        for _ in range(self.depth - 1):
            [siblings] = await policy.extend([live], self.prefix_unit)
            siblings = await verifier.score(siblings)
            siblings = await look_ahead(siblings, self.lookahead, self.agg, policy, verifier)
            live = ranked(siblings, self.agg)[0]
            if live.over:
                break
        else:
            [siblings] = await policy.finish([live], self.prefix_unit)
        finished = await policy.finish(siblings, 1)
        return await verifier.score([path for [path] in finished])
