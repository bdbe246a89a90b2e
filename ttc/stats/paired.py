"""Paired comparisons: the cluster bootstrap, and exact tests (semantics, "Intervals and comparisons"). Pure.

Shape suffixes: P problems, R bootstrap replicates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ttc.stats.arrays import TIE, Floats

REPLICATES = 10_000
EXACT = 20
"""Problems up to which all sign flips are counted."""
FLIPS = 10_000
CHUNK = 10**6
"""Weights of a bootstrap, or signs of flips, that are held at once."""
CLEAR = 0.5
"""A problem goes one way where its mean differences is at least this."""
FIGURES = (
    *("difference", "difference_low", "difference_high", "p_sign_flip", "p_mcnemar"),
    *("better", "worse"),
)
"""Of a pair. p_mcnemar: NaN where a cell is not 0 or 1 on every problem; better, worse: problems each way."""


def bootstrap_weights(problems: int, replicates: int = REPLICATES, seed: int | None = None) -> Floats:
    """weight_RP: how often each replicate draws each problem, with all its seeds; rows sum to P.

    Without a seed always the same for equally many problems, so for every cell and curve: differences are
    paired.
    """
    return _drawn(
        np.random.Generator(np.random.PCG64(problems if seed is None else seed)), replicates, problems
    )


def percentiles(value_R: Floats, level: float = 0.95) -> tuple[float, float]:
    """The interval that a bootstrap's replicates span."""
    low, high = np.quantile(value_R, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_means(value_DP: Floats) -> Floats:
    """mean_DR of each row over the problems of each replicate, the ones of `bootstrap_weights(P)`.

    They are drawn a million weights at a time.
    """
    P = value_DP.shape[1]
    random = np.random.Generator(np.random.PCG64(P))
    means = [value_DP @ _drawn(random, rows, P).T / P for rows in _chunks(REPLICATES, P)]
    return np.concatenate(means, axis=1)


def _chunks(rows: int, width: int) -> Iterator[int]:
    """So many rows at a time."""
    most = max(1, CHUNK // width)
    yield from [most] * (rows // most)
    yield from [rows % most] * (rows % most > 0)


def _drawn(random: np.random.Generator, replicates: int, problems: int) -> Floats:
    drawn_RP = random.integers(problems, size=(replicates, problems))
    row_R1 = np.arange(replicates)[:, None] * problems
    counts = np.bincount((drawn_RP + row_R1).ravel(), minlength=replicates * problems)
    return counts.reshape(replicates, problems).astype(np.float64)


def sign_flip(difference_P: Floats) -> float:
    """Two-sided p of the mean difference if the cells were exchangeable: their names are swapped at random.

    All flips are counted up to 20 problems, beyond that 10,000 random ones, and the observed one with them.
    """
    observed = abs(float(difference_P.sum())) - TIE
    if len(difference_P) <= EXACT:
        return _all_flips(difference_P, observed)
    return (int((np.abs(flipped_sums(difference_P[None])) >= observed).sum()) + 1) / (FLIPS + 1)


def flipped_sums(value_DP: Floats) -> Floats:
    """sum_DK of each row over the problems, with the signs of each of 10,000 random flips."""
    P = value_DP.shape[1]
    random = np.random.Generator(np.random.PCG64(P))
    sums = [value_DP @ random.choice([-1.0, 1.0], size=(rows, P)).T for rows in _chunks(FLIPS, P)]
    return np.concatenate(sums, axis=1)


def _all_flips(difference_P: Floats, observed: float) -> float:
    """The share of all 2^P sums that are as far from 0: each is a sum of the first half of the problems and
    one of the second, so 2^(P/2) of each are looked up in one another."""
    half = len(difference_P) // 2
    first, second = _sums(difference_P[:half]), np.sort(_sums(difference_P[half:]))
    above = len(second) - np.searchsorted(second, observed - first, side="left")
    below = np.searchsorted(second, -observed - first, side="right")
    return min(1.0, float((above + below).sum()) / (len(first) * len(second)))


def _sums(difference_P: Floats) -> Floats:
    sums = np.zeros(1)
    for difference in difference_P:
        sums = np.concatenate([sums + difference, sums - difference])
    return sums


def mcnemar(difference_P: Floats) -> float:
    """Exact McNemar test of two cells that are 0 or 1 on every problem: differences of -1, 0 or 1."""
    ups, downs = int((difference_P == 1).sum()), int((difference_P == -1).sum())
    # the two-sided binomial test of a fair coin; scipy.stats has it too, and takes half a second to import
    tail = sum(math.comb(ups + downs, k) for k in range(min(ups, downs) + 1))
    return min(1.0, 2 * tail / 2 ** (ups + downs))


def compare(mean_CP: Floats, first_D: Sequence[int], second_D: Sequence[int]) -> dict[str, Floats]:
    """D pairs of C cells on the same P problems, the first of each against the second: figure -> value_D.

    Means over replicates and sums over flips are linear: they are made for cells, and not for pairs.

    Args:
        mean_CP: mean correctness over seeds; first_D, second_D: places in it.
    """
    P, made = mean_CP.shape[1], []
    mean_CR = bootstrap_means(mean_CP)
    sum_CK = flipped_sums(mean_CP) if P > EXACT else None
    binary_C = ((mean_CP == 0) | (mean_CP == 1)).all(axis=1)
    for a, b in zip(first_D, second_D, strict=True):
        difference_P = mean_CP[a] - mean_CP[b]
        low, high = percentiles(mean_CR[a] - mean_CR[b])
        if sum_CK is None:
            p = sign_flip(difference_P)
        else:
            observed = abs(float(difference_P.sum())) - TIE
            p = (int((np.abs(sum_CK[a] - sum_CK[b]) >= observed).sum()) + 1) / (FLIPS + 1)
        exact = mcnemar(difference_P) if binary_C[a] and binary_C[b] else np.nan
        better, worse = (difference_P >= CLEAR).sum(), (difference_P <= -CLEAR).sum()
        made.append((difference_P.mean(), low, high, p, exact, better, worse))
    return dict(zip(FIGURES, np.array(made, dtype=np.float64).reshape(-1, len(FIGURES)).T, strict=True))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979): the smallest times m, the next times m - 1, ..."""
    order = np.argsort(p_values, kind="stable")
    times_m = np.arange(len(order), 0, -1) * np.take(p_values, order)
    return np.minimum(np.maximum.accumulate(times_m), 1.0)[np.argsort(order)].tolist()
