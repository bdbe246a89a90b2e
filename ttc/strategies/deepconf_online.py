"""DeepConf online (Fu et al. 2508.15260, section 3.3, algorithm 2).

    warm-up paths -> the floor: what the surest share of them keeps above
    further paths end where the policy is less sure than that; those that stay above vote

A path is as sure as its least sure group of tokens in a row. Defaults: the paper's DeepConf-low. Its second
stop, when the votes agree (tau = 0.95), is no part of it: all n are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ttc.types import Context, Count, Floor, Path, Policy, PositiveShare, Strategy, Verifier, lowest_group


@dataclass(frozen=True)
class DeepConfOnline(Strategy):
    n: int
    warmup: Count = 16
    """Paths that are written to their ends first."""
    keep: PositiveShare = 0.1
    """eta: the share of the warm-up that lies above the floor."""
    window: Count = 2048
    """Tokens of a group."""

    guided: ClassVar[bool] = False
    confident: ClassVar[bool] = True
    headline: ClassVar[str | None] = "deepconf_all"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        [first] = await policy.finish([root], min(self.warmup, self.n))
        floor = Floor(percentile([self.sure(path) for path in first], 1 - self.keep), self.window)
        [more] = await policy.finish([root], self.n - len(first), floor=floor)
        return [path for path in (*first, *more) if self.sure(path) >= floor.level]

    def sure(self, path: Path) -> float:
        """The lowest group of the path."""
        return lowest_group((value for step in path.steps for value in step.confidences or ()), self.window)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them lies below, between two of them linearly."""
    ordered = sorted(values)
    below, part = divmod(share * (len(ordered) - 1), 1)
    low, high = ordered[int(below)], ordered[min(int(below) + 1, len(ordered) - 1)]
    return low + part * (high - low)
