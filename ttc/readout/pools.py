"""Stored rows -> pools: for every (family, problem, seed) its units, paths, verdicts and scores, as arrays.

Each table is loaded once. A pool is a slice of the path rows, which are sorted by family, problem, seed, unit
and address. Left out on purpose: the texts of steps, which no readout reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ttc.readout.aggregate import aggregate_ragged
from ttc.readout.habits import HABITS
from ttc.settings.schema import ReadoutConfig
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.store import Folder
from ttc.strategies.aggregations import AGGREGATIONS
from ttc.types import UserError

Key = tuple[str, str, int]
"""(family, problem_key, seed)."""

SETTLED = ("done", "too_long", "cut")
"""A search with one of these is an answer, be it an empty one; a failed one is missing (semantics,
"Subsets")."""

UNIT = ("family", "problem_key", "seed", "unit")
PATH_COLUMNS = (*UNIT, "path", "address", "copy", "step_tokens", "step_logprobs")
STEP_COSTS = ("tokens", "context_sum", "prm_tokens", "prm_context_sum")
GRADE_COLUMNS = ("path", "grader", "extract", "answer", "verdict")
PRM_FACTS = ("prm_prompt_tokens", "prm_params", "prm_attention", "prm_rate")
SCORE_COLUMNS = ("path", "verifier", "scores", "raw_scores", "prm_tokens", "prm_context_sum", *PRM_FACTS)
SEARCH_COLUMNS = (
    *("family", "problem_key", "seed", "unit_first", "units", "status", "prompt_tokens", "prm_prompt_tokens"),
    *("policy_params", "policy_attention", "policy_rate", "prm_params", "prm_attention", "prm_rate"),
)


@dataclass
class Coverage:
    """What searches/ says of one (family, problem, seed)."""

    status: dict[int, str] = field(default_factory=dict)
    """Unit -> done / too_long / cut; a failed unit is absent."""
    failed: bool = False
    facts: dict[str, float | None] = field(default_factory=dict)
    """The last settled row's cost columns: the root's tokens, the models' sizes and rates."""

    @property
    def units(self) -> int:
        """Units from the first on without a gap: a pool is its first N units."""
        count = 0
        while count in self.status:
            count += 1
        return count


@dataclass(frozen=True)
class Scores:
    """One verifier's scores/ rows, aligned with the path rows; NaN = no value, or not scored."""

    present_N: Bools
    """Has a row at all: without one the scoring job is still to be done."""
    values_N: dict[str, Floats]
    """By aggregation."""
    tokens_N: Floats
    context_N: Floats
    facts_N: dict[str, Floats]


class Tables:
    """A results folder in memory, read by one grader and one rule of extraction.

    Raises:
        UserError: the paths are graded, but by no such grader and rule.
    """

    def __init__(self, folder: Folder, config: ReadoutConfig | None = None) -> None:
        config = config or ReadoutConfig()
        self._habits = [HABITS[name] for name in config.habits]
        self._paths = _sort_paths(folder.read("paths", PATH_COLUMNS))
        self.path = self._paths["path"].combine_chunks()
        self.unit_N = numbers(self._paths["unit"]).astype(np.int64)
        self.tokens_N = _list_sums(self._paths["step_tokens"])
        self.logprob_N = _list_sums(self._paths["step_logprobs"]) / np.maximum(self.tokens_N, 1)
        grades = _select_grades(folder.read("grades", GRADE_COLUMNS), folder, config)
        self.graded_N, self.right_N, self.answers = self._grades(grades)
        self._slices = _slices(self._paths)
        self._score_rows = folder.read("scores", SCORE_COLUMNS)
        self._scores: dict[str, Scores] = {}
        self.covered = _cover(folder.read("searches", SEARCH_COLUMNS))
        self.steps = _sum_steps(folder.read("steps", [*UNIT, *STEP_COSTS]))

    def rows(self, key: Key) -> slice:
        """Where the pool's paths stand."""
        return self._slices.get(key, slice(0, 0))

    def scores(self, verifier: str) -> Scores:
        if verifier not in self._scores:
            self._scores[verifier] = self._load_scores(verifier)
        return self._scores[verifier]

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

    def _grades(self, table: pa.Table) -> tuple[Bools, Bools, list[str | None]]:
        """For each path: is it graded, is it right, and its answer as the rule reads it."""
        at_N = self._aligned(table["path"])
        verdict = numbers(table["verdict"].cast(pa.int8()))
        right_N = np.zeros(len(at_N), dtype=bool)
        right_N[at_N >= 0] = verdict[at_N[at_N >= 0]] == 1
        answers = pc.take(table["answer"].combine_chunks(), pa.array(at_N, mask=at_N < 0))
        return at_N >= 0, right_N, answers.to_pylist()

    def _aligned(self, column: pa.ChunkedArray) -> Ints:
        """For each path its last row in a table with that path column, -1 for none."""
        at_N = np.full(len(self.path), -1, dtype=np.int64)
        found = numbers(pc.index_in(column, value_set=self.path))
        known = ~np.isnan(found)
        at_N[found[known].astype(np.int64)] = np.flatnonzero(known)
        return at_N

    def _load_scores(self, verifier: str) -> Scores:
        table = self._score_rows.filter(pc.equal(self._score_rows["verifier"], verifier))
        at_N = self._aligned(table["path"])
        lists = table["scores"].combine_chunks()
        for habit in self._habits:
            lists = habit.scores(table) if habit.scores else lists
        # value_lengths and flatten know slices and null lists; a null list is an unscored path.
        lengths = np.nan_to_num(numbers(lists.value_lengths())).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        flat = numbers(lists.flatten())
        return Scores(
            present_N=at_N >= 0,
            values_N={how: _take(aggregate_ragged(flat, offsets, how), at_N) for how in AGGREGATIONS},
            tokens_N=_take(numbers(table["prm_tokens"]), at_N),
            context_N=_take(numbers(table["prm_context_sum"]), at_N),
            facts_N={name: _take(numbers(table[name]), at_N) for name in PRM_FACTS},
        )


