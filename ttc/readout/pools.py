"""Stored rows -> pools: for every (family, problem, seed) its units, paths, verdicts and scores, as arrays.

Each table is loaded once. A pool is a slice of the path rows, which are sorted by family, problem, seed, unit
and place or address. Left out on purpose: the texts of steps, which no readout reads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ttc.readout.habits import HABITS
from ttc.readout.windows import read_windows
from ttc.settings.schema import ReadoutConfig
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.store import Folder
from ttc.strategies.aggregations import AGGREGATIONS, last, mean
from ttc.types import Ending, UserError

Key = tuple[str, str, int]
"""(family, problem_key, seed)."""

SETTLED = ("done", "too_long", "cut")
"""A search that is one of these is an answer, be it empty; a failed one is missing (semantics, "Subsets")."""

UNIT = ("family", "problem_key", "seed", "unit")
PATH_COLUMNS = (*UNIT, "path", "address", "copy", "place", "finish", "step_tokens", "step_logprobs")
STEP_COSTS = ("tokens", "turn_tokens", "context_sum", "prm_tokens", "prm_context_sum")
GRADE_COLUMNS = ("path", "grader", "extract", "answer", "verdict", "status")
PATH_FAULTS = ("cut", "blank", "no_answer", "ungradable")
FAULTS = ("too_long", "stopped", *PATH_FAULTS, "unscored")
"""What a path may be that makes a figure doubtful (semantics, "Doubts")."""
POLICY_FACTS = ("prompt_tokens", "policy_params", "policy_attention", "policy_rate")
PRM_FACTS = ("prm_prompt_tokens", "prm_params", "prm_attention", "prm_rate")
PRM_COSTS = ("prm_tokens", "prm_context_sum", *PRM_FACTS)
SCORE_COLUMNS = ("path", "verifier", "scores", "raw_scores", *PRM_COSTS)
SEARCH_COLUMNS = (*UNIT[:3], "unit_first", "units", "status", "ended", *POLICY_FACTS, *PRM_FACTS)


@dataclass
class Coverage:
    """What searches/ says of one (family, problem, seed)."""

    status: dict[int, str] = field(default_factory=dict)  # unit -> one of SETTLED; a failed unit is absent
    failed: bool = False
    ended: set[str] = field(default_factory=set)
    """The endings that have had enough of it, by their words."""
    facts: dict[str, float | None] = field(default_factory=dict)
    """The last settled row's cost columns: the root's tokens, the models' sizes and rates."""

    @property
    def units(self) -> int:
        """Units from the first on without a gap: a pool is its first N units."""
        return next(unit for unit in itertools.count() if unit not in self.status)


@dataclass(frozen=True)
class Scores:
    """One verifier's scores/ rows, aligned with the path rows; NaN = no value, or not scored."""

    present_N: Bools  # has a row at all: without one the scoring job is still to be done
    values_N: dict[str, Floats]  # by aggregation
    costs_N: dict[str, Floats]  # by column, PRM_COSTS


