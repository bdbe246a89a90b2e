"""How good step scores are: the first error found, ranking, calibration. Pure; each with its source.

Shape suffixes: P solutions, S labelled steps, R replicates. Labelled steps are those up to and including a
solution's first error, which alone is wrong: what comes after it is neither right nor wrong by itself, and is
left out. A score of None is no score (too long, NaN).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from ttc.stats.arrays import Bools, Floats, Ints
from ttc.stats.paired import bootstrap_weights, percentiles

Scores = Sequence[float | None]

ALL_RIGHT = -1
"""The label, and the prediction, of a solution without an error."""

BINS, REPLICATES = 10, 1000
NAN = float("nan")


def right_range(scores: Scores, label: int) -> tuple[float, float]:
    """(low, high]: the thresholds at which the prediction is the label; empty (high <= low) where none is.

    The prediction is the first step whose score is below the threshold, else ALL_RIGHT. So right means:
    threshold <= all scores before the error, and threshold > its own. Where any step has no score there is
    no prediction, and that is never right.
    """
    known = [score for score in scores if score is not None]
    if len(known) < len(scores):
        return math.inf, -math.inf
    if label == ALL_RIGHT:
        return -math.inf, min(known)
    return known[label], min(known[:label], default=math.inf)


@dataclass(frozen=True)
class Found:
    """ProcessBench's three figures (Zheng et al. 2024, arXiv:2412.06559, section 4).

    error: share of the solutions with an error whose first wrong step is found exactly; correct: share of
    those without one that are left alone; f1: their harmonic mean. NaN where there are no such solutions.
    """

    error: float
    correct: float
    f1: float


def found(right_P: Bools, wrong_P: Bools, weight_P: Floats | None = None) -> Found:
    """`right_P`: the prediction is the label. `wrong_P`: the solution has an error."""
    weight_P = np.ones(len(right_P)) if weight_P is None else weight_P
    error, correct = _mean(right_P, weight_P * wrong_P), _mean(right_P, weight_P * ~wrong_P)
    # no error found and nothing left alone: the harmonic mean of two zeros is 0. A NaN goes through
    return Found(error, correct, 2 * error * correct / (error + correct) if error + correct else 0.0)


def best_threshold(low_P: Floats, high_P: Floats, wrong_P: Bools) -> float:
    """The threshold in [0, 1] of highest F1 on these very solutions: an upper bound for a chosen one.

    F1 falls only behind the end of a range, so the ends are all that need be tried; the lowest of equals.
    """
    ends = np.unique(np.clip(high_P[high_P > low_P], 0.0, 1.0))
    f1 = [found((low_P < end) & (end <= high_P), wrong_P).f1 for end in ends]
    return NAN if np.isnan(f1).all() else float(ends[np.nanargmax(f1)])


def _mean(value: Bools, weight: Floats) -> float:
    total = weight.sum()
    return float((value * weight).sum() / total) if total else NAN


def auroc(score_S: Floats, right_S: Bools) -> float:
    """The chance that a right one's score is above a wrong one's; ties count half.

    The area under the ROC curve: Mann-Whitney's U over the number of pairs (Hanley and McNeil 1982). NaN
    where one side is empty.
    """
    return weighted_auroc(levels(score_S), right_S, np.ones(len(score_S)))


def levels(score_S: Floats) -> Ints:
    """The place of every score among the distinct ones, ascending."""
    return np.unique(score_S, return_inverse=True)[1].astype(np.int64)


def weighted_auroc(level_S: Ints, right_S: Bools, weight_S: Floats) -> float:
    """`auroc` where step s counts weight_S[s] times."""
    good = np.bincount(level_S, weights=weight_S * right_S)
    bad = np.bincount(level_S, weights=weight_S * ~right_S)
    pairs = good.sum() * bad.sum()
    return float((good * (np.cumsum(bad) - bad / 2)).sum() / pairs) if pairs else NAN


def grouped_auroc(score_S: Floats, right_S: Bools, group_S: Ints) -> float:
    """`auroc` over the pairs within a group only: of one problem's paths, is the right one above?"""
    won = pairs = 0.0
    order = np.argsort(group_S, kind="stable")
    for at in np.split(order, np.flatnonzero(np.diff(group_S[order])) + 1):
        count = float(right_S[at].sum() * (~right_S[at]).sum())
        if count:
            won, pairs = won + count * auroc(score_S[at], right_S[at]), pairs + count
    return won / pairs if pairs else NAN


def correlation(x_S: Floats, y_S: Floats) -> float:
    """Pearson's r; with a 0/1 variable it is the point-biserial one. NaN where either is constant."""
    if len(x_S) < 2 or np.ptp(x_S) == 0 or np.ptp(y_S) == 0:
        return NAN
    return float(np.corrcoef(x_S, y_S)[0, 1])


def spearman(x_S: Floats, y_S: Floats) -> float:
    """Pearson's r of the ranks; equal values share their mean rank (Spearman 1904)."""
    return correlation(rankdata(x_S), rankdata(y_S))


@dataclass(frozen=True)
class Bin:
    """Scores in [low, high), the last bin's 1 included; the two means are NaN where there are none."""

    low: float
    high: float
    count: int
    mean: float
    right: float


def reliability(score_S: Floats, right_S: Bools) -> list[Bin]:
    """Ten bins of equal width: how often a score of about x is right (DeGroot and Fienberg 1983)."""
    place_S = np.minimum((score_S * BINS).astype(np.int64), BINS - 1)
    bins = []
    for number in range(BINS):
        inside = place_S == number
        count = int(inside.sum())
        mean, share = (score_S[inside].mean(), right_S[inside].mean()) if count else (NAN, NAN)
        bins.append(Bin(number / BINS, (number + 1) / BINS, count, float(mean), float(share)))
    return bins


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the bins' |mean - right|, weighted by counts (Naeini et al. 2015)."""
    total = sum(bin_.count for bin_ in bins)
    gaps = [bin_.count * abs(bin_.mean - bin_.right) for bin_ in bins if bin_.count]
    return sum(gaps) / total if total else NAN


def brier(score_S: Floats, right_S: Bools) -> float:
    """Mean squared distance of the score from 1 (right) or 0 (wrong) (Brier 1950)."""
    return float(np.mean((score_S - right_S) ** 2)) if len(score_S) else NAN


def bootstrap(statistic: Callable[[Floats], float], clusters: int, seed: int) -> tuple[float, float]:
    """95 % percentile interval of a statistic over problems drawn with replacement (Efron 1979).

    Args:
        statistic: of how often each of the `clusters` problems was drawn. A replicate where it is NaN (one
            side is empty) is left out.
    """
    weight_RC = bootstrap_weights(clusters, REPLICATES * bool(clusters), seed)
    value_R = np.array([statistic(weight_C) for weight_C in weight_RC])
    value_R = value_R[~np.isnan(value_R)]
    return percentiles(value_R) if len(value_R) else (NAN, NAN)
