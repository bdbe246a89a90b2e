"""Monte Carlo tree search over steps, with a verifier for the value.

AlphaMath (Chen et al. 2405.03553), section 3.1, is `value=prm`: PUCT leads to a leaf, children of it are
drawn, the verifier values them, and the values are backed up. rStar (Qi et al. 2408.06195) is
`value=rollout`: a child is worth what a look to the end of the text comes to, and these looks are the
paths. Deviations: the prior is uniform, not the step's probability; all children of an expansion are
valued, in one call; an end is never visited again, there is nothing to learn: a node whose children are all
over is expanded anew; width 4, not 5; rStar's actions and its discriminator, which are prompts and a second
model, are left out.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from ttc.strategies.aggregations import Agg
from ttc.strategies.common import shares
from ttc.strategies.tree import Found, Node, grow, returned
from ttc.types import Context, Count, NotNegative, Path, Policy, Strategy, Verifier


@dataclass(frozen=True)
class Mcts(Strategy):
    n: int = 16
    width: Count = 4
    """Children of an expansion."""
    depth: Count = 40
    """Steps at most. The last one samples to the end of the text."""
    iterations: Count = 4
    """Expansions at most, for each of the n paths. What is missing then is finished from the best leaves."""
    c_puct: NotNegative = 1.25
    """Weight of what was visited little."""
    value: Literal["prm", "rollout"] = "prm"
    """A node's value: its path's score, or that of a roll-out from it, which is one of the n paths."""
    backup: Literal["mean", "max"] = "mean"
    agg: Agg = "last"

    scores_children: ClassVar[bool] = True
    headline: ClassVar[str] = "best"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        tree, found = Node(root), list[Found]()
        how = (self.value == "rollout", self.agg, policy, verifier)
        for _ in range(self.iterations * self.n):
            if not (places := self.n - len(found)):
                break
            found += await grow(self._select(tree), min(self.width, places), self.depth, *how)
        if places := self.n - len(found):
            best = sorted(tree.leaves, key=lambda leaf: (-self._worth(leaf), leaf.path.address))[:places]
            rest = zip(best, shares(places, len(best)), strict=True)
            families = await asyncio.gather(*(grow(leaf, share, 0, *how) for leaf, share in rest))
            found += [one for family in families for one in family]
        return returned(found)

    def _select(self, node: Node) -> Node:
        """The leaf below it that PUCT leads to; of equals the first."""
        while live := node.live:
            bonus = self.c_puct / len(node.children) * math.sqrt(len(node.values))
            node = max(live, key=lambda child: self._worth(child) + bonus / (1 + len(child.values)))
        return node

    def _worth(self, node: Node) -> float:
        return node.mean if self.backup == "mean" else max(node.values)