class Tables:
    """A results folder in memory, read by one grader and one rule of extraction.

    Args:
        keys: only these pools; None: all.
    Raises:
        UserError: the paths are graded, but by no such grader and rule.
    """

    def __init__(self, folder: Folder, config: ReadoutConfig, keys: Collection[Key] | None = None) -> None:
        self._habits = [HABITS[name] for name in config.habits]
        where = None if keys is None else among(keys)
        paths = _sort_paths(folder.read("paths", PATH_COLUMNS, where=where))
        self.path = paths["path"].combine_chunks()
        self.unit_N = numbers(paths["unit"]).astype(np.int64)
        self.tokens_N = _list_sums(paths["step_tokens"])
        self.logprob_N = _list_sums(paths["step_logprobs"]) / np.maximum(self.tokens_N, 1)
        grades = _select_grades(folder, config, where)
        at_N = self._aligned(grades["path"])
        self.graded_N = at_N >= 0
        self.right_N = np.append(numbers(grades["verdict"]), np.nan)[at_N] == 1
        self.answers: list[str | None] = np.array([*grades["answer"].to_pylist(), None], dtype=object)[
            at_N
        ].tolist()
        finish, status = paths["finish"].combine_chunks(), grades["status"].combine_chunks()
        ungradable = pc.is_in(status, value_set=pa.array(["parse_error", "timeout"]))
        silent = np.array([answer is None for answer in self.answers], dtype=np.float64)
        ends = [numbers(pc.equal(finish, end)) for end in ("length", "blank")]
        unread = np.append(numbers(ungradable), np.nan)[at_N]
        self.faults_N = dict(zip(PATH_FAULTS, [*ends, silent, unread], strict=True))
        self.confidence_N = read_windows(folder, self.path, paths["problem_key"], where, config.window)
        self._slices = _slices(paths)
        self._score_rows = folder.read("scores", SCORE_COLUMNS, where=where)
        self._scores: dict[str, Scores] = {}
        self.covered = _cover(folder.read("searches", SEARCH_COLUMNS, where=where))
        self.steps = _sum_steps(folder.read("steps", [*UNIT, *STEP_COSTS], where=where))

    def rows(self, key: Key) -> slice:
        """Where the pool's paths stand."""
        return self._slices.get(key, slice(0, 0))

    def is_empty(self, key: Key) -> bool:
        return key not in self._slices

    def is_cut(self, key: Key) -> bool:
        """A search of it ended at one of its limits."""
        return key in self.covered and "cut" in self.covered[key].status.values()

    def has_ended(self, key: Key, ending: Ending, units: int) -> bool:
        """It was sampled until this ending had enough, and so many units are all of it."""
        covered = self.covered.get(key)
        return covered is not None and ending.word in covered.ended and units == covered.units

    def scores(self, verifier: str) -> Scores:
        """Made when they are first asked for."""
        if verifier in self._scores:
            return self._scores[verifier]
        table = self._score_rows.filter(pc.equal(self._score_rows["verifier"], verifier))
        at_N = self._aligned(table["path"])
        lists = table["scores"].combine_chunks()
        for habit in self._habits:
            lists = habit.scores(table) if habit.scores else lists
        flat, offsets = _flatten(lists)  # a null list is an unscored path
        found = Scores(
            present_N=at_N >= 0,
            values_N={
                how: np.append(aggregate_ragged(flat, offsets, how), np.nan)[at_N] for how in AGGREGATIONS
            },
            costs_N={name: np.append(numbers(table[name]), np.nan)[at_N] for name in PRM_COSTS},
        )
        return self._scores.setdefault(verifier, found)

    def available(self, key: Key, verifier: str | None) -> int:
        """Units from the first on that are settled, graded and, with a verifier, scored."""
        covered = self.covered.get(key)
        if covered is None:
            return 0
        rows = self.rows(key)
        ready_N = self.graded_N[rows]
        if verifier is not None:
            ready_N = ready_N & self.scores(verifier).present_N[rows]
        return min([covered.units, *self.unit_N[rows][~ready_N].tolist()])

    def _aligned(self, column: pa.ChunkedArray) -> Ints:
        """For each path its row in a table with that path column (each once), -1 for none."""
        row_N = pc.index_in(self.path, value_set=column.combine_chunks())
        return np.asarray(row_N.fill_null(-1), dtype=np.int64)


def among(keys: Collection[Key]) -> pc.Expression:
    """Rows of these pools, and of others that share a family with one, a problem with another and a seed."""
    families, problems, seeds = zip(*keys, strict=True) if keys else ((), (), ())
    texts = (("family", families), ("problem_key", problems))
    where = pc.field("seed").isin(pa.array(sorted(set(seeds)), pa.int64()))
    for name, values in texts:
        where &= pc.field(name).isin(pa.array(sorted(set(values)), pa.string()))
    return where


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


def numbers(column: pa.ChunkedArray | pa.Array) -> Floats:
    """A numeric column as floats, NaN for null."""
    return np.asarray(column.cast(pa.float64()), dtype=np.float64)


