"""The tree that mcts and ab_mcts grow: a node is a path that remembers all values found at it and below."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ttc.strategies.aggregations import Agg, aggregate
from ttc.types import Path, Policy, Verifier


@dataclass(eq=False)
class Node:
    """values: its own first (the root has none), then those of all that was drawn below it: one a visit."""

    path: Path
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @property
    def live(self) -> list[Node]:
        """Its children that can be gone on from."""
        return [child for child in self.children if not child.path.over]

    @property
    def leaves(self) -> list[Node]:
        """Where the paths below it end that can be gone on from; itself where there is none."""
        return [leaf for child in self.live for leaf in child.leaves] or [self]

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    def add(self, path: Path, value: float) -> Node:
        """A new child; its value is backed up to the root."""
        child = Node(path, self)
        self.children.append(child)
        node: Node | None = child
        while node:
            node.values.append(value)
            node = node.parent
        return child


Found = tuple[Path, Node]
"""A path that is over, and the node that it is, or was rolled out from."""


async def grow(
    leaf: Node, n: int, depth: int, rollout: bool, agg: Agg, policy: Policy, verifier: Verifier
) -> list[Found]:
    """n new children of a node, each with a value: of its own scores, or (rollout) of those of a look to the
    end of the text. The last of `depth` steps samples to the end itself. Returns what is over by it."""
    step = policy.extend if len(leaf.path.address) + 1 < depth else policy.finish
    [children] = await step([leaf.path], n)
    children = ends = await verifier.score(children)
    if rollout:
        ends = await verifier.score([end for [end] in await policy.roll_out(children)])
    nodes = [
        leaf.add(child, aggregate(end.scores, agg) or 0.0) for child, end in zip(children, ends, strict=True)
    ]
    return [(end, node) for end, node in zip(ends, nodes, strict=True) if end.over]


def returned(found: list[Found]) -> list[Path]:
    """In address order, each with its node's mean value."""
    valued = [replace(path, value=node.mean) for path, node in found]
    return sorted(valued, key=lambda path: path.address)
