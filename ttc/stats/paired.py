"""Paired comparisons: the cluster bootstrap, and exact tests (semantics, "Intervals and comparisons"). Pure.

Shape suffixes: P problems, R bootstrap replicates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ttc.stats.arrays import TIE, Floats

REPLICATES = 10_000
EXACT = 20
"""Problems up to which all sign flips are counted."""
FLIPS = 10_000
CLEAR = 0.5
"""A problem goes one way where its mean differences is at least this."""


def bootstrap_weights(problems: int, replicates: int = REPLICATES, seed: int | None = None) -> Floats:
    """weight_RP: how often each replicate draws each problem, with all its seeds; rows sum to P.

    Without a seed always the same for equally many problems, so for every cell and curve: differences are
    paired.
    """
    random = np.random.Generator(np.random.PCG64(problems if seed is None else seed))
    drawn_RP = random.integers(problems, size=(replicates, problems))
    row_R1 = np.arange(replicates)[:, None] * problems
    counts = np.bincount((drawn_RP + row_R1).ravel(), minlength=replicates * problems)
    return counts.reshape(replicates, problems).astype(np.float64)


def percentiles(value_R: Floats, level: float = 0.95) -> tuple[float, float]:
    """The interval that a bootstrap's replicates span."""
    low, high = np.quantile(value_R, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def sign_flip(difference_P: Floats) -> float:
    """Two-sided p of the mean difference if the cells were exchangeable: their names are swapped at random.

    All flips are counted up to 20 problems, beyond that 10,000 random ones, and the observed one with them.
    """
    P = len(difference_P)
    observed = abs(float(difference_P.sum())) - TIE
    if P <= EXACT:
        sums = np.zeros(1)
        for difference in difference_P:
            sums = np.concatenate([sums + difference, sums - difference])
        return float((np.abs(sums) >= observed).mean())
    random = np.random.Generator(np.random.PCG64(P))
    extreme = 0
    for _ in range(FLIPS // 1000):
        sums = random.choice([-1.0, 1.0], size=(1000, P)) @ difference_P
        extreme += int((np.abs(sums) >= observed).sum())
    return (extreme + 1) / (FLIPS + 1)


def mcnemar(difference_P: Floats) -> float:
    """Exact McNemar test of two cells that are 0 or 1 on every problem: differences of -1, 0 or 1."""
    ups, downs = int((difference_P == 1).sum()), int((difference_P == -1).sum())
    # the two-sided binomial test of a fair coin; scipy.stats has it too, and takes half a second to import
    tail = sum(math.comb(ups + downs, k) for k in range(min(ups, downs) + 1))
    return min(1.0, 2 * tail / 2 ** (ups + downs))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979): the smallest times m, the next times m - 1, ..."""
    order = np.argsort(p_values, kind="stable")
    times_m = np.arange(len(order), 0, -1) * np.take(p_values, order)
    return np.minimum(np.maximum.accumulate(times_m), 1.0)[np.argsort(order)].tolist()
