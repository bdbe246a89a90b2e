"""Votes by name: every vote over every subset, vectorised (semantics, "Scores and votes"). Pure: numpy, no
files, no grader.

A vote is a function of ballots (ballots.py) and a line of VOTES. Those that need no verifier: selective.py.
Shape suffixes: B pools, K sequences of paths, N paths, U units, W paths of a unit, G groups, C cuts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ttc.readout.ballots import CONFIDENCE, Ballots
from ttc.readout.selective import BORDA, Weighing, borda, deepconf, first, longest, shortest
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.stats.intervals import expected_best, expected_oracle


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
        choose: ballots -> winner_KC: a group, or ballots.NO_ANSWER or UNSCORED.
        needs: "scores": a row for every aggregation; "tokens", "logprobs" and those of CONFIDENCE: rows where
            paths have them; "drafts": rows where the search is sequential; "gold": it sees the right answers,
            so what it chooses is an upper bound; "order": the order of the paths matters, so only the first n
            are read.
        exact: expected correctness of m of U units drawn without replacement, (units) -> (m -> correct_B),
            where there is a closed form; None: the mean over permutations.
        totals: ballots -> total_KG: what each group has got, for whoever draws it; None: no such figure.
        aside: tables and pictures leave it out where it is no headline; the report and the files have it.
        dash, marker: how matplotlib draws its line.
    """

    choose: Callable[[Ballots], Ints]
    needs: frozenset[str] = frozenset()
    exact: Callable[[UnitPaths], Callable[[int], Floats]] | None = None
    totals: Callable[[Ballots], Floats] | None = None
    aside: bool = False
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
    def key(self) -> str | None:
        """The setting without which no path has its columns; None: all have them."""
        kept = {"logprobs": "policy.logprobs=true", **dict.fromkeys(CONFIDENCE, "policy.confidence=true")}
        return next((kept[need] for need in sorted(self.needs) if need in kept), None)

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
    first_KG = np.where(ballots.right_KG, ballots.first_KG, N)
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


def weighing(one: Weighing, column: str) -> Vote:
    return Vote(one.choose, frozenset({column}), totals=one.totals, aside=True)


SCORES, GOLD, TOKENS = frozenset({"scores"}), frozenset({"gold"}), frozenset({"tokens"})

VOTES: dict[str, Vote] = {
    "weighted": Vote(weighted, SCORES, totals=lambda one: one.sums(known_scores(one)), dash="-", marker="o"),
    "best": Vote(
        best, SCORES, expect_best, lambda one: one.highest(one.score_KN), dash=(0, (1, 1.2)), marker="^"
    ),
    "majority": Vote(
        majority, totals=lambda one: one.sums(ones(one)), dash=(0, (5, 1.5, 1, 1.5)), marker="s"
    ),
    "short_1": weighing(shortest(1), "tokens"),
    "short_3": weighing(shortest(3), "tokens"),
    "short_5": weighing(shortest(5), "tokens"),
    "longest": Vote(longest, TOKENS, totals=lambda one: one.highest(one.columns_KN["tokens"]), aside=True),
    "first_3": Vote(first(3).choose, totals=first(3).totals, aside=True),
    "deepconf": weighing(deepconf("lowest_group", 0.1), "lowest_group"),
    "deepconf_90": weighing(deepconf("lowest_group", 0.9), "lowest_group"),
    "deepconf_all": weighing(deepconf("lowest_group", 1.0), "lowest_group"),
    "deepconf_tail": weighing(deepconf("tail", 0.1), "tail"),
    "self_certainty": weighing(borda("confidence", BORDA), "confidence"),
    "final": Vote(final, frozenset({"order", "drafts"}), dash=(0, (3, 1, 1, 1, 1, 1)), marker="v"),
    "oracle": Vote(
        oracle, GOLD, expect_oracle, lambda one: one.right_KG.astype(np.float64), dash=(0, (4, 3)), marker=""
    ),
}
"""In the order of tables and legends."""
