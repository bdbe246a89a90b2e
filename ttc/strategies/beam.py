"""Beam search over steps, guided by a process reward model.

Snell et al. 2408.03314, section 5.2, as in "Scaling test-time compute with open models": n first steps; every
round the best floor((n - over)/M) live paths are expanded to n - over children. With lookahead (the same
section) a child goes by what comes of it. Deviations, each on purpose: it ends when n paths are over (the
article's code runs on), children are shared out evenly with the better parents first (not copied cyclically),
identical live texts are one path before the cut, and nothing is padded with copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ttc.strategies.aggregations import Agg
from ttc.strategies.common import check_width, distinct, grow, look_ahead, ranked, shares
from ttc.types import Context, Count, Path, Policy, Steps, Strategy, Verifier


@dataclass(frozen=True)
class Beam(Strategy):
    n: int = 16
    width: Count = 4
    """M: children per survivor; 1/M of the live paths survive a round."""
    depth: Count = 40
    """Rounds at most. The last one samples to the end of the text."""
    agg: Agg = "last"
    finished: Literal["keep", "compete"] = "keep"
    """keep: an over path keeps its place. compete: it must stay among the best ceil(n/M) of all."""
    lookahead: Steps = 0
    """k: a child is ranked by the score that it has k greedy steps further on."""

    scores_children: ClassVar[bool] = True
    younger: ClassVar[frozenset[str]] = frozenset({"lookahead"})

    def __post_init__(self) -> None:
        check_width(self.n, self.width)

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        over: list[Path] = []
        parents, children = [root], [self.n]
        for round_ in range(1, self.depth + 1):
            grown = await grow(policy, parents, children, last=round_ == self.depth)
            grown = await verifier.score(grown)
            grown = await look_ahead(grown, self.lookahead, self.agg, policy, verifier)
            over += [path for path in grown if path.over]
            live = distinct(path for path in grown if not path.over)
            if self.finished == "compete":
                over = self._compete(over, live)
            places = self.n - len(over)
            if not places or not live:
                break
            parents = ranked(live, self.agg)[: max(1, places // self.width)]
            children = shares(places, len(parents))
        return sorted(over, key=lambda path: path.address)

    def _compete(self, over: list[Path], live: list[Path]) -> list[Path]:
        """The over paths that stand among the best ceil(n/M) of all; the others give their places back."""
        if not live:
            return over
        best = ranked([*over, *live], self.agg)[: -(-self.n // self.width)]
        return [path for path in best if path.over]
