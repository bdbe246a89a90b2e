"""How sure the policy was of each path, from its confidence in every token: the columns that votes read.

    confidence    the mean over all its tokens
    lowest_group  the lowest mean over `window` tokens in a row (DeepConf, Fu et al. 2508.15260, section 3.1)
    tail          the mean of its last `window` tokens

A path shorter than the window is one group. A path without a token was sure of nothing: 0. NaN: not kept.
Shape suffixes: N paths, T tokens of all paths in a row.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ttc.readout.ballots import CONFIDENCE
from ttc.stats.arrays import Floats, Ints
from ttc.store import Folder

READ, AT_ONCE = 100_000, 10_000
"""Paths whose tokens are read at once, and that are looked at together, about: a million have some GB."""


def read_windows(
    folder: Folder, path: pa.Array, problem: pa.ChunkedArray, where: pc.Expression | None, window: int
) -> dict[str, Floats]:
    """The columns, a value for each path. problem: the keys of their problems; where: rows that hold them."""
    found = {name: np.full(len(path), np.nan) for name in CONFIDENCE}
    keys = pc.unique(problem)
    size = max(1, len(keys) * READ // max(1, len(path)))
    for first in range(0, len(keys), size):
        some = pc.field("problem_key").isin(keys.slice(first, size))
        rows = folder.read("paths", ["confidences"], where=some if where is None else where & some)
        rows = rows.filter(pc.is_valid(rows["confidences"]))
        at = pc.index_in(rows["path"], value_set=path)
        rows, at = rows.filter(pc.is_valid(at)), at.drop_null()  # a sweep may add some meanwhile
        for start in range(0, len(rows), AT_ONCE):
            lists = rows["confidences"].slice(start, AT_ONCE).combine_chunks()
            length_N = np.asarray(lists.value_lengths(), dtype=np.int64)
            values = group(np.asarray(lists.flatten(), dtype=np.float64), length_N, window)
            for name, value_N in zip(CONFIDENCE, values, strict=True):
                found[name][at.slice(start, AT_ONCE).to_numpy()] = value_N
    return found


def group(sure_T: Floats, length_N: Ints, window: int) -> tuple[Floats, Floats, Floats]:
    """The three columns of paths whose tokens stand in a row in `sure_T`, `length_N` of each."""
    end_N = np.cumsum(length_N)
    start_N = end_N - length_N
    sum_T = np.concatenate([[0.0], np.cumsum(sure_T)])  # of the first so many tokens

    def means(start: Ints, end: Ints) -> Floats:
        return (sum_T[end] - sum_T[start]) / np.maximum(end - start, 1)

    mean_N, tail_N = means(start_N, end_N), means(np.maximum(start_N, end_N - window), end_N)
    end_T = np.arange(1, len(sure_T) + 1)
    first_T = np.repeat(start_N, length_N)
    mean_T = np.where(end_T - window >= first_T, means(np.maximum(end_T - window, 0), end_T), np.inf)
    lowest_N = mean_N.copy()
    long_N = length_N > window
    if long_N.any():
        some_N = length_N > 0  # reduceat knows no empty parts
        lowest_N[some_N] = np.where(
            long_N[some_N], np.minimum.reduceat(mean_T, start_N[some_N]), mean_N[some_N]
        )
    return mean_N, lowest_N, tail_N
