"""Expectations over subsets of a pool, and the interval of a cell (semantics, "Subsets" and what follows).
Pure.

Shape suffixes: B pools (a problem and a seed) or cells, U units of a pool, K permutations, P problems.
m: drawn units.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np

from ttc.stats.arrays import Bools, Floats, Ints

SURER = 5
"""Seeds beyond these say nothing more of how problems differ. Simulated: all counted, the coverage at 64
seeds of 30 problems falls to 86 %."""


def expected_oracle(right_BU: Bools, m: int) -> Floats:
    """P(a right unit is among m of U drawn without replacement): 1 - C(U-c, m) / C(U, m), for each pool."""
    U = right_BU.shape[1]
    wrong_B = U - right_BU.sum(axis=1)
    drawn = np.arange(m)
    return 1 - np.prod(np.maximum(wrong_B[:, None] - drawn, 0) / (U - drawn), axis=1)


def expected_best(right_BU: Bools, score_BU: Floats, m: int) -> Floats:
    """Expected correctness of the best-scored of m units: sum over ranks r of right_r C(U-r, m-1) / C(U, m).

    A unit is its best answered path; NaN = it has none with a score: ranked last, and wrong. Equal scores
    rank in address order.
    """
    U = right_BU.shape[1]
    order_BU = np.argsort(np.where(np.isnan(score_BU), np.inf, -score_BU), axis=1, kind="stable")
    counts_BU = np.take_along_axis(right_BU & ~np.isnan(score_BU), order_BU, axis=1)
    ranks = np.arange(1, U)  # how likely the unit of each rank is the best of m drawn
    return counts_BU @ np.cumprod([m / U, *np.maximum(U - ranks - m + 1, 0) / (U - ranks)])


def permutations(problem: str, seed: int, units: int, count: int) -> Ints:
    """`count` random orders of the units of one pool, order_KU: the same for every vote, agg and n."""
    digest = hashlib.sha256(f"{problem}/{seed}".encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
    return np.argsort(random.random((count, units)), axis=1)


def monte_carlo_error(variance_B: Floats, count: int) -> float:
    """Standard error of the mean over pools, each a mean of `count` permutations of variance_B (ddof 1)."""
    return math.sqrt(float(variance_B.sum()) / count) / len(variance_B)


def interval(mean_P: Floats, seeds: int, level: float = 0.95) -> tuple[float, float, float]:
    """(accuracy, low, high) of one cell; see `intervals`."""
    accuracy_1, low_1, high_1 = intervals(mean_P[None], seeds, level)
    return float(accuracy_1[0]), float(low_1[0]), float(high_1[0])


def intervals(mean_BP: Floats, seeds: int, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """(accuracy_B, low_B, high_B): Wilson's interval with an effective size (semantics, "Intervals and
    comparisons"); docs/answers.md has how often it covers a known truth.

    Args:
        mean_BP: for each of B cells and each problem the mean correctness over its seeds.
        seeds: how many seeds stand behind each mean.
    1/n_eff = w/(P-1) + (1-w)/n_spec with w = 0.5 / (0.5 + P S p(1-p)): the fewer answers are right (or
    wrong), the less is known of their spread. S counts up to SURER seeds. The quantile is t's with P - 1
    degrees of freedom. One problem says nothing about others: [0, 1].
    """
    B, P = mean_BP.shape
    p_B = np.clip(mean_BP.mean(axis=1), 0.0, 1.0)  # a closed form may miss 1 by an ulp
    if P == 1:
        return p_B, np.zeros(B), np.ones(B)
    w_B = 0.5 / (0.5 + P * min(seeds, SURER) * p_B * (1 - p_B))
    return p_B, *wilson(p_B, 1 / (w_B / (P - 1) + (1 - w_B) / spread_size(mean_BP, seeds)), P, level)


def spread_size(mean_BP: Floats, seeds: int) -> Floats:
    """n_B = p(1-p) / v, how many independent answers vary as the problems' means do; v = their variance / P.

    At most P x seeds, and P where they do not vary at all.
    """
    P = mean_BP.shape[1]
    v_B = mean_BP.var(axis=1, ddof=1) / P
    p_B = mean_BP.mean(axis=1)
    return np.where(v_B < 1e-15, P, np.minimum(p_B * (1 - p_B) / np.maximum(v_B, 1e-15), P * seeds))


def wilson(p_B: Floats, n_B: Floats, problems: int, level: float = 0.95) -> tuple[Floats, Floats]:
    """(low_B, high_B) of shares p_B among n_B, with t's quantile for that many problems."""
    from scipy.special import stdtrit  # as slow to import as all that a plan needs

    t = float(stdtrit(problems - 1, (1 + level) / 2))
    centre_B = (p_B + t * t / (2 * n_B)) / (1 + t * t / n_B)
    root_B = np.sqrt(np.maximum(p_B * (1 - p_B) / n_B + t * t / (4 * n_B * n_B), 0.0))
    half_B = t / (1 + t * t / n_B) * root_B
    low_B = np.clip(np.minimum(centre_B - half_B, p_B), 0.0, None)
    return low_B, np.clip(np.maximum(centre_B + half_B, p_B), None, 1.0)
