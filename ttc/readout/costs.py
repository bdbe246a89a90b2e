"""What a cell costs alone, with perfect prefix re-use: its root once plus its units (semantics, "Costs").

Tokens and seconds per pool; NaN = not measured, never 0. Shape suffixes: B pools, U units, W paths of a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ttc.readout.pools import PRM_FACTS, Key, Tables, places
from ttc.stats.arrays import Floats


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
        (semantics, "Axes and FLOPs"). units: value_BU -> the sum over those that are read."""
        tokens_B = self.root_B + units(self.token_BU)
        contexts_B = context_sum(np.zeros_like(self.root_B), self.root_B) + units(self.context_BU)
        flops_B = 2 * self.params_B * tokens_B + 4 * self.attention_B * contexts_B
        # a rule over texts takes no tokens, and no time to speak of
        return tokens_B, flops_B, np.where(tokens_B == 0, 0.0, tokens_B / self.rate_B)


@dataclass(frozen=True)
class Costs:
    """The cost columns of some pools. `guided` searches pay for their verifier whatever the vote."""

    policy: Side
    verifier: Side | None
    guided: bool

    def columns(self, m: int, resample: bool, scored: bool) -> dict[str, Floats]:
        """Per pool, of the first m units, or (`resample`) of m mean ones. `scored`: the vote uses scores."""

        def units(value_BU: Floats) -> Floats:
            return m * value_BU.mean(axis=1) if resample else value_BU[:, :m].sum(axis=1)

        tokens_B, flops_B, seconds_B = self.policy.add_up(units)
        prm_tokens_B = np.zeros_like(tokens_B)
        if self.verifier is not None and (scored or self.guided):
            prm_tokens_B, prm_flops_B, prm_seconds_B = self.verifier.add_up(units)
            flops_B, seconds_B = flops_B + prm_flops_B, seconds_B + prm_seconds_B
        return {
            "generated_tokens": units(self.policy.token_BU),
            "policy_tokens": tokens_B,
            "prm_tokens": prm_tokens_B,
            "flops": flops_B,
            "seconds": seconds_B,
        }


def context_sum(start: Floats, count: Floats) -> Floats:
    """Sum of the positions of `count` tokens that follow `start` others, the first position being 0."""
    return count * start + count * (count - 1) / 2


def make_costs(tables: Tables, keys: Sequence[Key], units: int, verifier: str | None, guided: bool) -> Costs:
    """The costs of the first `units` units of each pool."""
    if guided:
        token_BU, context_BU, prm_token_BU, prm_context_BU = _drawn(tables, keys, units)
        policy = _side(tables, keys, "policy", token_BU, context_BU)
        return Costs(policy, _side(tables, keys, "prm", prm_token_BU, prm_context_BU), guided)
    # a unit is its paths, and a path continues the prompt alone: nothing but the root is shared
    place_BUW = places(tables, keys, units)
    token_BUW = np.append(tables.tokens_N, 0.0)[place_BUW]
    root_B = _root(tables, keys, "policy")
    context_BU = context_sum(root_B[:, None, None], token_BUW).sum(axis=2)
    policy = _side(tables, keys, "policy", token_BUW.sum(axis=2), context_BU)
    if verifier is None:
        return Costs(policy, None, guided)
    costs_N = tables.scores(verifier).costs_N
    fact = {}
    for name in PRM_FACTS:  # the first value of each pool that is there
        value_BN = np.append(costs_N[name], np.nan)[place_BUW].reshape(len(keys), -1)
        fact[name] = value_BN[np.arange(len(keys)), (~np.isnan(value_BN)).argmax(axis=1)]
    empty_B = (place_BUW < 0).all(axis=(1, 2))
    side = Side(
        np.where(empty_B, 0.0, fact["prm_prompt_tokens"]),
        np.append(costs_N["prm_tokens"], 0.0)[place_BUW].sum(axis=2),
        np.append(costs_N["prm_context_sum"], 0.0)[place_BUW].sum(axis=2),
        *(_fill(fact[name]) for name in ("prm_params", "prm_attention", "prm_rate")),
    )
    return Costs(policy, side, guided)


def _drawn(tables: Tables, keys: Sequence[Key], units: int) -> Floats:
    """All that each unit's search drew and scored, discarded children too: the sums over its steps/ rows of
    the tokens and contexts of the policy and of the verifier, first axis."""
    rows = []
    for key in keys:
        drawn = [tables.steps.get((*key, unit)) for unit in range(units)]
        # an empty search drew nothing; what was drawn for the paths of an import nobody kept
        other = [0.0 if any(drawn) or tables.is_empty(key) else np.nan] * 4
        rows.append([sums or other for sums in drawn])
    sums = np.array(rows, dtype=np.float64)
    for prm_column in (2, 3):  # a unit of blank steps only was never scored: 0, if any other was measured
        if not np.isnan(sums[:, :, prm_column]).all():
            sums[:, :, prm_column] = np.nan_to_num(sums[:, :, prm_column])
    return np.moveaxis(sums, 2, 0)


def _side(tables: Tables, keys: Sequence[Key], model: str, token_BU: Floats, context_BU: Floats) -> Side:
    """model: policy or prm, by whose facts in searches/ the tokens are priced."""
    facts = (_fill(_fact(tables, keys, f"{model}_{name}")) for name in ("params", "attention", "rate"))
    return Side(_root(tables, keys, model), token_BU, context_BU, *facts)


def _root(tables: Tables, keys: Sequence[Key], model: str) -> Floats:
    """The root's tokens; a problem that was too long to start computed none."""
    value_B = _fact(tables, keys, "prompt_tokens" if model == "policy" else "prm_prompt_tokens")
    empty_B = np.array([tables.is_empty(key) for key in keys])
    return np.where(np.isnan(value_B) & empty_B, 0.0, value_B)


def _fact(tables: Tables, keys: Sequence[Key], name: str) -> Floats:
    return np.array([tables.covered[key].facts.get(name) for key in keys], dtype=np.float64)


def _fill(value_B: Floats) -> Floats:
    """A model's size and rate are the run's: a pool without the figure takes the others' mean."""
    known = value_B[~np.isnan(value_B)]
    return np.where(np.isnan(value_B), known.mean() if len(known) else np.nan, value_B)