def _sort_paths(table: pa.Table) -> pa.Table:
    addresses = table["address"].unique().to_pylist()
    addresses.sort(key=lambda address: tuple(map(int, address.split("/"))))
    rank = pc.index_in(table["address"], value_set=pa.array(addresses, pa.string()))
    table = table.append_column("rank", rank)
    return table.sort_by([(name, "ascending") for name in (*UNIT, "place", "rank", "copy")])


def _select_grades(folder: Folder, config: ReadoutConfig, where: pc.Expression | None) -> pa.Table:
    """The rows of the configured grader and rule."""
    table = folder.read("grades", GRADE_COLUMNS, where=where)
    chosen = pc.and_(pc.equal(table["grader"], config.grader), pc.equal(table["extract"], config.reading))
    found = table.filter(chosen)
    if table.num_rows and not found.num_rows:
        words = f"readout.grader={config.grader} readout.extract={config.extract}"
        if config.thinking:
            words += f" readout.thinking=[{','.join(config.thinking)}]"
        raise UserError(
            f"{folder}: no path is graded so; `ttc regrade {folder} {words}` adds what is missing"
        )
    return found


def _flatten(lists: pa.Array) -> tuple[Floats, Ints]:
    """Lists as numbers, one behind the other (NaN for null), and where each begins and the last ends; a null
    list is empty. Unlike the array's own buffers these know slices and null lists."""
    lengths = np.nan_to_num(numbers(lists.value_lengths())).astype(np.int64)
    return numbers(lists.flatten()), np.concatenate([[0], np.cumsum(lengths)])


def _list_sums(column: pa.ChunkedArray) -> Floats:
    """NaN where the list or any value is null: not measured."""
    lists = column.combine_chunks()
    value, offsets = _flatten(lists)
    list_of_value = np.repeat(np.arange(len(lists)), np.diff(offsets))
    total_N = np.bincount(list_of_value, value, minlength=len(lists))
    return np.where(np.asarray(lists.is_null()), np.nan, total_N)


def _slices(paths: pa.Table) -> dict[Key, slice]:
    """The rows of each pool in the sorted table."""
    pools = paths.select(UNIT[:3]).to_pandas().groupby([*UNIT[:3]], sort=False).indices
    return {key: slice(row_N[0], row_N[-1] + 1) for key, row_N in pools.items()}


def _cover(searches: pa.Table) -> dict[Key, Coverage]:
    covered: dict[Key, Coverage] = {}
    for row in searches.to_pylist():
        one = covered.setdefault((row["family"], row["problem_key"], row["seed"]), Coverage())
        if row["status"] in SETTLED:
            units = range(row["unit_first"], row["unit_first"] + row["units"])
            one.status.update(dict.fromkeys(units, row["status"]))
            one.facts = row
            one.ended.update(row["ended"] or ())
        else:
            one.failed = True
    return covered


def _sum_steps(steps: pa.Table) -> dict[tuple[str, str, int, int], tuple[float | None, ...]]:
    """(family, problem_key, seed, unit) -> sums of STEP_COSTS."""
    sums = steps.group_by(UNIT).aggregate([(name, "sum") for name in STEP_COSTS])
    columns = [sums[name].to_pylist() for name in (*UNIT, *(f"{name}_sum" for name in STEP_COSTS))]
    return {row[:4]: row[4:] for row in zip(*columns, strict=True)}


def places(tables: Tables, keys: Sequence[Key], units: int) -> Ints:
    """Path rows of the first `units` units of each pool, place_BUW; -1 where a unit has fewer paths."""
    found = []
    for key in keys:
        rows = tables.rows(key)
        unit_N = tables.unit_N[rows]  # sorted
        unit_N = unit_N[unit_N < units]
        at_N, start_N = np.arange(len(unit_N)), np.searchsorted(unit_N, unit_N)
        found.append((unit_N, at_N - start_N, at_N + rows.start))
    width = max((int(within.max()) + 1 for _, within, _ in found if len(within)), default=1)
    place_BUW = np.full((len(keys), units, width), -1, dtype=np.int64)
    for b, (unit_N, within_N, row_N) in enumerate(found):
        place_BUW[b, unit_N, within_N] = row_N
    return place_BUW
