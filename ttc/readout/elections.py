"""Votes over pools: for every (vote, agg) and every number of units drawn, how right each pool's choice is.

One `Batch` = cells that read the same pools (a family, a verifier, a selection, its complete seeds).
Shape suffixes: B pools, problem-major; U units; W paths of a unit; N = U x W places; C cuts (numbers of units
drawn, ascending); K orders, of a block's pools one after another's; G groups of a pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from ttc.readout.ballots import NO_ANSWER, Ballots
from ttc.readout.habits import Habit
from ttc.readout.pools import Key, Tables, places
from ttc.readout.votes import VOTES, UnitPaths
from ttc.stats import intervals
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.store.records import CellRecord
from ttc.strategies.aggregations import AGGREGATIONS

BLANKS = 2
"""Columns at the end of a table of groups, which NO_ANSWER and UNSCORED choose."""

PLACES = 1 << 16
"""Of the pools, in all their orders, that are counted in one call."""

Choice = tuple[str, str | None]
"""(vote, agg); no agg where the vote needs no scores."""


def choices(known: Collection[str]) -> Iterator[Choice]:
    """Every vote that can do with what is `known` of paths, with every aggregation where it reads scores."""
    for name, vote in VOTES.items():
        if vote.columns <= {*known}:
            yield from ((name, agg) for agg in (AGGREGATIONS if vote.scored else (None,)))


@dataclass(frozen=True)
class Batch:
    """The pools that some cells read, all with the same number of units.

    Attributes:
        group_BN: numbered from 0 within a pool, in address order of the representatives; -1: no answer.
        firsts: for each pool the path rows of its groups' representatives.
        right: for each pool right_G: are its groups' answers right?
        scores: aggregation -> score_BN; empty: no verifier.
        columns: what else votes may ask of a path, where it was kept: `tokens`, `logprobs` (their mean);
            those of CONFIDENCE where they were kept of every path; of a sequential search `drafts` (its place
            among the versions).
        faults: for each pool the share_B of its paths that are cut, blank, ... (NaN: no paths); `too_long`,
            `stopped` (at a limit of its search): 1 or 0.
    """

    keys: Sequence[Key]
    place_BUW: Ints
    group_BN: Ints
    firsts: Sequence[Ints]
    right: Sequence[Bools]
    scores: Mapping[str, Floats]
    columns: Mapping[str, Floats]
    faults: Mapping[str, Floats]

    @property
    def units(self) -> int:
        return self.place_BUW.shape[1]

    def choices(self) -> Iterator[Choice]:
        return choices([*self.columns, *["scores"] * bool(self.scores)])

    def ballots(
        self, pools: Ints, order_BKN: Ints, cuts: Sequence[int], drawn: bool | None = None
    ) -> Iterator[tuple[Choice, Ballots]]:
        """The places of these pools in these orders, one pool's sequences after another's, for every choice;
        `drawn`: whose vote is (not) so."""
        pool_K, place_KN = rows_of(pools, order_BKN)
        at_KN = pool_K[:, None] * self.group_BN.shape[1] + place_KN  # of a flat column: five times as fast
        asked = {need for vote in VOTES.values() for need in vote.needs}
        columns_KN = {
            name: column_BN.take(at_KN) for name, column_BN in self.columns.items() if name in asked
        }
        ballots = Ballots(self.group_BN.take(at_KN), cuts, columns_KN, self._right_BG[pool_K, :-BLANKS])
        scored: dict[str | None, Ballots] = {None: ballots}
        for name, agg in self.choices():
            if drawn in (None, VOTES[name].drawn):
                if agg is not None and agg not in scored:
                    scored[agg] = ballots.scored_by(self.scores[agg].take(at_KN))
                yield (name, agg), scored[agg]

    def winners(
        self, pools: Ints, order_BKN: Ints, cuts: Sequence[int], drawn: bool
    ) -> Iterator[tuple[Choice, Ints]]:
        """winner_BKC of these pools' places in these orders, by every vote that is (not) `drawn`."""
        for choice, cast in self.ballots(pools, order_BKN, cuts, drawn):
            yield choice, VOTES[choice[0]].choose(cast).reshape(*order_BKN.shape[:2], len(cuts))

    def correct(self, pools: Ints, winner_BX: Ints) -> Bools:
        """Are these pools' winning groups right? X: any shape. NO_ANSWER and UNSCORED are wrong."""
        return self._right_BG[pools.reshape(-1, *[1] * (winner_BX.ndim - 1)), winner_BX]

    @cached_property
    def _right_BG(self) -> Bools:
        """Rows of one length, each with what -1 and -2 choose at its end."""
        right_BG = np.zeros((len(self.right), max(map(len, self.right), default=0) + BLANKS), dtype=np.bool_)
        for b, right_G in enumerate(self.right):
            right_BG[b, : len(right_G)] = right_G
        return right_BG

    def select(self, order_BN: Ints) -> Batch:
        """These places in this order, each a unit of its own; the groups are those of the whole pool."""
        at = partial(np.take_along_axis, indices=order_BN, axis=1)
        return replace(
            self,
            place_BUW=at(self.place_BUW.reshape(len(self.keys), -1))[:, :, None],
            group_BN=at(self.group_BN),
            scores={agg: at(score_BN) for agg, score_BN in self.scores.items()},
            columns={name: at(column_BN) for name, column_BN in self.columns.items()},
        )


