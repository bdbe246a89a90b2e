"""Greedy decoding: one path at temperature 0, the chain-of-thought baseline. Its n is 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ttc.types import Context, Path, Policy, Strategy, Verifier


@dataclass(frozen=True)
class Greedy(Strategy):
    n: int = 1

    guided: ClassVar[bool] = False
    temperature: ClassVar[float] = 0.0

    @property
    def prefix_unit(self) -> int:
        return 1

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        [samples] = await policy.finish([root], self.n)
        return samples
