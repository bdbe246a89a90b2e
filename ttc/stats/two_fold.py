"""Compute-optimal scaling: the best candidate for each (bin, budget), measured on other problems than chosen.

Semantics, "Difficulty and compute-optimal", after Snell et al. 2408.03314 (two-fold). Pure: the arithmetic
of choosing. What the bins and the candidates are is `studies.difficulty`'s and `studies.candidates`' matter.

Shape suffixes: P problems, S seeds, B bins, C candidates (in the order that ties go: cheaper, then registry),
R replicates of the bootstrap, H problems of a half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ttc.stats.arrays import TIE, Bools, Floats, Ints

SMALL = 15
"""Problems of the choosing half (on the mean over seeds) below which a bin takes the choice of all bins."""


@dataclass(frozen=True)
class Prices:
    """What candidates cost, on an axis of cost.

    Attributes:
        cost_CP: mean over seeds, per problem. NaN: no price, and within every budget.
        probe: what binning adds to the curve's cost, and not to that of the best single strategy.
        limits: the budgets, ascending.
    """

    cost_CP: Floats
    probe: float
    limits: Sequence[float]

    def opening(self, choosing_P: Bools, probe: float) -> Ints:
        """For each candidate the first limit that its mean cost on the choosing half keeps, with what is
        added for the probe; the cheapest one is always within the first, so that there is a choice."""
        mean_C = self.cost_CP[:, choosing_P].sum(axis=1) / max(1, choosing_P.sum())
        opening_C = np.searchsorted(self.limits, mean_C + probe - TIE)
        opening_C[np.isnan(mean_C)] = 0
        opening_C[mean_C.argmin()] = 0
        return opening_C


@dataclass
class Optimal:
    """What choosing is worth at one budget.

    Attributes:
        curve_R, best_R: accuracy with a choice per bin, and with one for all bins; a value per row
            of weights.
        curve_cost, best_cost: what the choices cost where they are measured (without the probe); NaN
            without prices.
        chosen: (bin, candidate) -> how many half-splits chose it, under the weights' first row.
        single: candidate -> the same for the one choice of all bins.
        fallbacks: bin -> half-splits in which it was too small to choose for itself.
        open: candidates within the budget in at least one half.
    """

    curve_R: Floats
    best_R: Floats
    curve_cost: float = 0.0
    best_cost: float = 0.0
    chosen: Counter[tuple[int, int]] = field(default_factory=Counter)
    single: Counter[int] = field(default_factory=Counter)
    fallbacks: Counter[int] = field(default_factory=Counter)
    open: set[int] = field(default_factory=set)


def choose(
    correct_CPS: Floats, bin_PS: Ints, weight_RP: Floats, splits: int, prices: Prices | None = None
) -> list[Optimal]:
    """The curve at each of the prices' limits (without prices: once, all candidates within the budget).

    Two-fold over `splits` halvings of the problems: chosen on one half, measured on the other, both ways. A
    bootstrap replicate only reweights problems: the halves stay halves of problem ids, what is within the
    budget in them stays, and every replicate chooses anew. (Resampled first, a problem's copies would land
    in both halves: +5 points on pure noise.)

    Args:
        bin_PS: the bin of a problem as seed s sees it: 0 is the easiest.
        weight_RP: row 0 is all ones (the estimate), the others are the bootstrap's.
    """
    C, P, S = correct_CPS.shape
    B, R = int(bin_PS.max()) + 1, len(weight_RP)
    inside_BPS = bin_PS[None] == np.arange(B)[:, None, None]
    right_BCP = np.einsum("cps,bps->bcp", correct_CPS, inside_BPS.astype(np.float64))
    weight_PR = np.ascontiguousarray(weight_RP.T)
    total_BCR = right_BCP @ weight_PR
    share_BP = inside_BPS.mean(axis=2)
    prices = prices or Prices(np.full((C, P), np.nan), 0.0, [np.inf])
    found = [Optimal(np.zeros(R), np.zeros(R)) for _ in prices.limits]
    for side_P in halves(strata(bin_PS), splits):
        first_P = side_P == 0
        first_BCR = right_BCP[:, :, first_P] @ weight_PR[first_P]
        second_BCR = total_BCR - first_BCR
        _measure(found, first_BCR, second_BCR, share_BP, prices, first_P)
        _measure(found, second_BCR, first_BCR, share_BP, prices, ~first_P)
    answers_R = weight_RP.sum(axis=1) * S * splits
    for one in found:
        one.curve_R /= answers_R
        one.best_R /= answers_R
        one.curve_cost /= P * splits
        one.best_cost /= P * splits
    return found


def choose_all(correct_CPS: Floats, bin_PS: Ints, prices: Prices) -> list[list[int]]:
    """For each limit the candidate of each bin, chosen on all problems: for others than these."""
    every_P = np.ones(correct_CPS.shape[1], dtype=bool)
    opening_C = prices.opening(every_P, prices.probe)
    together = _first_best(correct_CPS.sum(axis=(1, 2))[:, None], opening_C, len(prices.limits))
    chosen: list[list[int]] = [[] for _ in prices.limits]
    for b in range(int(bin_PS.max()) + 1):
        inside_PS = bin_PS == b
        small = inside_PS.mean(axis=1).sum() < SMALL
        right_C1 = (correct_CPS * inside_PS).sum(axis=(1, 2))[:, None]
        own = together if small else _first_best(right_C1, opening_C, len(prices.limits))
        for limit, choice_1 in enumerate(own):
            chosen[limit].append(int(choice_1[0]))
    return chosen


def strata(bin_PS: Ints) -> Ints:
    """stratum_P: a problem's bin as most of its seeds see it (their median)."""
    return np.sort(bin_PS, axis=1)[:, bin_PS.shape[1] // 2]


def halves(stratum_P: Ints, splits: int) -> Iterator[Ints]:
    """side_P in {0, 1}: halvings of the problems, of each stratum alike; the odd one goes now here, now
    there."""
    random = np.random.Generator(np.random.PCG64(len(stratum_P)))
    for _ in range(splits):
        side_P = np.zeros(len(stratum_P), dtype=np.int64)
        for stratum in np.unique(stratum_P):
            members = random.permutation(np.flatnonzero(stratum_P == stratum))
            side_P[members] = (np.arange(len(members)) + random.integers(2)) % 2
        yield side_P


def quintiles(value_PS: Floats) -> Ints:
    """bin_PS by quintiles of a difficulty measure, 0 for the highest values (easiest).

    The cuts are values at quantiles, so equal values share a bin; bins that stay empty are merged away.
    """
    cuts = np.quantile(value_PS, [0.2, 0.4, 0.6, 0.8])
    raw = (value_PS.ravel()[:, None] <= cuts[None]).sum(axis=1)
    return np.unique(raw, return_inverse=True)[1].reshape(value_PS.shape).astype(np.int64)


def _measure(
    found: list[Optimal],
    choosing_BCR: Floats,
    measuring_BCR: Floats,
    share_BP: Floats,
    prices: Prices,
    choosing_P: Bools,
) -> None:
    """Adds one half's choices, measured on the other half. share_BP: of a problem's seeds, how many see it in
    the bin."""
    opening, opening_alone = (prices.opening(choosing_P, probe) for probe in (prices.probe, 0.0))
    all_CR, measured_CR = choosing_BCR.sum(axis=0), measuring_BCR.sum(axis=0)
    cost_CP, measuring_BP = prices.cost_CP[:, ~choosing_P], share_BP[:, ~choosing_P]
    every_P, every_R = measuring_BP.sum(axis=0), np.arange(measured_CR.shape[1])
    for one, choice_R in zip(found, _first_best(all_CR, opening_alone, len(found)), strict=True):
        one.best_R += measured_CR[choice_R, every_R]
        one.single[int(choice_R[0])] += 1
        one.best_cost += float(cost_CP[choice_R[0]] @ every_P)
    together = _first_best(all_CR, opening, len(found))
    for b, size in enumerate(share_BP[:, choosing_P].sum(axis=1).tolist()):
        alone = together if size < SMALL else _first_best(choosing_BCR[b], opening, len(found))
        for one, choice_R in zip(found, alone, strict=True):
            one.curve_R += measuring_BCR[b][choice_R, every_R]
            one.chosen[b, int(choice_R[0])] += 1
            one.fallbacks[b] += int(size < SMALL)
            one.curve_cost += float(cost_CP[choice_R[0]] @ measuring_BP[b])
    for limit, one in enumerate(found):
        one.open.update(np.flatnonzero(opening <= limit).tolist())


def _first_best(sum_CR: Floats, opening_C: Ints, limits: int) -> list[Ints]:
    """For each limit the first candidate of the largest sum among those within it. A later limit has the
    earlier ones' candidates and more, so each candidate is looked at once."""
    best_R = np.full(sum_CR.shape[1], -np.inf)
    choice_R = np.zeros(sum_CR.shape[1], dtype=np.int64)
    choices = []
    for limit in range(limits):
        for c in np.flatnonzero(opening_C == limit).tolist():
            better_R = sum_CR[c] > best_R + TIE
            np.copyto(best_R, sum_CR[c], where=better_R)
            np.copyto(choice_R, c, where=better_R)
        choices.append(choice_R.copy())
    return choices
