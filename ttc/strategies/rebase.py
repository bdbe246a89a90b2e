"""REBASE: a tree search that shares children out by reward.

Wu et al. 2408.00724, "Inference scaling laws", section 3.2: n first steps; every round the n - over children
go to the live paths in proportion to softmax(score / T_b), so that a weak path is starved and not cut. Over
paths leave the budget. Deviation: the last round samples to the end of the text, as in every search here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ttc.strategies.aggregations import Agg, aggregate
from ttc.strategies.common import ranked
from ttc.types import Context, Count, Path, Policy, Positive, Strategy, Verifier


@dataclass(frozen=True)
class Rebase(Strategy):
    n: int = 16
    balance: Positive = 0.2
    """T_b: the smaller, the more of the children go to the best path."""
    depth: Count = 40
    """Rounds at most. The last one samples to the end of the text."""
    agg: Agg = "last"

    scores_children: ClassVar[bool] = True

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        over: list[Path] = []
        parents, children = [root], [self.n]
        for round_ in range(1, self.depth + 1):
            step = policy.extend if round_ < self.depth else policy.finish
            grown = [child for family in await step(parents, children) for child in family]
            grown = await verifier.score(grown)
            over += [path for path in grown if path.over]
            live = ranked((path for path in grown if not path.over), self.agg)
            if not live:
                break
            shares = balanced(self._weights(live), self.n - len(over))
            parents = [path for path, share in zip(live, shares, strict=True) if share]
            children = [share for share in shares if share]
        return sorted(over, key=lambda path: path.address)

    def _weights(self, live: Sequence[Path]) -> list[float]:
        """exp(score / T_b), the best path's being 1. An unscored path gets nothing beside scored ones."""
        scores = [aggregate(path.scores, self.agg) for path in live]
        best = max((score for score in scores if score is not None), default=None)
        if best is None:
            return [1.0] * len(live)
        return [0.0 if score is None else math.exp((score - best) / self.balance) for score in scores]


def balanced(weights: Sequence[float], total: int) -> list[int]:
    """`total` shared out, best first: each takes its part of what is left, rounded up."""
    shares: list[int] = []
    for place, weight in enumerate(weights):
        left = sum(weights[place:])
        part = (total - sum(shares)) * weight / left if left else 0.0
        shares.append(math.ceil(round(part, 9)))  # 8 / 8 may be 1.0000000000000002
    return shares