def numbers(column: pa.ChunkedArray | pa.Array) -> Floats:
    """A numeric column as floats, NaN for null."""
    filled = pc.fill_null(column.cast(pa.float64()), float("nan"))
    return np.asarray(filled.to_numpy(), dtype=np.float64)


def _take(values: Floats, at_N: Ints) -> Floats:
    """values[at_N], NaN where at_N is -1."""
    return np.where(at_N >= 0, values[at_N], np.nan) if len(values) else np.full(len(at_N), np.nan)


def _sort_paths(table: pa.Table) -> pa.Table:
    addresses = table["address"].combine_chunks().dictionary_encode()
    known = addresses.dictionary.to_pylist()
    order = sorted(range(len(known)), key=lambda i: tuple(map(int, known[i].split("/"))))
    rank = np.empty(len(known), dtype=np.int64)
    rank[order] = np.arange(len(known))
    table = table.append_column("rank", pa.array(rank[addresses.indices.to_numpy()]))
    return table.sort_by([(name, "ascending") for name in (*UNIT, "rank", "copy")])


def _select_grades(table: pa.Table, folder: Folder, config: ReadoutConfig) -> pa.Table:
    """The rows of the configured grader and rule."""
    chosen = pc.and_(pc.equal(table["grader"], config.grader), pc.equal(table["extract"], config.extract))
    found = table.filter(chosen)
    if table.num_rows and not found.num_rows:
        words = f"readout.grader={config.grader} readout.extract={config.extract}"
        raise UserError(
            f"{folder}: no path is graded so; `ttc regrade {folder} {words}` adds what is missing"
        )
    return found


def _list_sums(column: pa.ChunkedArray) -> Floats:
    """NaN where the list or any value is null: not measured."""
    lists = column.combine_chunks()
    lengths = np.nan_to_num(numbers(lists.value_lengths())).astype(np.int64)
    value = numbers(lists.flatten())
    ends = np.cumsum(lengths)
    totals, unknown = (
        np.concatenate([[0.0], np.cumsum(part)]) for part in (np.nan_to_num(value), np.isnan(value))
    )
    missing = (unknown[ends] > unknown[ends - lengths]) | np.asarray(lists.is_null())
    return np.where(missing, np.nan, totals[ends] - totals[ends - lengths])


def _slices(paths: pa.Table) -> dict[Key, slice]:
    """The rows of each pool in the sorted table."""
    if not paths.num_rows:
        return {}
    codes = [paths[name].combine_chunks().dictionary_encode() for name in ("family", "problem_key")]
    columns = [np.asarray(code.indices) for code in codes] + [numbers(paths["seed"])]
    new_N = np.any([np.diff(column, prepend=column[0] - 1) != 0 for column in columns], axis=0)
    starts = np.flatnonzero(new_N)
    heads = paths.select(["family", "problem_key", "seed"]).take(pa.array(starts)).to_pylist()
    stops = [*starts[1:].tolist(), paths.num_rows]
    return {
        (head["family"], head["problem_key"], head["seed"]): slice(start, stop)
        for head, start, stop in zip(heads, starts.tolist(), stops, strict=True)
    }


def _cover(searches: pa.Table) -> dict[Key, Coverage]:
    covered: dict[Key, Coverage] = {}
    for row in searches.to_pylist():
        one = covered.setdefault((row["family"], row["problem_key"], row["seed"]), Coverage())
        if row["status"] in SETTLED:
            units = range(row["unit_first"], row["unit_first"] + row["units"])
            one.status.update(dict.fromkeys(units, row["status"]))
            one.facts = row
        else:
            one.failed = True
    return covered


def _sum_steps(steps: pa.Table) -> dict[tuple[str, str, int, int], tuple[float | None, ...]]:
    """(family, problem_key, seed, unit) -> sums of tokens, context_sum, prm_tokens, prm_context_sum."""
    sums = steps.group_by(UNIT).aggregate([(name, "sum") for name in STEP_COSTS])
    columns = [sums[name].to_pylist() for name in (*UNIT, *(f"{name}_sum" for name in STEP_COSTS))]
    return {row[:4]: row[4:] for row in zip(*columns, strict=True)}


def places(tables: Tables, keys: Sequence[Key], units: int) -> Ints:
    """Path rows of the first `units` units of each pool, place_BUW; -1 where a unit has fewer paths."""
    found = []
    for key in keys:
        rows = tables.rows(key)
        unit_N = tables.unit_N[rows]
        inside = unit_N < units
        unit_N = unit_N[inside]
        start_N = np.searchsorted(unit_N, unit_N)  # sorted by unit: where this path's unit begins
        found.append((unit_N, np.arange(len(unit_N)) - start_N, np.flatnonzero(inside) + rows.start))
    width = max((int(within.max()) + 1 for _, within, _ in found if len(within)), default=1)
    place_BUW = np.full((len(keys), units, width), -1, dtype=np.int64)
    for b, (unit_N, within_N, row_N) in enumerate(found):
        place_BUW[b, unit_N, within_N] = row_N
    return place_BUW
