"""Votes over pools: for every (vote, agg) and every number of units drawn, how right each pool's choice is.

One `Batch` = cells that read the same pools (a family, a verifier, a selection, its complete seeds).
Shape suffixes: B pools, problem-major; U units; W paths of a unit; N = U x W places; A aggregations; C cuts
(numbers of units drawn, ascending); K orders; G groups of a pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ttc.grading import Grader, group
from ttc.readout.pools import Key, Tables, places
from ttc.readout.votes import AGGS, NO_ANSWER, Agg, Ballots, Floats, Ints, Vote
from ttc.stats import intervals as statistics

Choice = tuple[Vote, Agg | None]
Grouping = Callable[[Sequence[str | None]], Awaitable[list[int]]]
"""The answers of a pool in address order -> for each its group's number, -1 for none."""


@dataclass(frozen=True)
class Batch:
    """The pools that some cells read, all with the same number of units."""

    keys: Sequence[Key]
    place_BUW: Ints
    group_BN: Ints
    """Numbered from 0 within a pool, in address order of the representatives; -1: no answer."""
    firsts: Sequence[Ints]
    """For each pool the path rows of its groups' representatives."""
    score_ABN: Floats | None
    """None: no verifier, so no best and weighted."""

    @property
    def units(self) -> int:
        return self.place_BUW.shape[1]

    @property
    def width(self) -> int:
        return self.place_BUW.shape[2]

    def choices(self) -> Iterator[Choice]:
        if self.score_ABN is not None:
            yield from (("best", agg) for agg in AGGS)
            yield from (("weighted", agg) for agg in AGGS)
        yield from (("majority", None), ("oracle", None))


@dataclass(frozen=True)
class Outcome:
    """What one vote chooses."""

    winner_BC: Ints
    """prefix: the chosen group, or voting.NO_ANSWER or UNSCORED."""
    prefix_BC: Floats
    resample_BC: Floats
    variance_BC: Floats
    """Over the permutations (ddof 1); 0 where the expectation is exact."""


async def make_batch(
    tables: Tables,
    keys: Sequence[Key],
    units: int,
    verifier: str | None,
    grader: Grader,
    grouping: Grouping | None = None,
    blanks_vote: bool = False,
) -> Batch:
    """The first `units` units of the pools, with their groups of equal answers.

    Args:
        grouping: what groups are, in place of the grader's equivalence.
        blanks_vote: paths without an answer are a group too, and never a right one (spec 8).
    """
    place_BUW = places(tables, keys, units)
    row_BN = place_BUW.reshape(len(keys), -1)
    pools = [[tables.answers[i] if i >= 0 else None for i in row_N] for row_N in row_BN.tolist()]
    grouping = grouping or partial(group, grader=grader)
    groups = await asyncio.gather(*map(grouping, pools))
    group_BN = np.array(groups, dtype=np.int64).reshape(row_BN.shape)
    if blanks_vote:
        blank_BN = (group_BN < 0) & (row_BN >= 0)
        group_BN = np.where(blank_BN, group_BN.max(axis=1, keepdims=True, initial=-1) + 1, group_BN)
    firsts = []
    for row_N, group_N in zip(row_BN, group_BN, strict=True):
        number, at = np.unique(group_N, return_index=True)
        firsts.append(row_N[at[number >= 0]])
    score_ABN = None
    if verifier is not None:
        value_AN = tables.scores(verifier).value_AN
        padded = np.concatenate([value_AN, np.full((len(AGGS), 1), np.nan)], axis=1)
        score_ABN = padded[:, row_BN]  # place -1 reads the NaN at the end
    return Batch(keys, place_BUW, group_BN, firsts, score_ABN)


def rows_in_order(batch: Batch) -> Batch:
    """The batch as if each path were a unit: its paths in address order, absent places last."""
    row_BN = batch.place_BUW.reshape(len(batch.keys), -1)
    order_BN = np.argsort(row_BN < 0, axis=1, kind="stable")
    score_ABN = batch.score_ABN
    if score_ABN is not None:
        score_ABN = np.stack([np.take_along_axis(score_BN, order_BN, axis=1) for score_BN in score_ABN])
    return replace(
        batch,
        place_BUW=np.take_along_axis(row_BN, order_BN, axis=1)[:, :, None],
        group_BN=np.take_along_axis(batch.group_BN, order_BN, axis=1),
        score_ABN=score_ABN,
    )


def first_outcomes(tables: Tables, batch: Batch, draws: Sequence[int]) -> dict[Choice, Outcome]:
    """Every vote over the first units alone: `outcomes` without subsets drawn from the pool."""
    arrays = {choice: _blank(len(batch.keys), len(draws)) for choice in batch.choices()}
    for b in range(len(batch.keys)):
        right_G = tables.right_N[batch.firsts[b]]
        for choice, winner_KC in _winners(batch, b, draws, 0, right_G):
            arrays[choice].winner_BC[b] = winner_KC[0]
            arrays[choice].prefix_BC[b] = np.append(right_G, [False, False])[winner_KC[0]]
    return arrays