@dataclass(frozen=True)
class Election:
    """What one vote chooses. A vote to which the order of paths matters has NaN under resample.

    Attributes:
        winner_BC: prefix: the chosen group, or votes.NO_ANSWER or UNSCORED.
        variance_BC: over the permutations (ddof 1); 0 where the expectation is exact.
    """

    winner_BC: Ints
    prefix_BC: Floats
    resample_BC: Floats
    variance_BC: Floats

    def note(self, pools: Ints, winner_BKC: Ints, correct_BKC: Bools) -> None:
        """What came out for these pools: their first order is that of addresses, the others are random."""
        self.winner_BC[pools], self.prefix_BC[pools] = winner_BKC[:, 0], correct_BKC[:, 0]
        if (orders := winner_BKC.shape[1] - 1) > 0:
            self.resample_BC[pools] = correct_BKC[:, 1:].mean(axis=1)
            self.variance_BC[pools] = correct_BKC[:, 1:].var(axis=1, ddof=min(1, orders - 1))


def no_elections(batch: Batch, cuts: int) -> dict[Choice, Election]:
    """By every vote, with nothing noted yet."""
    shape = (len(batch.keys), cuts)
    return {
        choice: Election(np.full(shape, NO_ANSWER), *(np.full(shape, x) for x in (0.0, np.nan, 0.0)))
        for choice in batch.choices()
    }


async def make_batch(
    tables: Tables,
    keys: Sequence[Key],
    units: int,
    cell: CellRecord,
    group: Callable[[Sequence[str | None]], Awaitable[list[int]]],
    habits: Sequence[Habit],
) -> Batch:
    """The first `units` units of the pools that the cell reads, with their groups of equal answers. group:
    `Grouping.group`."""
    place_BUW = places(tables, keys, units)
    row_BN = place_BUW.reshape(len(keys), -1)
    pools = [[tables.answers[i] if i >= 0 else None for i in row_N] for row_N in row_BN.tolist()]
    group_BN = np.array(await asyncio.gather(*map(group, pools)), dtype=np.int64).reshape(row_BN.shape)
    for habit in habits:
        if habit.regroup:
            group_BN = habit.regroup(group_BN, row_BN >= 0)
    firsts = []
    for row_N, group_N in zip(row_BN, group_BN, strict=True):
        number, at = np.unique(group_N, return_index=True)
        firsts.append(row_N[at[number >= 0]])
    scores = {} if cell.verifier is None else tables.scores(cell.verifier).values_N
    there = row_BN[row_BN >= 0]
    # of a pool that was partly sampled without them no vote would be fair
    sure = {name: one_N for name, one_N in tables.confidence_N.items() if not np.isnan(one_N[there]).any()}
    columns = {"tokens": tables.tokens_N, "logprobs": tables.logprob_N, **sure}
    at_BN = {name: np.append(column_N, np.nan)[row_BN] for name, column_N in columns.items()}
    if cell.sequential:
        at_BN["drafts"] = np.where(row_BN < 0, np.nan, np.arange(row_BN.shape[1]))
    faults = dict(tables.faults_N)
    if scores:  # all alike: a path has a score or none
        faults["unscored"] = np.isnan(next(iter(scores.values()))).astype(np.float64)
    stopped_B = np.array([tables.is_cut(key) for key in keys], dtype=np.bool_)
    empty_B = (row_BN >= 0).sum(axis=1) == 0
    return Batch(
        *(keys, place_BUW, group_BN, firsts),
        right=[tables.right_N[first_G] for first_G in firsts],
        scores={agg: np.append(value_N, np.nan)[row_BN] for agg, value_N in scores.items()},
        columns={name: column for name, column in at_BN.items() if not np.isnan(column).all()},
        faults={
            "too_long": (empty_B & ~stopped_B).astype(np.float64),
            "stopped": stopped_B.astype(np.float64),
            **{name: _shares(fault_N, row_BN) for name, fault_N in faults.items()},
        },
    )


