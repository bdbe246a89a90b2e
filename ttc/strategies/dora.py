"""DORA: direction-oriented resource allocation. Children are shared out by direction, not by path.

Wang et al. 2506.15707, "Every rollout counts": REBASE gives a direction the more children, the more paths
happen to take it. So a path's weight softmax(score / T_b) is multiplied by gamma, the part that it makes up
of its direction: gamma_i = P_ii, P being the softmax of S / T_s over each row, S the similarity of the texts
so far. k equal paths weigh as one. Deviations: S is the cosine of the texts' sets of three characters, where
the paper has an embedding model (BGE-M3): equal and nearly equal texts are one direction, paraphrases are
not. The shares add up to what is left, as in rebase (the paper rounds each by itself).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ttc.strategies.rebase import Rebase
from ttc.types import Path, Positive


@dataclass(frozen=True)
class Dora(Rebase):
    balance: Positive = 0.1
    likeness: Positive = 0.01
    """T_s: the smaller, the more alike two texts must be to be one direction."""

    def _weights(self, live: Sequence[Path]) -> list[float]:
        sets = trigrams([path.text for path in live])
        crowds = [self._crowd(one, sets) for one in sets]
        return [weight / crowd for weight, crowd in zip(super()._weights(live), crowds, strict=True)]

    def _crowd(self, one: int, sets: Sequence[int]) -> float:
        """1 / gamma: how many of the texts go the way of this one, itself among them."""
        # fsum: equal texts get equal weights, in whatever order they stand
        return math.fsum(math.exp((cosine(one, other) - 1) / self.likeness) for other in sets)


def trigrams(texts: Sequence[str]) -> list[int]:
    """Each text's set of pieces of three characters (a shorter text is one piece), a bit for every piece that
    occurs in any: what two sets share is counted at once."""
    bits: dict[str, int] = {}
    pieces = [{text[i : i + 3] for i in range(max(1, len(text) - 2))} for text in texts]
    return [sum(1 << bits.setdefault(piece, len(bits)) for piece in own) for own in pieces]


def cosine(one: int, other: int) -> float:
    """Of two sets as vectors of 0 and 1: 1 where they are equal."""
    return (one & other).bit_count() / math.sqrt(one.bit_count() * other.bit_count())
