"""A particle filter: n paths that are drawn anew after every step, in proportion to how good they look.

Puri et al. 2502.01618, section 4.2 and algorithm 1: every particle takes a step; its weight is the softmax
of its score's logit, which is p / (1 - p); n particles are drawn from all n with replacement, over ones
among them, until all are over. What is drawn k times goes on k times. Its result is the verifier's best.
Deviations: p is `agg` of the step scores (the paper also feeds its PRM the whole text as one step), and the
last round samples to the end of the text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ttc.strategies.aggregations import Agg, aggregate
from ttc.strategies.common import advance, softmax
from ttc.types import Context, Count, Path, Policy, Strategy, Verifier

Line = tuple[Path, ...]
"""A particle with its ancestors: the path after every round, the root first. It grows until it is over."""


@dataclass(frozen=True)
class ParticleFilter(Strategy):
    n: int = 16
    depth: Count = 40
    """Rounds at most. The last one samples to the end of the text."""
    agg: Agg = "last"

    scores_children: ClassVar[bool] = True
    headline: ClassVar[str | None] = "best"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        lines = await self._filter([(root,)] * self.n, policy, verifier, context)
        return sorted((line[-1] for line in lines), key=lambda path: path.address)

    async def _filter(
        self,
        lines: list[Line],
        policy: Policy,
        verifier: Verifier,
        context: Context,
        *place: int,
        reference: Line = (),
    ) -> list[Line]:
        """The particles when all are over. A `reference` from an earlier run is drawn from as they are, up to
        the same round, but is never moved or replaced."""
        for round_ in range(1, self.depth + 1):
            moved = await advance(policy, [line[-1] for line in lines], last=round_ == self.depth)
            moved = await verifier.score(moved)
            lines = [
                line if line[-1].over else (*line, path) for line, path in zip(lines, moved, strict=True)
            ]
            all_ = [*lines, reference[: round_ + 1]] if reference else lines
            if all(line[-1].over for line in all_):
                break
            lines = context.random(*place, round_).choices(all_, self._weights(all_), k=len(lines))
        return lines

    def _weights(self, lines: Sequence[Line]) -> list[float]:
        scores = [aggregate(line[-1].scores, self.agg) for line in lines]
        return softmax([None if score is None else logit(score) for score in scores])


def logit(p: float) -> float:
    """log(p / (1 - p)), p kept 1e-7 away from 0 and 1."""
    p = min(max(p, 1e-7), 1 - 1e-7)
    return math.log(p / (1 - p))