def _shares(fault_N: Floats, row_BN: Ints) -> Floats:
    """The share_B of a pool's paths that have the fault."""
    fault_BN = np.nan_to_num(np.append(fault_N, 0.0)[row_BN])
    paths_B = (row_BN >= 0).sum(axis=1)
    return np.divide(fault_BN.sum(axis=1), paths_B, out=np.full(len(row_BN), np.nan), where=paths_B > 0)


def elect(batch: Batch, draws: Sequence[int], count: int) -> dict[Choice, Election]:
    """Every vote of the batch at `draws` (units drawn, ascending), with `count` permutations (semantics,
    "Subsets"); 0: the first units only."""
    B, U, W = batch.place_BUW.shape
    found, cuts = no_elections(batch, len(draws)), [m * W for m in draws]
    orders = count if draws[0] < U else 0
    for pools in blocks(np.arange(B), max(1 + orders, U) * U * W):
        order_BKN = spread(np.stack([orders_of(batch.keys[b], U, orders) for b in pools]), W)
        for drawn, order in ((True, order_BKN), (False, order_BKN[:, :1])):
            for choice, winner_BKC in batch.winners(pools, order, cuts, drawn):
                found[choice].note(pools, winner_BKC, batch.correct(pools, winner_BKC))
        if draws[0] == 1 and count:
            # each unit alone: all are counted, so at n = 1 the votes agree exactly instead of within the
            # Monte-Carlo error
            order_BUW = np.broadcast_to(np.arange(U * W).reshape(U, W), (len(pools), U, W))
            for choice, winner_BU1 in batch.winners(pools, order_BUW, [W], drawn=True):
                found[choice].resample_BC[pools, 0] = batch.correct(pools, winner_BU1[:, :, 0]).mean(axis=1)
                found[choice].variance_BC[pools, 0] = 0
    if count:
        _add_closed_forms(batch, draws, found)
    whole_C = np.array(draws) == U  # nothing to choose
    for one in found.values():
        one.resample_BC[:, whole_C], one.variance_BC[:, whole_C] = one.prefix_BC[:, whole_C], 0
    return found


def blocks(pools: Ints, size: int) -> list[Ints]:
    """Pools of so many places each, in blocks that are counted in one call: numpy's own cost of one is that
    of some thousand places."""
    step = max(1, PLACES // max(1, size))
    return [pools[at : at + step] for at in range(0, len(pools), step)]


def orders_of(key: Key, units: int, count: int) -> Ints:
    """order_KU of a pool's units: that of addresses, and the `count` ones that expectations are counted
    over."""
    _, problem, seed = key
    order_KU = np.arange(units)[None]
    if count:
        order_KU = np.concatenate([order_KU, intervals.permutations(problem, seed, units, count)])
    return order_KU


def spread(order_XU: Ints, width: int) -> Ints:
    """order_XN: the places of the units' paths."""
    return (order_XU[..., None] * width + np.arange(width)).reshape(*order_XU.shape[:-1], -1)


def rows_of(pools: Ints, order_BKX: Ints) -> tuple[Ints, Ints]:
    """pool_K and order_KX: one pool's orders after another's."""
    B, K, X = order_BKX.shape
    return np.repeat(pools, K), order_BKX.reshape(B * K, X)


def _add_closed_forms(batch: Batch, draws: Sequence[int], found: Mapping[Choice, Election]) -> None:
    """The votes that have one, under resample, exactly."""
    shape = batch.place_BUW.shape
    right_BN = batch.correct(np.arange(len(batch.keys)), batch.group_BN)
    answered_BUW, right_BUW = (batch.group_BN >= 0).reshape(shape), right_BN.reshape(shape)
    for (name, agg), one in found.items():
        if exact := VOTES[name].exact:
            score_BN = np.full(right_BN.shape, np.nan) if agg is None else batch.scores[agg]
            expect = exact(UnitPaths(answered_BUW, right_BUW, score_BN.reshape(shape)))
            one.resample_BC[:] = np.stack([expect(m) for m in draws], axis=1)
