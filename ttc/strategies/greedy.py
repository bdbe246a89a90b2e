"""Greedy decoding: one path at temperature 0, the chain-of-thought baseline. Its n is 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ttc.types import Path, Policy, Verifier


@dataclass(frozen=True)
class Greedy:
    n: int = 1

    prefix_unit: ClassVar[int] = 1
    guided: ClassVar[bool] = False
    temperature: ClassVar[float] = 0.0

    async def search(self, root: Path, policy: Policy, verifier: Verifier) -> list[Path]:
        [samples] = await policy.finish([root], self.n)
        return samples
