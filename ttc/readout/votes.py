"""Every vote over every subset, once and vectorised (spec 5). Pure: numpy, no files, no grader.

A path is reduced to three things: the number of its group of equal answers (-1: no answer), one score (NaN:
unscored) and, through its group, whether it is right. Shape suffixes: K sequences of paths (permutations of
one pool), N paths, G groups, C cuts (a cut reads a sequence's first so many paths), A aggregations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from ttc.strategies.aggregations import Agg

Vote = Literal["best", "weighted", "majority", "oracle"]
AGGS: tuple[Agg, ...] = ("last", "min", "prod", "mean")
SCORED_VOTES: tuple[Vote, ...] = ("best", "weighted")
PLAIN_VOTES: tuple[Vote, ...] = ("majority", "oracle")

NO_ANSWER, UNSCORED = -1, -2
"""Winners that are no group: no path has an answer; no answered path has a score."""

TIE = 1e-9
"""Sums of scores this close are equal: the order of summation must not break a tie."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def aggregate_ragged(flat: Floats, offsets: Ints, how: Agg) -> Floats:
    """`strategies.common.aggregate` of many paths: those of path i are flat[offsets[i]:offsets[i+1]].

    NaN stands for a missing score, and for a path that is not scored.
    """
    out_N = np.full(len(offsets) - 1, np.nan)
    some_N = offsets[1:] > offsets[:-1]
    starts, ends = offsets[:-1][some_N], offsets[1:][some_N]
    if not len(starts):
        return out_N
    flat = flat[: ends[-1]]  # reduceat reads the last path to the end of the array
    total_N = np.add.reduceat(flat, starts)  # NaN where any score is missing
    match how:
        case "last":
            value_N = np.where(np.isnan(total_N), np.nan, flat[ends - 1])
        case "min":
            value_N = np.minimum.reduceat(flat, starts)
        case "prod":
            value_N = np.multiply.reduceat(flat, starts)
        case "mean":
            value_N = total_N / (ends - starts)
    out_N[some_N] = value_N
    return out_N


class Ballots:
    """The sequences of one pool, ready for any vote.

    Args:
        group_KN: group of the path at each place, NO_ANSWER for none (blank paths hold a place, never vote).
        cuts: how many paths to read, ascending, each at most N.
    Every vote returns winner_KC: a group, or NO_ANSWER, or UNSCORED. Ties go to the group seen first.
    """

    def __init__(self, group_KN: Ints, cuts: Sequence[int]) -> None:
        self._K, self._N = group_KN.shape
        self._cuts = list(cuts)
        self._answered_KN = group_KN >= 0
        self._G = int(group_KN.max(initial=-1)) + 1
        self._group_KN = group_KN
        # A group's column in a K x (G + 1) table, flattened; blanks fall into the last column.
        column_KN = np.where(self._answered_KN, group_KN, self._G)
        self._cell_KN = column_KN + np.arange(self._K)[:, None] * (self._G + 1)
        first = np.full(self._K * (self._G + 1), self._N)
        # Written from the last place to the first: of repeated indices the last written stays.
        first[self._cell_KN[:, ::-1].T.ravel()] = np.repeat(np.arange(self._N)[::-1], self._K)
        self._first_KG = first.reshape(self._K, self._G + 1)[:, : self._G]

    def majority(self) -> Ints:
        """The group with most paths."""
        return self._tally(np.ones((self._K, self._N)))

    def weighted(self, score_KN: Floats) -> Ints:
        """The group with the largest sum of scores; an unscored path adds 0."""
        winner_KC = self._tally(np.nan_to_num(score_KN, nan=0.0))
        return self._scored(winner_KC, score_KN)

    def best(self, score_KN: Floats) -> Ints:
        """The group of the path of highest score; an unscored one ranks below every scored one."""
        rank_KN = np.where(self._answered_KN & ~np.isnan(score_KN), score_KN, -np.inf)
        rows = np.arange(self._K)
        place_KC = np.stack([rank_KN[:, :cut].argmax(axis=1) for cut in self._cuts], axis=1)
        return self._scored(self._group_KN[rows[:, None], place_KC], score_KN)

    def oracle(self, right_G: Bools) -> Ints:
        """The first right group, NO_ANSWER where no path is right: an upper bound, never a result."""
        first_KG = np.where(right_G, self._first_KG, self._N)
        return np.stack([self._earliest(first_KG, cut) for cut in self._cuts], axis=1)

    def _tally(self, weight_KN: Floats) -> Ints:
        """The group with the largest sum of weights among the groups seen before each cut."""
        total_KG = np.zeros((self._K, self._G))
        winners, done = [], 0
        for cut in self._cuts:
            cells, weights = self._cell_KN[:, done:cut].ravel(), weight_KN[:, done:cut].ravel()
            table = np.bincount(cells, weights, minlength=self._K * (self._G + 1))
            total_KG += table.reshape(self._K, self._G + 1)[:, : self._G]
            seen_KG = np.where(self._first_KG < cut, total_KG, -np.inf)
            top_K = seen_KG.max(axis=1, initial=-np.inf)
            tied_KG = seen_KG >= top_K[:, None] - TIE
            winners.append(self._earliest(np.where(tied_KG, self._first_KG, self._N), cut))
            done = cut
        return np.stack(winners, axis=1)

    def _earliest(self, first_KG: Ints, cut: int) -> Ints:
        """The group seen first, if that was before the cut."""
        if self._G == 0:
            return np.full(self._K, NO_ANSWER)
        winner_K = first_KG.argmin(axis=1)
        seen_K = first_KG[np.arange(self._K), winner_K] < cut
        return np.where(seen_K, winner_K, NO_ANSWER)

    def _scored(self, winner_KC: Ints, score_KN: Floats) -> Ints:
        """`winner_KC`, but NO_ANSWER or UNSCORED where no answered path has a score."""
        answered_KC = self._any_before(self._answered_KN)
        scored_KC = self._any_before(self._answered_KN & ~np.isnan(score_KN))
        return np.where(scored_KC, winner_KC, np.where(answered_KC, UNSCORED, NO_ANSWER))

    def _any_before(self, flag_KN: Bools) -> Bools:
        return np.stack([flag_KN[:, :cut].any(axis=1) for cut in self._cuts], axis=1)
