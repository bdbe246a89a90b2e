"""AB-MCTS: at every node chance decides between a new child (wider) and one of its children (deeper).

Inoue et al. 2503.04412, "Wider or Deeper?", variant A (node aggregation): Thompson sampling from conjugate
posteriors: of the values that the node's children had when they were drawn (wider), and of all that were
drawn below them (deeper); then of each child's, with all below it. The priors are TreeQuest's. Deviation:
the paper's nodes are answers, each a refinement of its parent's; ours are steps, so that any policy can be
searched. A generation is a new step and a roll-out from it to the end of the text, whose score is the
value; to go deeper is to keep one step more. The n generations are the n paths. Variant M (a mixed model,
by MCMC) is left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from ttc.strategies.aggregations import Agg
from ttc.strategies.tree import Found, Node, grow, returned
from ttc.types import Context, Count, Path, Policy, Strategy, Verifier

TAU2 = 0.1
"""The Gaussian prior's variance; its mean is 0, and each of the two is worth one value."""


@dataclass(frozen=True)
class AbMcts(Strategy):
    n: int = 16
    depth: Count = 40
    """Steps at most. The last one samples to the end of the text."""
    prior: Literal["gaussian", "beta"] = "gaussian"
    """gaussian: mean and variance unknown. beta: Jeffreys' prior, a value being that share of a success."""
    agg: Agg = "last"

    scores_children: ClassVar[bool] = True
    headline: ClassVar[str] = "best"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        tree, found = Node(root), list[Found]()
        for turn in range(self.n):
            node = self._select(tree, turn, context)
            found += await grow(node, 1, self.depth, True, self.agg, policy, verifier)
        return returned(found)

    def _select(self, node: Node, turn: int, context: Context) -> Node:
        """The node that is to have a new child."""
        while live := node.live:
            chance = context.random(turn, *node.path.address)
            wider = [child.values[0] for child in node.children]
            deeper = [value for child in node.children for value in child.values[1:]]
            if self._draw(wider, chance) >= self._draw(deeper, chance):
                break
            drawn = [self._draw(child.values, chance) for child in live]
            node = live[drawn.index(max(drawn))]
        return node

    def _draw(self, values: Sequence[float], chance: random.Random) -> float:
        """A mean that these values may be of, drawn from its posterior."""
        n, total = len(values), sum(values)
        if self.prior == "beta":
            return chance.betavariate(0.5 + total, 0.5 + n - total)
        # normal-inverse-chi-squared: Murphy, Probabilistic Machine Learning: Advanced Topics, section 3.4.3.3
        mean, weight = total / (1 + n), 1 + n
        spread = TAU2 + sum(value**2 for value in values) - weight * mean**2
        variance = spread / (2 * chance.gammavariate(weight / 2, 1))
        return chance.gauss(mean, math.sqrt(variance / weight))
