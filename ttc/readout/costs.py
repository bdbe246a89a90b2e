"""What a cell costs alone, with perfect prefix re-use: its root once plus its units (semantics, "Costs").

Tokens and seconds per pool; NaN = not measured, never 0. Shape suffixes: B pools, U units, W paths of a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ttc.readout.pools import POLICY_FACTS, PRM_FACTS, STEP_COSTS, Key, Tables, places
from ttc.stats.arrays import Floats
from ttc.store.records import CellRecord
from ttc.types import MEASURES


@dataclass(frozen=True)
class Side:
    """The policy's or the verifier's part: a unit's own tokens, and the sum of their contexts for FLOPs."""

    root_B: Floats
    token_BU: Floats
    context_BU: Floats
    params_B: Floats
    attention_B: Floats
    rate_B: Floats

    def add_up(self, units: Callable[[Floats], Floats]) -> tuple[Floats, Floats, Floats]:
        """Tokens, FLOPs and seconds: 2P a computed token and 4 x attention for each token in its context
        (semantics, "Axes and FLOPs"). units: value_BU -> the sum over those that are read, or as it is:
        then of the root and each unit alone (_BU)."""
        tokens, contexts = units(self.token_BU), units(self.context_BU)
        root, params, attention, rate = (
            fact_B.reshape(-1, *[1] * (tokens.ndim - 1))
            for fact_B in (self.root_B, self.params_B, self.attention_B, self.rate_B)
        )
        tokens = root + tokens
        contexts = context_sum(np.zeros_like(root), root) + contexts
        flops = 2 * params * tokens + 4 * attention * contexts
        # a rule over texts takes no tokens, and no time to speak of
        return tokens, flops, np.where(tokens == 0, 0.0, tokens / rate)


@dataclass(frozen=True)
class Costs:
    """The cost columns of some pools. `guided` searches pay for their verifier whatever the vote."""

    policy: Side
    verifier: Side | None
    guided: bool
    generated_BU: Floats

    def first(self, m: int) -> Floats:
        """weight_BU of the first m units."""
        B, U = self.policy.token_BU.shape
        return np.tile(np.where(np.arange(U) < m, 1.0, 0.0), (B, 1))

    def mean(self, m: int) -> Floats:
        """weight_BU of m mean units."""
        return np.full_like(self.policy.token_BU, m / self.policy.token_BU.shape[1])

    def columns(self, weight_BU: Floats, scored: bool) -> dict[str, Floats]:
        """Per pool, of each unit as much as its weight says. `scored`: the vote uses scores."""

        def units(value_BU: Floats) -> Floats:
            return np.where(weight_BU > 0, weight_BU * value_BU, 0.0).sum(axis=1)

        tokens_B, flops_B, seconds_B = self.policy.add_up(units)
        prm_tokens_B = np.zeros_like(tokens_B)
        if self.pays(scored):
            assert self.verifier, "who pays for one has one"
            prm_tokens_B, prm_flops_B, prm_seconds_B = self.verifier.add_up(units)
            flops_B, seconds_B = flops_B + prm_flops_B, seconds_B + prm_seconds_B
        return {
            "generated_tokens": units(self.generated_BU),
            "policy_tokens": tokens_B,
            "prm_tokens": prm_tokens_B,
            "flops": flops_B,
            "seconds": seconds_B,
        }

    def pays(self, scored: bool) -> bool:
        """For the verifier."""
        return self.verifier is not None and (scored or self.guided)

    def prices(self, scored: bool) -> dict[str, tuple[Floats, Floats]]:
        """Measure of a budget -> what the roots cost, root_B, and each unit beside them, price_BU."""
        sides = [self.policy, *([self.verifier] if self.verifier and self.pays(scored) else [])]
        roots = np.sum([side.add_up(lambda value_BU: 0.0 * value_BU[:, 0]) for side in sides], axis=0)
        whole = np.sum([side.add_up(lambda value_BU: value_BU) for side in sides], axis=0)
        return {name: (roots[i], whole[i] - roots[i][:, None]) for i, name in enumerate(MEASURES)}


