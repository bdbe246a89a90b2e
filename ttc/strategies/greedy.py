"""Greedy decoding: a pool of one path at temperature 0, the chain-of-thought baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ttc.strategies.best_of_n import BestOfN


@dataclass(frozen=True)
class Greedy(BestOfN):
    n: int = 1

    temperature: ClassVar[float] = 0.0
