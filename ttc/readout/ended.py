"""Votes over pools that end by themselves: each takes as many of its units as its ending leaves it.

Shape suffixes as in elections.py; here every pool, and every order of it, has a cut of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ttc.readout.ballots import NO_ANSWER, Ballots
from ttc.readout.costs import Costs
from ttc.readout.elections import Batch, Choice, Election
from ttc.readout.endings import units_used
from ttc.readout.votes import VOTES
from ttc.stats import intervals
from ttc.stats.arrays import Floats, Ints
from ttc.types import Ending


@dataclass(frozen=True)
class Use:
    """What of each unit is paid, weight_BU, and how many whole ones count, units_B."""

    weight_BU: Floats
    units_B: Floats


@dataclass(frozen=True)
class Ended:
    """A cell's elections, one cut each (C = 1), and what they use: the first units, and random ones."""

    elections: dict[Choice, Election]
    first: dict[bool, Use]
    """By whether the vote pays for scores: a budget then ends the pool sooner."""
    drawn: dict[bool, Use]


def elect_ended(
    batch: Batch, costs: Costs, ending: Ending, most: int, available_B: Sequence[int], count: int
) -> Ended:
    """Every vote, of the first units and (`count` > 0) in expectation over so many orders of the whole pools.

    Args:
        most: units that a pool may use.
        available_B: units that each pool has; what a pool that an ending cut short lacks, nobody asks for.
    """
    B, U, W = batch.place_BUW.shape
    found = {
        choice: Election(np.full((B, 1), NO_ANSWER), *(np.full((B, 1), x) for x in (0.0, np.nan, 0.0)))
        for choice in batch.choices()
    }
    first, drawn = ({scored: Use(np.zeros((B, U)), np.zeros(B)) for scored in (False, True)} for _ in "12")
    prices = {scored: costs.prices(scored) for scored in (False, True)}
    order_UW = np.arange(U * W).reshape(U, W)
    for b, (_, problem, seed) in enumerate(batch.keys):
        order_KU = np.arange(U)[None]
        if count:
            order_KU = np.concatenate([order_KU, intervals.permutations(problem, seed, U, count)])
        order_KU = order_KU[:, : min(most, available_B[b])]
        order_KN = order_UW[order_KU].reshape(len(order_KU), -1)
        whole = Ballots(batch.group_BN[b][order_KN], [order_KN.shape[1]], batch.columns_of(b, order_KN))
        used = {
            scored: units_used(
                whole,
                most,
                ending,
                {name: (float(root_B[b]), price_BU[b][order_KU]) for name, (root_B, price_BU) in one.items()},
            )
            for scored, one in prices.items()
        }
        # what a pool lacks an ending has found too much, whatever it would say today (another grader)
        used = {scored: np.minimum(used_K, order_KU.shape[1]) for scored, used_K in used.items()}
        for scored, used_K in used.items():
            _note(first[scored], b, order_KU[:1], used_K[:1])
            _note(drawn[scored], b, order_KU[1:] if count else order_KU, used_K[1:] if count else used_K)
        whole_K = {scored: np.floor(used_K).astype(np.int64) for scored, used_K in used.items()}
        for choice, winner_K in _winners(batch, b, order_KN, W, whole_K):
            correct_K, one = batch.correct(b, winner_K), found[choice]
            one.winner_BC[b], one.prefix_BC[b] = winner_K[0], correct_K[0]
            if not count:
                one.resample_BC[b] = correct_K[0]
            elif len(winner_K) > 1:
                one.resample_BC[b] = correct_K[1:].mean()
                one.variance_BC[b] = correct_K[1:].var(ddof=min(1, count - 1))
    return Ended(found, first, drawn)


def _note(use: Use, b: int, order_KU: Ints, used_K: Floats) -> None:
    """The mean over orders of what each unit is paid and of the whole units."""
    paid_KU = np.clip(used_K[:, None] - np.arange(order_KU.shape[1]), 0.0, 1.0)
    np.add.at(use.weight_BU[b], order_KU.ravel(), paid_KU.ravel() / len(order_KU))
    use.units_B[b] = np.floor(used_K).mean()


def _winners(
    batch: Batch, b: int, order_KN: Ints, width: int, whole_K: dict[bool, Ints]
) -> Iterator[tuple[Choice, Ints]]:
    """winner_K: each order's choice among its own first units; of votes that an order matters to only that of
    the first order."""
    cuts = np.unique(np.concatenate([*whole_K.values(), [0]]))[1:] * width
    for choice, ballots in batch.ballots(b, order_KN, cuts.tolist()):
        vote = VOTES[choice[0]]
        own_K = whole_K[vote.scored]
        if not len(cuts):
            yield choice, np.full(len(own_K), NO_ANSWER)
            continue
        at_K = np.searchsorted(cuts, own_K * width)
        winner_KC = vote.choose(ballots)
        winner_K = winner_KC[np.arange(len(own_K)), np.minimum(at_K, len(cuts) - 1)]
        winner_K = np.where(own_K > 0, winner_K, NO_ANSWER)
        yield choice, winner_K[:1] if "order" in vote.needs else winner_K
