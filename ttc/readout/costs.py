"""What a cell costs alone, with perfect prefix re-use: its root once plus its units (semantics, "Costs").

Tokens and seconds per pool; NaN = not measured, never 0. Shape suffixes: B pools, U units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ttc.readout.pools import Key, Tables, places
from ttc.stats.arrays import Floats, Ints


@dataclass(frozen=True)
class Side:
    """The policy's or the verifier's part: a unit's own tokens, and the sum of their contexts for FLOPs."""

    root_B: Floats
    token_BU: Floats
    context_BU: Floats
    params_B: Floats
    attention_B: Floats
    rate_B: Floats

    def flops(self, units: UnitSum) -> Floats:
        """2P a computed token and 4 x attention for each token in its context (semantics, "Axes and
        FLOPs")."""
        contexts = context_sum(np.zeros_like(self.root_B), self.root_B) + units(self.context_BU)
        return 2 * self.params_B * self.tokens(units) + 4 * self.attention_B * contexts

    def tokens(self, units: UnitSum) -> Floats:
        return self.root_B + units(self.token_BU)

    def seconds(self, units: UnitSum) -> Floats:
        tokens_B = self.tokens(units)
        # a rule over texts takes no tokens, and no time to speak of
        return np.where(tokens_B == 0, 0.0, tokens_B / self.rate_B)


@dataclass(frozen=True)
class UnitSum:
    """How many units are read, and how: the first m, or m of the mean unit."""

    m: int
    resample: bool

    def __call__(self, value_BU: Floats) -> Floats:
        return self.m * value_BU.mean(axis=1) if self.resample else value_BU[:, : self.m].sum(axis=1)


@dataclass(frozen=True)
class Costs:
    """The cost columns of some pools. `guided` searches pay for their verifier whatever the vote."""

    policy: Side
    verifier: Side | None
    guided: bool

    def columns(self, m: int, resample: bool, scored: bool) -> dict[str, Floats]:
        """Per pool. `scored`: the vote uses scores."""
        units = UnitSum(m, resample)
        out = {
            "generated_tokens": units(self.policy.token_BU),
            "policy_tokens": self.policy.tokens(units),
            "prm_tokens": np.zeros_like(self.policy.root_B),
            "flops": self.policy.flops(units),
            "seconds": self.policy.seconds(units),
        }
        if self.verifier is not None and (scored or self.guided):
            out["prm_tokens"] = self.verifier.tokens(units)
            out["flops"] = out["flops"] + self.verifier.flops(units)
            out["seconds"] = out["seconds"] + self.verifier.seconds(units)
        return out


def context_sum(start: Floats, count: Floats) -> Floats:
    """Sum of the positions of `count` tokens that follow `start` others, the first position being 0."""
    return count * start + count * (count - 1) / 2


def make_costs(tables: Tables, keys: Sequence[Key], units: int, verifier: str | None, guided: bool) -> Costs:
    """The costs of the first `units` units of each pool."""
    return _guided(tables, keys, units) if guided else _unguided(tables, keys, units, verifier)


def _guided(tables: Tables, keys: Sequence[Key], units: int) -> Costs:
    """A unit's tokens are all that its search drew and scored, discarded children too: steps/ rows."""
    nothing = (0.0, 0.0, 0.0, 0.0)  # an empty search drew nothing
    unknown = (np.nan, np.nan, np.nan, np.nan)  # paths of an import: nobody kept what was drawn for them
    rows = []
    for key in keys:
        drawn = [tables.steps.get((*key, unit)) for unit in range(units)]
        kept = any(drawn) or tables.rows(key).start == tables.rows(key).stop
        rows.append([sums or (nothing if kept else unknown) for sums in drawn])
    sums = np.array(rows, dtype=np.float64)
    for prm_column in (2, 3):  # a unit of blank steps only was never scored: 0, if any other was measured
        if not np.isnan(sums[:, :, prm_column]).all():
            sums[:, :, prm_column] = np.nan_to_num(sums[:, :, prm_column])
    token_BU, context_BU, prm_BU, prm_context_BU = np.moveaxis(sums, 2, 0)
    policy = Side(_root(tables, keys, "prompt_tokens"), token_BU, context_BU, *_facts(tables, keys, "policy"))
    root_B = _root(tables, keys, "prm_prompt_tokens")
    return Costs(policy, Side(root_B, prm_BU, prm_context_BU, *_facts(tables, keys, "prm")), guided=True)


def _unguided(tables: Tables, keys: Sequence[Key], units: int, verifier: str | None) -> Costs:
    """A unit is its paths, and a path continues the prompt alone: nothing but the root is shared."""
    place_BUW = places(tables, keys, units)
    root_B = _root(tables, keys, "prompt_tokens")
    token_BUW = _at(tables.tokens_N, place_BUW)
    context_BU = context_sum(root_B[:, None, None], token_BUW).sum(axis=2)
    policy = Side(root_B, token_BUW.sum(axis=2), context_BU, *_facts(tables, keys, "policy"))
    if verifier is None:
        return Costs(policy, None, guided=False)
    scores = tables.scores(verifier)
    fact = {name: _first(_at(column, place_BUW, np.nan)) for name, column in scores.facts_N.items()}
    empty_B = (place_BUW < 0).all(axis=(1, 2))
    side = Side(
        np.where(empty_B, 0.0, fact["prm_prompt_tokens"]),
        _at(scores.tokens_N, place_BUW).sum(axis=2),
        _at(scores.context_N, place_BUW).sum(axis=2),
        *(_filled(fact[name]) for name in ("prm_params", "prm_attention", "prm_rate")),
    )
    return Costs(policy, side, guided=False)


def _at(column_N: Floats, place_BUW: Ints, absent: float = 0.0) -> Floats:
    """column_N at each place, `absent` where there is no path."""
    return np.append(column_N, absent)[place_BUW]


def _first(value_BUW: Floats) -> Floats:
    """The first value of each pool that is there."""
    flat = value_BUW.reshape(len(value_BUW), -1)
    return flat[np.arange(len(flat)), (~np.isnan(flat)).argmax(axis=1)]


def _fact(tables: Tables, keys: Sequence[Key], name: str) -> Floats:
    return np.array([tables.covered[key].facts.get(name) for key in keys], dtype=np.float64)


def _root(tables: Tables, keys: Sequence[Key], name: str) -> Floats:
    """The root's tokens; a problem that was too long to start computed none."""
    value_B = _fact(tables, keys, name)
    empty_B = np.array([tables.rows(key).start == tables.rows(key).stop for key in keys])
    return np.where(np.isnan(value_B) & empty_B, 0.0, value_B)


def _facts(tables: Tables, keys: Sequence[Key], model: str) -> list[Floats]:
    return [_filled(_fact(tables, keys, f"{model}_{name}")) for name in ("params", "attention", "rate")]


def _filled(value_B: Floats) -> Floats:
    """A model's size and rate are the run's: a pool without the figure takes the others' mean."""
    known = value_B[~np.isnan(value_B)]
    return np.where(np.isnan(value_B), known.mean() if len(known) else np.nan, value_B)
