"""Best-of-N: n independent samples; the votes are readouts of the same pool.

Majority voting (Wang et al. 2203.11171), vanilla and weighted best-of-N (Li et al. 2206.02336) differ only
in how an answer is chosen afterwards, so they are one search and one stored pool (semantics, "Strategies").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ttc.types import Context, Path, Policy, Strategy, Verifier


@dataclass(frozen=True)
class BestOfN(Strategy):
    n: int = 16

    guided: ClassVar[bool] = False

    @property
    def prefix_unit(self) -> int:
        return 1

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        [samples] = await policy.finish([root], self.n)
        return samples
