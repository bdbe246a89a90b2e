"""search-and-learn's beam search, as its code runs it.

"Scaling test-time compute with open models", huggingface/search-and-learn, sal/search/beam_search.py at
6f81cac. Every round draws one step for each of exactly n beams, which are the survivors copied in turn, and
scores them; of those that are not completed the best n // M survive, in the order in which they stood. It
goes on until no beam is left, be n completed or not. Its lookahead is written and never scored: there is none
here.

Our deviations: max_tokens is a path's, not a step's; two blank steps in a row end a path; an unscored beam is
the worst; a live beam's score is its last step's, not that of the empty text behind it. Of equal scores the
later beams survive (numpy's argsort leaves that open from 17 beams on).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import ClassVar

from ttc.strategies.aggregations import Agg
from ttc.strategies.common import distinct, shares, standing
from ttc.types import Context, Count, Path, Policy, Strategy, Verifier


@dataclass(frozen=True)
class SalBeam(Strategy):
    n: int = 16
    width: Count = 4
    """M, its beam_width: n // M beams survive a round; all of them where n < M."""
    depth: Count = 40
    """Its num_iterations. The last one samples to the end of the text."""
    agg: Agg = "last"
    filter_duplicates: bool = False
    """Of beams with one text the first is kept, as in its recipes for beams."""
    sort_completed: bool = False
    """Return the n best completed beams, not the first n."""

    scores_children: ClassVar[bool] = True
    narrows: ClassVar[bool] = False

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        completed: list[Path] = []
        beams = [root]
        for round_ in range(1, self.depth + 1):
            step = policy.extend if round_ < self.depth else policy.finish
            families = await step(beams, shares(self.n, len(beams)))
            # place i is copy i // len of beam i % len
            grown = [families[i % len(beams)][i // len(beams)] for i in range(self.n)]
            grown = await verifier.score(grown)
            completed += [path for path in grown if path.over]
            live = [path for path in grown if not path.over]
            if not live:
                break
            beams = self._pruned(distinct(live) if self.filter_duplicates else live)
        if self.sort_completed:
            completed.sort(key=self._score, reverse=True)
        return list(islice(cycle(completed), self.n))

    def _pruned(self, live: list[Path]) -> list[Path]:
        ascending = sorted(range(len(live)), key=lambda i: self._score(live[i]))
        best = ascending[-(self.n // self.width) :]  # -0: all of them, as there
        return [live[i] for i in sorted(best)]

    def _score(self, path: Path) -> float:
        return standing(path, self.agg)
