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
        texts = [trigrams(path.text) for path in live]
        crowds = [self._crowd(one, texts) for one in texts]
        return [weight / crowd for weight, crowd in zip(super()._weights(live), crowds, strict=True)]

    def _crowd(self, one: frozenset[str], texts: Sequence[frozenset[str]]) -> float:
        """1 / gamma: how many of the texts go the way of this one, itself among them."""
        # fsum: equal texts get equal weights, in whatever order they stand
        return math.fsum(math.exp((cosine(one, other) - 1) / self.likeness) for other in texts)


def trigrams(text: str) -> frozenset[str]:
    """The text's pieces of three characters; a shorter text is one piece."""
    return frozenset(text[i : i + 3] for i in range(max(1, len(text) - 2)))


def cosine(one: frozenset[str], other: frozenset[str]) -> float:
    """Of two sets as vectors of 0 and 1: 1 where they are equal."""
    return len(one & other) / math.sqrt(len(one) * len(other))
