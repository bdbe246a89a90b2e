"""When a pool has enough before it has n: rules by name, and budgets (semantics, "Endings").

The same functions decide while a pool is sampled (run/growing.py, one order, as far as it has come) and when
a stored one is read (over orders of all its units), so what is saved can be replayed on a full pool at no
cost. A rule is a function and a line of RULES. Shape suffixes: B pools, K orders, N paths, U units, G groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ttc.readout.ballots import Ballots
from ttc.readout.costs import Costs
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.types import Ending, did_you_mean


@dataclass(frozen=True)
class Rule:
    """`fires`: (ballots, n, ending) -> fires_KN: is it enough, behind each place? What stands behind a place
    has no part in it. `fault`: what is wrong with the settings, None where nothing is."""

    fires: Callable[[Ballots, int, Ending], Bools]
    fault: Callable[[Ending], str | None] = lambda ending: None


def beta(ballots: Ballots, n: int, ending: Ending) -> Bools:
    """Adaptive-Consistency (Aggarwal et al. 2305.11860, section 3, the Beta criterion): of the two most
    frequent answers, v1 and v2 paths, the first is the likelier one with a probability of `certainty`."""
    from scipy.special import betainc

    first_KN, second_KN = leaders(ballots.group_KN)
    return betainc(second_KN + 1, first_KN + 1, 0.5) >= ending.certainty


def decided(ballots: Ballots, n: int, ending: Ending) -> Bools:
    """The paths that remain could not change the majority, all with the runner-up's answer."""
    first_KN, second_KN = leaders(ballots.group_KN)
    left_N = n - 1 - np.arange(ballots.group_KN.shape[1])
    return first_KN - second_KN > left_N


def esc(ballots: Ballots, n: int, ending: Ending) -> Bools:
    """Early-stopping self-consistency (Li et al. 2401.10480, section 3): all answers of a window are one."""
    group_KN, w = ballots.group_KN, ending.window
    same_KN = np.zeros(group_KN.shape, dtype=bool)
    if group_KN.shape[1] >= w:
        windows_KMW = np.lib.stride_tricks.sliding_window_view(group_KN, w, axis=1)
        same_KN[:, w - 1 :] = (windows_KMW == windows_KMW[..., :1]).all(axis=2) & (windows_KMW[..., 0] >= 0)
    return same_KN


def _unsure(ending: Ending) -> str | None:
    sure = 0.5 < ending.certainty < 1
    return None if sure else f"certainty={ending.certainty:g}: must be above 0.5 and below 1"


def _alone(ending: Ending) -> str | None:
    return "window=1: one path agrees with itself; take 2 or more" if ending.window < 2 else None


RULES: dict[str, Rule] = {"beta": Rule(beta, _unsure), "decided": Rule(decided), "esc": Rule(esc, _alone)}


def check(ending: Ending) -> list[str]:
    """The faults of what a line says of `stop`, a line each."""
    if ending.rule is None:
        return []
    if ending.rule not in RULES:
        known = ", ".join(RULES)
        return [f"stop.rule={ending.rule!r}: take one of {known}{did_you_mean(ending.rule, RULES)}"]
    fault = RULES[ending.rule].fault(ending)
    return [f"stop.{fault}"] if fault else []


def leaders(group_KN: Ints) -> tuple[Ints, Ints]:
    """Paths of the most and the second most frequent answer up to each place, first_KN and second_KN."""
    groups = np.arange(max(2, int(group_KN.max(initial=-1)) + 1))
    count_KNG = np.cumsum(group_KN[..., None] == groups, axis=1, dtype=np.int32)
    top_KNG = np.partition(count_KNG, -2, axis=2)
    return top_KNG[..., -1].astype(np.int64), top_KNG[..., -2].astype(np.int64)


def enough(ballots: Ballots, n: int, ending: Ending) -> Ints:
    """used_K: how many of its paths each order takes until the rule stops it; n where it never does."""
    K, N = ballots.group_KN.shape
    if ending.rule is None:
        return np.full(K, n)
    fires_KN = RULES[ending.rule].fires(ballots, n, ending) & (np.arange(1, N + 1) % ending.window == 0)
    return np.minimum(np.where(fires_KN.any(axis=1), fires_KN.argmax(axis=1) + 1, n), n)


def affordable(root_K: Floats, price_KU: Floats, limit: float) -> Floats:
    """used_K: how many units each order can pay, in the order's prices. Of the unit that the limit falls into
    a part is paid, and it does not count: 2.4 are two, and 40 % of the third one's cost for nothing."""
    spent_KU = root_K[:, None] + np.cumsum(price_KU, axis=1)
    whole_K = (spent_KU <= limit * (1 + 1e-12)).sum(axis=1)
    padded_KU = np.concatenate([root_K[:, None], spent_KU], axis=1)
    next_K = np.minimum(whole_K, price_KU.shape[1] - 1)
    rows = np.arange(len(price_KU))
    left_K = limit - padded_KU[rows, whole_K]
    part_K = np.where(whole_K < price_KU.shape[1], left_K / price_KU[rows, next_K], 0.0)
    return whole_K + np.clip(np.nan_to_num(part_K), 0.0, 1 - 1e-9)


def has_enough(ending: Ending, ballots: Ballots, costs: Costs, units: int, most: int) -> bool:
    """Has a pool of so many units all that the ending would let one of `most` units use? One order; the costs
    are those of a vote that reads no scores, which a budget lets have the most."""
    if not units or units >= most:
        return units >= most
    if ending.rule and enough(ballots, most, ending)[0] <= units:
        return True
    priced = costs.prices(scored=False)
    return any(affordable(*priced[measure], limit)[0] < units for measure, limit in ending.budgets.items())


def units_used(
    ballots: Ballots, n: int, ending: Ending, prices: Mapping[str, tuple[Floats, Floats]]
) -> Floats:
    """used_K: how many units of each order are paid; the whole ones count.

    Args:
        ballots: of the orders' paths. A rule counts paths, and then a unit is one.
        n: units at most.
        prices: measure -> (the root's cost root_K, price_KU).
    """
    used_K = enough(ballots, n, ending).astype(np.float64)
    for measure, limit in ending.budgets.items():
        used_K = np.minimum(used_K, affordable(*prices[measure], limit))
    return used_K
