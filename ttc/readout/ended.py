"""Votes over pools that end by themselves: each takes as many of its units as its ending leaves it.

Shape suffixes as in elections.py; here every pool, and every order of it, has a cut of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ttc.readout.ballots import NO_ANSWER, Ballots
from ttc.readout.costs import Costs
from ttc.readout.elections import Batch, Choice, Election, blocks, orders_of, rows_of, spread
from ttc.readout.endings import units_used
from ttc.readout.votes import VOTES
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
    length_B = np.minimum(most, available_B)
    # a rule keeps a count of every group at every place
    size = W * max(1, int(batch.group_BN.max(initial=0)) // 16)
    for length in np.unique(length_B).tolist():
        for pools in blocks(np.flatnonzero(length_B == length), (1 + count) * length * size):
            order_BKU = np.stack([orders_of(batch.keys[b], U, count)[:, :length] for b in pools])
            used_BK = {
                scored: _used(batch, pools, order_BKU, most, ending, one) for scored, one in prices.items()
            }
            after = min(count, 1)
            for scored, used in used_BK.items():
                _note(first[scored], pools, order_BKU[:, :1], used[:, :1])
                _note(drawn[scored], pools, order_BKU[:, after:], used[:, after:])
            for choice, winner_BK in _winners(batch, pools, spread(order_BKU, W), W, used_BK):
                correct_BK, one = batch.correct(pools, winner_BK), found[choice]
                one.winner_BC[pools], one.prefix_BC[pools] = winner_BK[:, :1], correct_BK[:, :1]
                if not count:
                    one.resample_BC[pools] = correct_BK[:, :1]
                elif winner_BK.shape[1] > 1:
                    one.resample_BC[pools, 0] = correct_BK[:, 1:].mean(axis=1)
                    one.variance_BC[pools, 0] = correct_BK[:, 1:].var(axis=1, ddof=min(1, count - 1))
    return Ended(found, first, drawn)


def _used(
    batch: Batch,
    pools: Ints,
    order_BKU: Ints,
    most: int,
    ending: Ending,
    prices: Mapping[str, tuple[Floats, Floats]],
) -> Floats:
    """used_BK: how many of its units each order pays."""
    pool_K, place_KN = rows_of(pools, spread(order_BKU, batch.place_BUW.shape[2]))
    unit_KU = rows_of(pools, order_BKU)[1]
    priced = {
        name: (root_B[pool_K], price_BU[pool_K[:, None], unit_KU])
        for name, (root_B, price_BU) in prices.items()
    }
    ballots = Ballots(batch.group_BN[pool_K[:, None], place_KN], [place_KN.shape[1]])
    used_K = units_used(ballots, most, ending, priced)
    # what a pool lacks an ending has found too much, whatever it would say today (another grader)
    return np.minimum(used_K, order_BKU.shape[2]).reshape(order_BKU.shape[:2])


def _note(use: Use, pools: Ints, order_BKU: Ints, used_BK: Floats) -> None:
    """The mean over orders of what each unit is paid and of the whole units."""
    _, K, U = order_BKU.shape
    paid_BKU = np.clip(used_BK[:, :, None] - np.arange(U), 0.0, 1.0)
    np.add.at(use.weight_BU, (pools[:, None, None], order_BKU), paid_BKU / K)
    use.units_B[pools] = np.floor(used_BK).mean(axis=1)


def _winners(
    batch: Batch, pools: Ints, order_BKN: Ints, width: int, used_BK: Mapping[bool, Floats]
) -> Iterator[tuple[Choice, Ints]]:
    """winner_BK: each order's choice among its own first units; of votes that an order matters to only that
    of the first order."""
    whole_BK = {scored: np.floor(used).astype(np.int64) for scored, used in used_BK.items()}
    cuts = np.unique(np.stack([*whole_BK.values()]) * width)
    cuts = cuts[cuts > 0]
    for choice, ballots in batch.ballots(pools, order_BKN, cuts.tolist()):
        vote = VOTES[choice[0]]
        own_BK = whole_BK[vote.scored]
        if not len(cuts):
            yield choice, np.full(own_BK.shape, NO_ANSWER)
            continue
        at_K = np.minimum(np.searchsorted(cuts, own_BK.ravel() * width), len(cuts) - 1)
        winner_K = np.take_along_axis(vote.choose(ballots), at_K[:, None], axis=1)
        winner_BK = np.where(own_BK > 0, winner_K.reshape(own_BK.shape), NO_ANSWER)
        yield choice, winner_BK[:, :1] if "order" in vote.needs else winner_BK
