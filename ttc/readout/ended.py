"""Votes over pools that end by themselves: each takes as many of its units as its ending leaves it.

Shape suffixes as in elections.py; here every pool, and every order of it, has a cut of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ttc.readout.ballots import NO_ANSWER, Ballots
from ttc.readout.costs import Costs
from ttc.readout.elections import Batch, Choice, Election, blocks, no_elections, orders_of, rows_of, spread
from ttc.readout.endings import units_used
from ttc.readout.votes import VOTES
from ttc.stats.arrays import Floats, Ints
from ttc.types import Ending

TOGETHER = 16
"""Blocks that are counted as one: their orders are sorted by where they end, and some of each are wanted."""


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
    found = no_elections(batch, 1)
    first, drawn = ({scored: Use(np.zeros((B, U)), np.zeros(B)) for scored in (False, True)} for _ in "12")
    prices = {scored: costs.prices(scored) for scored in (False, True)}
    length_B = np.minimum(most, available_B)
    for length in np.unique(length_B).tolist():
        for pools in blocks(np.flatnonzero(length_B == length), (1 + count) * length * W // TOGETHER):
            order_BKU = np.stack([orders_of(batch.keys[b], U, count)[:, :length] for b in pools])
            used_BK = {
                scored: _used(batch, pools, order_BKU, most, ending, one) for scored, one in prices.items()
            }
            after = min(count, 1)
            for scored, used in used_BK.items():
                _note(first[scored], pools, order_BKU[:, :1], used[:, :1])
                _note(drawn[scored], pools, order_BKU[:, after:], used[:, after:])
            for choice, winner_BK in _winners(batch, pools, spread(order_BKU, W), W, used_BK):
                winner_BK1 = winner_BK[:, :, None]
                found[choice].note(pools, winner_BK1, batch.correct(pools, winner_BK1))
    if not count:
        for one in found.values():
            one.resample_BC[:] = one.prefix_BC
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
    W, G = batch.place_BUW.shape[2], int(batch.group_BN.max(initial=0)) + 1
    used = []
    # a rule keeps a count of every group at every place
    for some in blocks(np.arange(len(pools)), order_BKU[0].size * W * max(1, G // TOGETHER)):
        pool_K, unit_KU = rows_of(pools[some], order_BKU[some])
        place_KN = spread(unit_KU, W)
        priced = {
            name: (root_B[pool_K], price_BU[pool_K[:, None], unit_KU])
            for name, (root_B, price_BU) in prices.items()
        }
        ballots = Ballots(batch.group_BN[pool_K[:, None], place_KN], [place_KN.shape[1]])
        used.append(units_used(ballots, most, ending, priced))
    # what a pool lacks an ending has found too much, whatever it would say today (another grader)
    return np.minimum(np.concatenate(used), order_BKU.shape[2]).reshape(order_BKU.shape[:2])


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
    pool_K, place_KN = rows_of(pools, order_BKN)
    found = {choice: np.full(len(pool_K), NO_ANSWER) for choice in batch.choices()}
    for scored, used in used_BK.items():
        cut_K = np.floor(used).astype(np.int64).ravel() * width
        for cut in np.unique(cut_K[cut_K > 0]).tolist():
            [row_K] = np.nonzero(cut_K == cut)
            for choice, ballots in batch.ballots(pool_K[row_K], place_KN[row_K, None, :cut], [cut]):
                if VOTES[choice[0]].scored == scored:
                    found[choice][row_K] = VOTES[choice[0]].choose(ballots)[:, 0]
    for choice, winner_K in found.items():
        winner_BK = winner_K.reshape(order_BKN.shape[:2])
        yield choice, winner_BK[:, :1] if "order" in VOTES[choice[0]].needs else winner_BK
