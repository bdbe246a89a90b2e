"""Votes by name, and the ballots they count: every vote over every subset, vectorised (semantics, "Scores and
votes"). Pure: numpy, no files, no grader.

A path is reduced to the number of its group of equal answers (-1: no answer), one score (NaN: unscored), its
length and, through its group, whether it is right. A vote is a function of ballots and a line of VOTES.
Shape suffixes: B pools, K sequences of paths (permutations of one pool), N paths, U units, W paths of a unit,
G groups, C cuts (a cut reads a sequence's first so many paths).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ttc.stats.arrays import TIE, Bools, Floats, Ints
from ttc.stats.intervals import expected_best, expected_oracle

NO_ANSWER, UNSCORED = -1, -2
"""Winners that are no group: no path has an answer; no answered path has a score."""


class Ballots:
    """The sequences of one pool, ready for any vote. Ties go to the group seen first.

    Args:
        group_KN: group of the path at each place, NO_ANSWER for none (blank paths hold a place, never vote).
        cuts: how many paths to read, ascending, each at most N.
        columns_KN: what else the vote needs of the path at each place: `scores` (aggregated), `tokens`,
            `logprobs` (the mean of its tokens), `drafts` (its number in a sequential search); NaN: not known.
        right_G: is the group's answer right? Only a vote that needs "gold" may look.
    """

    def __init__(
        self,
        group_KN: Ints,
        cuts: Sequence[int],
        columns_KN: Mapping[str, Floats] | None = None,
        right_G: Bools | None = None,
    ) -> None:
        self.group_KN, self.cuts, self.columns_KN = group_KN, list(cuts), dict(columns_KN or {})
        self.answered_KN = group_KN >= 0
        self._K, self._N = group_KN.shape
        self._G = int(group_KN.max(initial=-1)) + 1
        self.right_G = np.zeros(self._G, dtype=bool) if right_G is None else right_G[: self._G]
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
            seen_KG = np.where(self.first_KG < cut, total_KG, -np.inf)
            top_K = seen_KG.max(axis=1, initial=-np.inf)
            tied_KG = seen_KG >= top_K[:, None] - TIE
            winners.append(self.earliest(np.where(tied_KG, self.first_KG, self._N), cut))
            done = cut
        return np.stack(winners, axis=1)

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


@dataclass(frozen=True)
class UnitPaths:
    """What a closed form knows of pools: their paths by unit. score_BUW: NaN = unscored."""

    answered_BUW: Bools
    right_BUW: Bools
    score_BUW: Floats


@dataclass(frozen=True)
class Vote:
    """A way to choose one answer, and all that tables, pictures and choosers ask of it.

    Attributes:
        choose: ballots -> winner_KC: a group, NO_ANSWER or UNSCORED.
        needs: "scores": a row for every aggregation; "tokens", "logprobs": rows where paths have them;
            "gold": it sees the right answers, so what it chooses is an upper bound; "order": the order of the
            paths matters, so only the first n are read; "drafts": rows where the search is sequential.
        exact: expected correctness of m of U units drawn without replacement, (units) -> (m -> correct_B),
            where there is a closed form; None: the mean over permutations.
        totals: ballots -> total_KG: what each group has got, for whoever draws it; None: no such figure.
        dash, marker: how matplotlib draws its line.
    """

    choose: Callable[[Ballots], Ints]
    needs: frozenset[str] = frozenset()
    exact: Callable[[UnitPaths], Callable[[int], Floats]] | None = None
    totals: Callable[[Ballots], Floats] | None = None
    dash: Any = (0, (2, 1))
    marker: str = "D"

    @property
    def scored(self) -> bool:
        return "scores" in self.needs

    @property
    def upper_bound(self) -> bool:
        return "gold" in self.needs

    @property
    def sequential(self) -> bool:
        return "drafts" in self.needs

    @property
    def columns(self) -> frozenset[str]:
        """What its paths must have."""
        return self.needs - {"gold", "order"}

    @property
    def drawn(self) -> bool:
        """Its expectation is counted over permutations."""
        return self.exact is None and "order" not in self.needs


def ones(ballots: Ballots) -> Floats:
    return np.ones(ballots.group_KN.shape)


def known_scores(ballots: Ballots) -> Floats:
    return np.nan_to_num(ballots.score_KN, nan=0.0)


def majority(ballots: Ballots) -> Ints:
    """The group with most paths (Wang et al. 2203.11171)."""
    return ballots.tally(ones(ballots))


def weighted(ballots: Ballots) -> Ints:
    """The group with the largest sum of scores; an unscored path adds 0 (Li et al. 2206.02336)."""
    return ballots.if_scored(ballots.tally(known_scores(ballots)))


def best(ballots: Ballots) -> Ints:
    """The group of the path of highest score; an unscored one ranks below every scored one."""
    return ballots.if_scored(ballots.top(ballots.score_KN))


def final(ballots: Ballots) -> Ints:
    """The last draft of a sequential search, whatever the earlier ones say; NO_ANSWER where it has none."""
    number_KN = np.nan_to_num(ballots.columns_KN["drafts"], nan=-1.0)
    place_KC = np.stack([number_KN[:, :cut].argmax(axis=1) for cut in ballots.cuts], axis=1)
    return np.take_along_axis(ballots.group_KN, place_KC, axis=1)


def oracle(ballots: Ballots) -> Ints:
    """The first right group, NO_ANSWER where no path is right: pass@n, an upper bound, never a result."""
    N = ballots.group_KN.shape[1]
    first_KG = np.where(ballots.right_G, ballots.first_KG, N)
    return np.stack([ballots.earliest(first_KG, cut) for cut in ballots.cuts], axis=1)


def expect_best(units: UnitPaths) -> Callable[[int], Floats]:
    """A unit is its best answered path."""
    score_BUW = np.where(units.answered_BUW & ~np.isnan(units.score_BUW), units.score_BUW, -np.inf)
    best_BU1 = score_BUW.argmax(axis=2)[:, :, None]
    top_BU = np.take_along_axis(score_BUW, best_BU1, axis=2)[:, :, 0]
    right_BU = np.take_along_axis(units.right_BUW, best_BU1, axis=2)[:, :, 0]
    rank_BU = np.where(np.isneginf(top_BU), np.nan, top_BU)
    return lambda m: expected_best(right_BU, rank_BU, m)


def expect_oracle(units: UnitPaths) -> Callable[[int], Floats]:
    right_BU = np.asarray(units.right_BUW.any(axis=2))
    return lambda m: expected_oracle(right_BU, m)


SCORES, GOLD = frozenset({"scores"}), frozenset({"gold"})

VOTES: dict[str, Vote] = {
    "weighted": Vote(weighted, SCORES, totals=lambda one: one.sums(known_scores(one)), dash="-", marker="o"),
    "best": Vote(
        best, SCORES, expect_best, lambda one: one.highest(one.score_KN), dash=(0, (1, 1.2)), marker="^"
    ),
    "majority": Vote(
        majority, totals=lambda one: one.sums(ones(one)), dash=(0, (5, 1.5, 1, 1.5)), marker="s"
    ),
    "final": Vote(final, frozenset({"order", "drafts"}), dash=(0, (3, 1, 1, 1, 1, 1)), marker="v"),
    "oracle": Vote(
        oracle,
        GOLD,
        expect_oracle,
        lambda one: one.right_G.astype(np.float64)[None],
        dash=(0, (4, 3)),
        marker="",
    ),
}
"""In the order of tables and legends."""
