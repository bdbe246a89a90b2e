"""Votes that need no verifier: of the paths with an answer some are kept, or weigh more than others, by their
length or by how sure the policy was of them.

All are a weight of each path that depends on what else is read, added up by group (`Ballots.tally_anew`).
Shape suffixes: K sequences of paths, N paths (of weights: those before a cut), C cuts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ttc.readout.ballots import Ballots
from ttc.stats.arrays import TIE, Floats, Ints

BORDA = 0.5
"""The power of ranks in the example of self-certainty's authors, at N = 16; 0 would be majority."""


@dataclass(frozen=True)
class Weighing:
    """A vote by weights: (ballots, cut) -> weight_KN of the paths before the cut; 0: it is not kept."""

    weigh: Callable[[Ballots, int], Floats]

    def choose(self, ballots: Ballots) -> Ints:
        """winner_KC: the group of the largest sum."""
        return ballots.tally_anew(lambda cut: self.weigh(ballots, cut))

    def totals(self, ballots: Ballots) -> Floats:
        """total_KG: of all paths."""
        N = ballots.group_KN.shape[1]
        return ballots.sums(self.weigh(ballots, N), 0, N)


def shortest(m: int) -> Weighing:
    """short-m@k (Hassid et al. 2505.17813): the m paths that finish first when all are written side by side,
    and majority among them; a tie goes to the shortest.

    Its cost here is that of all k: they were written to their ends. A path without an answer is waited past.
    One that was cut has as many tokens as there may be, and comes last by itself.
    """
    return Weighing(lambda ballots, cut: few(ballots, ballots.columns_KN["tokens"], m, cut))


def first(m: int) -> Weighing:
    """Majority of the first m paths that have an answer: what `shortest` would be if length said nothing."""
    return Weighing(lambda ballots, cut: few(ballots, places(ballots), m, cut))


def deepconf(column: str, share: float) -> Weighing:
    """The best share of the paths by how sure the policy was, and majority among them, weighted by that
    (DeepConf offline, Fu et al. 2508.15260, section 3). column: one of CONFIDENCE."""

    def weigh(ballots: Ballots, cut: int) -> Floats:
        rank_KN, count_K1 = ranks(ballots, ballots.columns_KN[column], cut)
        kept_KN = rank_KN < np.ceil(share * count_K1 - TIE)
        return np.where(kept_KN, ballots.columns_KN[column][:, :cut], 0.0)

    return Weighing(weigh)


def borda(column: str, power: float) -> Weighing:
    """The surest of N paths weighs N ^ power, the next (N - 1) ^ power, and so on (self-certainty, Kang et
    al. 2502.18581).

    The paper's measure is the divergence of a uniform distribution from the token's: but for a constant minus
    the mean log-probability over the whole vocabulary. `confidence` is that over the 20 likeliest tokens.
    """

    def weigh(ballots: Ballots, cut: int) -> Floats:
        rank_KN, count_K1 = ranks(ballots, ballots.columns_KN[column], cut)
        return np.maximum(count_K1 - rank_KN, 0.0) ** power

    return Weighing(weigh)


def longest(ballots: Ballots) -> Ints:
    """The answer of the path with most tokens; of equals the first."""
    return ballots.top(ballots.columns_KN["tokens"])


def places(ballots: Ballots) -> Floats:
    """Where each path stands."""
    shape = ballots.group_KN.shape
    return np.broadcast_to(np.arange(shape[1], dtype=np.float64), shape)


def few(ballots: Ballots, value_KN: Floats, m: int, cut: int) -> Floats:
    """1 for the m answered paths of the lowest value, of equals the first; and so much more that a tie goes
    to the lowest: the first of them alone weighs more above 1 than all behind it together."""
    there_KN = ballots.answered_KN[:, :cut] & ~np.isnan(value_KN[:, :cut])
    left_KN = np.where(there_KN, value_KN[:, :cut], np.inf)
    weight_KN, row_K = np.zeros_like(left_KN), np.arange(len(left_KN))
    for taken in range(min(m, cut)):
        place_K = left_KN.argmin(axis=1)
        weight_KN[row_K, place_K] += np.where(np.isinf(left_KN[row_K, place_K]), 0.0, 1 + 2.0 ** -(3 + taken))
        left_KN[row_K, place_K] = np.inf
    return weight_KN


def ranks(ballots: Ballots, value_KN: Floats, cut: int) -> tuple[Floats, Floats]:
    """rank_KN: 0 for the answered path of the highest value, of equals the first; inf for what has none.
    count_K1: how many are ranked."""
    there_KN = ballots.answered_KN[:, :cut] & ~np.isnan(value_KN[:, :cut])
    key_KN = np.where(there_KN, -value_KN[:, :cut], np.inf)
    order_KN = np.argsort(key_KN, axis=1)
    sorted_KN = np.take_along_axis(key_KN, order_KN, axis=1)
    if ((sorted_KN[:, 1:] == sorted_KN[:, :-1]) & np.isfinite(sorted_KN[:, 1:])).any():
        # what keeps the order of equals takes five times as long, and they are rare
        order_KN = np.argsort(key_KN, axis=1, kind="stable")
    rank_KN = np.empty(order_KN.shape)
    np.put_along_axis(rank_KN, order_KN, np.arange(float(cut))[None], axis=1)
    return np.where(there_KN, rank_KN, np.inf), there_KN.sum(axis=1, keepdims=True).astype(np.float64)