def context_sum(start: Floats, count: Floats) -> Floats:
    """Sum of the positions of `count` tokens that follow `start` others, the first position being 0."""
    return count * start + count * (count - 1) / 2


def make_costs(tables: Tables, keys: Sequence[Key], units: int, cell: CellRecord) -> Costs:
    """The costs of the first `units` units of each pool, as the cell reads them."""
    facts = _facts(tables, keys, POLICY_FACTS)
    if cell.keeps_tree:
        token_BU, turn_BU, context_BU, *scored = _drawn(tables, keys, units)
        policy = _side(facts, token_BU + np.nan_to_num(turn_BU), context_BU)
        if cell.guided:
            return Costs(policy, _side(_facts(tables, keys, PRM_FACTS), *scored), True, token_BU)
    else:
        # a unit is its paths, and a path continues the prompt alone: nothing but the root is shared
        token_BUW = np.append(tables.tokens_N, 0.0)[places(tables, keys, units)]
        token_BU = token_BUW.sum(axis=2)
        policy = _side(facts, token_BU, context_sum(facts[0][:, None, None], token_BUW).sum(axis=2))
    prm = None if cell.verifier is None else _scored(tables, keys, units, cell.verifier)
    return Costs(policy, prm, False, token_BU)


def _scored(tables: Tables, keys: Sequence[Key], units: int, verifier: str) -> Side:
    """What scoring the paths of each unit afterwards cost."""
    place_BUW = places(tables, keys, units)
    costs_N = tables.scores(verifier).costs_N
    facts = []
    for name in PRM_FACTS:  # the first value of each pool that is there
        value_BN = np.append(costs_N[name], np.nan)[place_BUW].reshape(len(keys), -1)
        facts.append(value_BN[np.arange(len(keys)), (~np.isnan(value_BN)).argmax(axis=1)])
    facts[0][(place_BUW < 0).all(axis=(1, 2))] = 0.0
    sums = (
        np.append(costs_N[name], 0.0)[place_BUW].sum(axis=2) for name in ("prm_tokens", "prm_context_sum")
    )
    return _side(facts, *sums)


def _drawn(tables: Tables, keys: Sequence[Key], units: int) -> Floats:
    """All that each unit's search drew and scored, discarded children and critiques too: the sums of
    STEP_COSTS over its steps/ rows, first axis."""
    rows = []
    for key in keys:
        drawn = [tables.steps.get((*key, unit)) for unit in range(units)]
        # an empty search drew nothing; what was drawn for the paths of an import nobody kept
        other = [0.0 if any(drawn) or tables.is_empty(key) else np.nan] * len(STEP_COSTS)
        rows.append([sums or other for sums in drawn])
    sums = np.moveaxis(np.array(rows, dtype=np.float64), 2, 0)
    for prm_BU in sums[-2:]:  # a unit of blank steps only was never scored: 0, if any other was measured
        if not np.isnan(prm_BU).all():
            prm_BU[:] = np.nan_to_num(prm_BU)
    return sums


def _facts(tables: Tables, keys: Sequence[Key], names: Sequence[str]) -> list[Floats]:
    """What searches/ says of a model: the root's tokens, and its size, attention and rate."""
    facts = [[tables.covered[key].facts.get(name) for key in keys] for name in names]
    root_B, *others = np.array(facts, dtype=np.float64)
    # a problem that was too long to start computed no root
    unstarted_B = np.isnan(root_B) & np.array([tables.is_empty(key) for key in keys])
    return [np.where(unstarted_B, 0.0, root_B), *others]


def _side(facts: Sequence[Floats], token_BU: Floats, context_BU: Floats) -> Side:
    """facts: as `_facts` has them."""
    root_B, *others = facts
    return Side(root_B, token_BU, context_BU, *map(_fill, others))


def _fill(value_B: Floats) -> Floats:
    """A model's size and rate are the run's: a pool without the figure takes the others' mean."""
    known = value_B[~np.isnan(value_B)]
    return np.where(np.isnan(value_B), known.mean() if len(known) else np.nan, value_B)
