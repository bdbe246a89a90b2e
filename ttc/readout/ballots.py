"""The ballots that votes count: paths in some orders, read up to some cuts. Pure: numpy, no files, no grader.

A path is reduced to the number of its group of equal answers (-1: no answer), one score (NaN: unscored), its
length and the like and, through its group, whether it is right.
Shape suffixes: K sequences of paths (orders of one pool or of several), N paths, G groups, C cuts (of each
sequence the first so many paths are read).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ttc.stats.arrays import TIE, Bools, Floats, Ints

NO_ANSWER, UNSCORED = -1, -2
"""Winners that are no group: no path has an answer; no answered path has a score."""
CONFIDENCE = ("confidence", "lowest_group", "tail")
"""Columns that paths have where the policy was asked how sure it was (windows.py)."""


class Ballots:
    """Sequences of paths, of one pool or of several, ready for any vote. Ties go to the group seen first.

    Args:
        group_KN: group of the path at each place, NO_ANSWER for none (blank paths hold a place, never vote).
        cuts: how many paths to read, ascending, each at most N.
        columns_KN: what else the vote needs of the path at each place: `scores` (aggregated), `tokens`,
            `logprobs` (the mean of its tokens), those of CONFIDENCE; NaN: not known.
        right_KG: is the group's answer right? One row: the same for all. Only a vote that needs "gold" may
            look.

    A sequence is decided by itself: another one may be of another pool, whose group 3 is another answer.
    """

    def __init__(
        self,
        group_KN: Ints,
        cuts: Sequence[int],
        columns_KN: Mapping[str, Floats] | None = None,
        right_KG: Bools | None = None,
    ) -> None:
        self.group_KN, self.cuts, self.columns_KN = group_KN, list(cuts), dict(columns_KN or {})
        self.answered_KN = group_KN >= 0
        self._K, self._N = group_KN.shape
        self._G = int(group_KN.max(initial=-1)) + 1
        right_KG = np.zeros((1, self._G), dtype=bool) if right_KG is None else right_KG[:, : self._G]
        self.right_KG = np.broadcast_to(right_KG, (self._K, self._G))
        # A group's column in a K x (G + 1) table, flattened; blanks fall into the last column.
        column_KN = np.where(self.answered_KN, group_KN, self._G)
        self._cell_KN = column_KN + np.arange(self._K)[:, None] * (self._G + 1)
        first = np.full(self._K * (self._G + 1), self._N)
        # Written from the last place to the first: of repeated indices the last written stays.
        first[self._cell_KN[:, ::-1].T.ravel()] = np.repeat(np.arange(self._N)[::-1], self._K)
        self.first_KG = first.reshape(self._K, self._G + 1)[:, : self._G]
        """Where each group is seen first; N: nowhere."""

    def scored_by(self, score_KN: Floats) -> Ballots:
        """The same ballots with these scores."""
        other = copy.copy(self)
        other.columns_KN = self.columns_KN | {"scores": score_KN}
        return other

    @property
    def score_KN(self) -> Floats:
        return self.columns_KN["scores"]

    def tally(self, weight_KN: Floats) -> Ints:
        """winner_KC: the group with the largest sum of weights among those seen before each cut."""
        total_KG = np.zeros((self._K, self._G))
        winners, done = [], 0
        for cut in self.cuts:
            total_KG += self.sums(weight_KN, done, cut)
            winners.append(self.largest(total_KG, cut))
            done = cut
        return np.stack(winners, axis=1)

    def tally_anew(self, weigh: Callable[[int], Floats]) -> Ints:
        """winner_KC as `tally`, of weights that depend on what else is read: weigh(cut) -> weight_KN of the
        paths before the cut, 0 for one that has no vote. A group wins with a vote at least."""
        winners = []
        for cut in self.cuts:
            total_KG = self.sums(weigh(cut), 0, cut)
            winners.append(self.largest(np.where(total_KG > 0, total_KG, -np.inf), cut))
        return np.stack(winners, axis=1)

    def largest(self, total_KG: Floats, cut: int) -> Ints:
        """The group with the largest total among those seen before the cut; NO_ANSWER where none has one."""
        seen_KG = np.where(self.first_KG < cut, total_KG, -np.inf)
        top_K = seen_KG.max(axis=1, initial=-np.inf)
        tied_KG = (seen_KG >= top_K[:, None] - TIE) & ~np.isneginf(seen_KG)
        return self.earliest(np.where(tied_KG, self.first_KG, self._N), cut)

    def sums(self, weight_KN: Floats, start: int = 0, stop: int | None = None) -> Floats:
        """total_KG: the weights of each group's paths, of the places from `start` to `stop`."""
        cells, weights = self._cell_KN[:, start:stop].ravel(), weight_KN[:, start:stop].ravel()
        table = np.bincount(cells, weights, self._K * (self._G + 1)).astype(np.float64, copy=False)
        return table.reshape(self._K, self._G + 1)[:, : self._G]

    def highest(self, rank_KN: Floats) -> Floats:
        """top_KG: the highest rank of each group's paths; NaN where none has one."""
        top = np.full(self._K * (self._G + 1), np.nan)
        np.fmax.at(top, self._cell_KN.ravel(), rank_KN.ravel())
        return top.reshape(self._K, self._G + 1)[:, : self._G]

    def top(self, rank_KN: Floats) -> Ints:
        """winner_KC: the group of the answered path of highest rank; NO_ANSWER where none has one (NaN)."""
        rank_KN = np.where(self.answered_KN & ~np.isnan(rank_KN), rank_KN, -np.inf)
        place_KC = np.stack([rank_KN[:, :cut].argmax(axis=1) for cut in self.cuts], axis=1)
        winner_KC = np.take_along_axis(self.group_KN, place_KC, axis=1)
        return np.where(np.isneginf(np.take_along_axis(rank_KN, place_KC, axis=1)), NO_ANSWER, winner_KC)

    def earliest(self, first_KG: Ints, cut: int) -> Ints:
        """The group seen first, if that was before the cut."""
        if self._G == 0:
            return np.full(self._K, NO_ANSWER)
        winner_K = first_KG.argmin(axis=1)
        seen_K = first_KG[np.arange(self._K), winner_K] < cut
        return np.where(seen_K, winner_K, NO_ANSWER)

    def if_scored(self, winner_KC: Ints) -> Ints:
        """`winner_KC`, but NO_ANSWER or UNSCORED where no answered path has a score."""
        answered_KC = self._any_before(self.answered_KN)
        scored_KC = self._any_before(self.answered_KN & ~np.isnan(self.score_KN))
        return np.where(scored_KC, winner_KC, np.where(answered_KC, UNSCORED, NO_ANSWER))

    def _any_before(self, flag_KN: Bools) -> Bools:
        return np.stack([flag_KN[:, :cut].any(axis=1) for cut in self.cuts], axis=1)
