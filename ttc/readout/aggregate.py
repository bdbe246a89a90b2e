"""Every path's aggregated score at once: `strategies.aggregations`, vectorised where numpy has the form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ttc.stats.arrays import Floats, Ints
from ttc.strategies.aggregations import AGGREGATIONS, last, mean

VECTORISED: dict[object, Callable[[Floats, Ints, Ints], Floats]] = {
    last: lambda flat, starts, ends: flat[ends - 1],
    min: lambda flat, starts, ends: np.minimum.reduceat(flat, starts),
    math.prod: lambda flat, starts, ends: np.multiply.reduceat(flat, starts),
    mean: lambda flat, starts, ends: np.add.reduceat(flat, starts) / (ends - starts),
}
"""By the function itself: (scores of all paths, where each begins, where it ends) -> a value for each. An
entry of the registry that is not here is asked path by path."""


def aggregate_ragged(flat: Floats, offsets: Ints, how: str) -> Floats:
    """`aggregate` of many paths: the scores of path i are flat[offsets[i]:offsets[i+1]].

    NaN stands for a missing score, and for a path that is not scored.
    """
    out_N = np.full(len(offsets) - 1, np.nan)
    some_N = offsets[1:] > offsets[:-1]
    starts, ends = offsets[:-1][some_N], offsets[1:][some_N]
    if not len(starts):
        return out_N
    flat = flat[: ends[-1]]  # reduceat reads the last path to the end of the array
    one = AGGREGATIONS[how]
    if one in VECTORISED:
        value_N = VECTORISED[one](flat, starts, ends)
    else:
        lists = (flat[start:end].tolist() for start, end in zip(starts, ends, strict=True))
        value_N = np.array([one(scores) for scores in lists], dtype=np.float64)
    missing_N = np.isnan(np.add.reduceat(flat, starts))  # NaN where any score is missing
    out_N[some_N] = np.where(missing_N, np.nan, value_N)
    return out_N