def outcomes(tables: Tables, batch: Batch, draws: Sequence[int], count: int) -> dict[Choice, Outcome]:
    """Every vote of the batch at `draws` (units drawn, ascending), with `count` permutations (spec 6)."""
    B, C = len(batch.keys), len(draws)
    arrays = {choice: _blank(B, C) for choice in batch.choices()}
    for b in range(B):
        right_G = tables.right_N[batch.firsts[b]]
        for choice, winner_KC in _winners(batch, b, draws, count, right_G):
            correct_KC = np.append(right_G, [False, False])[winner_KC]  # NO_ANSWER and UNSCORED are wrong
            outcome = arrays[choice]
            outcome.winner_BC[b], outcome.prefix_BC[b] = winner_KC[0], correct_KC[0]
            if len(winner_KC) > 1:  # drawn, not enumerated: weighted and majority
                outcome.resample_BC[b] = correct_KC[1:].mean(axis=0)
                outcome.variance_BC[b] = correct_KC[1:].var(axis=0, ddof=min(1, count - 1))
        if draws[0] == 1:
            for choice, winner_U1 in _alone(batch, b):
                correct_U1 = np.append(right_G, [False, False])[winner_U1]
                arrays[choice].resample_BC[b, 0], arrays[choice].variance_BC[b, 0] = correct_U1.mean(), 0
    _closed_forms(tables, batch, draws, arrays)
    for outcome in arrays.values():
        for c, m in enumerate(draws):
            if m == batch.units:  # nothing to choose
                outcome.resample_BC[:, c] = outcome.prefix_BC[:, c]
                outcome.variance_BC[:, c] = 0
    return arrays


def _blank(B: int, C: int) -> Outcome:
    return Outcome(np.full((B, C), NO_ANSWER), np.zeros((B, C)), np.zeros((B, C)), np.zeros((B, C)))


def _winners(
    batch: Batch, b: int, draws: Sequence[int], count: int, right_G: np.ndarray
) -> Iterator[tuple[Choice, Ints]]:
    """The winning groups of pool b, winner_KC: row 0 in address order, the others in permuted orders."""
    U, W = batch.units, batch.width
    order_KU = np.arange(U)[None]
    if draws[0] < U and count:
        _, problem, seed = batch.keys[b]
        order_KU = np.concatenate([order_KU, statistics.permutations(problem, seed, U, count)])
    order_KN = (order_KU[:, :, None] * W + np.arange(W)).reshape(len(order_KU), -1)
    cuts = [m * W for m in draws]
    group_N = batch.group_BN[b]
    permuted, single = Ballots(group_N[order_KN], cuts), Ballots(group_N[None], cuts)
    yield ("majority", None), permuted.majority()
    yield ("oracle", None), single.oracle(right_G)
    if batch.score_ABN is not None:
        for agg, score_BN in zip(AGGS, batch.score_ABN, strict=True):
            yield ("weighted", agg), permuted.weighted(score_BN[b][order_KN])
            yield ("best", agg), single.best(score_BN[b][None])


def _alone(batch: Batch, b: int) -> Iterator[tuple[Choice, Ints]]:
    """Weighted and majority where one unit is drawn: the winners of each unit alone, winner_U1.

    All U are counted, so at n = 1 the votes agree exactly instead of within the Monte-Carlo error.
    """
    shape = (batch.units, batch.width)
    ballots = Ballots(batch.group_BN[b].reshape(shape), [batch.width])
    yield ("majority", None), ballots.majority()
    if batch.score_ABN is not None:
        for agg, score_BN in zip(AGGS, batch.score_ABN, strict=True):
            yield ("weighted", agg), ballots.weighted(score_BN[b].reshape(shape))


def _closed_forms(tables: Tables, batch: Batch, draws: Sequence[int], arrays: dict[Choice, Outcome]) -> None:
    """oracle and best under resample, exactly."""
    B, U, W = batch.place_BUW.shape
    answered_BN = batch.group_BN >= 0
    right_BN = np.zeros_like(answered_BN)
    for b, first_G in enumerate(batch.firsts):
        right_BN[b] = np.append(tables.right_N[first_G], False)[batch.group_BN[b]]
    right_BUW = right_BN.reshape(B, U, W)
    unit_BU = np.asarray(right_BUW.any(axis=2))
    for c, m in enumerate(draws):
        arrays["oracle", None].resample_BC[:, c] = statistics.expected_oracle(unit_BU, m)
    if batch.score_ABN is None:
        return
    for agg, score_BN in zip(AGGS, batch.score_ABN, strict=True):
        score_BUW = np.where(answered_BN & ~np.isnan(score_BN), score_BN, -np.inf).reshape(B, U, W)
        best_BU1 = score_BUW.argmax(axis=2)[:, :, None]
        top_BU = np.take_along_axis(score_BUW, best_BU1, axis=2)[:, :, 0]
        right_BU = np.take_along_axis(right_BUW, best_BU1, axis=2)[:, :, 0]
        rank_BU = np.where(np.isneginf(top_BU), np.nan, top_BU)
        for c, m in enumerate(draws):
            arrays["best", agg].resample_BC[:, c] = statistics.expected_best(right_BU, rank_BU, m)
