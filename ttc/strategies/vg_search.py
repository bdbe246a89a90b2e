"""VG-Search: beam search that asks the verifier every g steps only.

Chen et al. 2505.11730, "Rethinking optimal verification granularity", figure 2: B1 x B2 = n first steps;
verify them and keep the best B1; extend each by g - 1 steps, unverified; branch it into B2 single steps;
repeat. g = 1 is beam search. Deviations are beam's: over paths hold their place, so that B1 is floor((n -
over)/B2), and identical live texts are one path. A survivor that ends while it is extended is over, and its
children go to the others; where all end so, fewer than n come back (the paper's code pads with copies).
"""

from __future__ import annotations

from dataclasses import dataclass

from ttc.strategies.aggregations import Agg
from ttc.strategies.common import advance, check_width, distinct, grow, ranked, shares
from ttc.types import Context, Count, Path, Policy, Strategy, Verifier


@dataclass(frozen=True)
class VgSearch(Strategy):
    n: int = 16
    width: Count = 4
    """B2: children per survivor; B1 = n/B2 survive a round."""
    granularity: Count = 2
    """g: steps from one verification to the next."""
    depth: Count = 40
    """Rounds of g steps at most. The last one samples to the end of the text."""
    agg: Agg = "last"

    def __post_init__(self) -> None:
        check_width(self.n, self.width)

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        over: list[Path] = []
        parents, children = [root], [self.n]
        for round_ in range(1, self.depth + 1):
            grown = await verifier.score(await grow(policy, parents, children, last=round_ == self.depth))
            over += [path for path in grown if path.over]
            live = distinct(path for path in grown if not path.over)
            places = self.n - len(over)
            best = ranked(live, self.agg)[: max(1, places // self.width)]
            for _ in range(self.granularity - 1):
                best = await advance(policy, best)
            over += [path for path in best if path.over]
            parents = [path for path in best if not path.over]
            if not parents:
                break
            children = shares(self.n - len(over), len(parents))
        return sorted(await verifier.score(over), key=lambda path: path.address)
