"""REBASE: a tree search that shares children out by reward.

Wu et al. 2408.00724, "Inference scaling laws", section 3.2: n first steps; every round the n - over children
go to the live paths in proportion to softmax(score / T_b), so that a weak path is starved and not cut. Over
paths leave the budget. Deviation: the last round samples to the end of the text, as in every search here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ttc.strategies.aggregations import Agg, aggregate
from ttc.strategies.common import balanced, grow, softmax
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
            grown = await verifier.score(await grow(policy, parents, children, last=round_ == self.depth))
            over += [path for path in grown if path.over]
            live = [path for path in grown if not path.over]
            if not live:
                break
            weighed = sorted(
                zip(self._weights(live), live, strict=True), key=lambda one: (-one[0], one[1].address)
            )
            shares = balanced([weight for weight, _ in weighed], self.n - len(over))
            fed = [(path, share) for (_, path), share in zip(weighed, shares, strict=True) if share]
            parents, children = [path for path, _ in fed], [share for _, share in fed]
        return sorted(over, key=lambda path: path.address)

    def _weights(self, live: Sequence[Path]) -> list[float]:
        """What part of the children each path gets, in proportion."""
        return softmax([aggregate(path.scores, self.agg) for path in live], self.balance)
