"""The rows of answers.parquet, readout.parquet and readout_by.parquet.

One block of B answers per cell x vote x agg x subset, and one row that sums it up: over all its pools, over
those of one level, over those of one seed. Shape suffixes: B pools, problem-major; P problems; S seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from ttc.readout.ballots import UNSCORED
from ttc.readout.cells import CellPools
from ttc.readout.elections import Batch, Choice, choices
from ttc.readout.pools import FAULTS, Tables
from ttc.readout.votes import VOTES
from ttc.stats import intervals
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.store.records import CellRecord
from ttc.store.schema import PROBLEM, READ, Columns, parameter_columns
from ttc.strategies.aggregations import AGGREGATIONS

COSTS = ("generated_tokens", "policy_tokens", "prm_tokens", "flops", "seconds")
PLAIN: Choice = ("majority", None)
"""The headline where no vote by score can be one."""

REASONS = ("no_answer", "unscored", "too_long", "cut", "over_budget", "empty")

ANSWER: Columns = [
    ("answer", pa.string()),  # null: none, or an expectation over subsets
    ("correct", pa.float64()),  # in [0, 1] under resample with n < pool
    ("reason", pa.string()),  # why there is no answer
]
SUMMARY: Columns = [
    ("headline", pa.bool_()),  # declared before the run, the first one first; the others are exploratory
    ("upper_bound", pa.bool_()),  # somebody looked at the gold answer: never a result, never a headline
    ("accuracy", pa.float64()),  # null: incomplete
    ("accuracy_low", pa.float64()),
    ("accuracy_high", pa.float64()),
    ("mc_error", pa.float64()),  # of the permutations; 0 where the expectation is exact
    ("problems", pa.int32()),
    ("seeds", pa.int32()),  # complete on all problems
    ("pool", pa.int32()),  # paths of a pool that were read
    # means per problem: paths that counted (null: n), and what they cost, stand-alone (semantics, "Costs")
    *((name, pa.float64()) for name in ("paths", *COSTS)),
    ("status", pa.string()),  # complete / incomplete (no seed is complete)
    # share of the pools without a path; of the others' paths that were cut by length, ended blank, state no
    # answer, or one nobody can read, or that the verifier did not score (semantics, "Doubts")
    *((f"share_{name}", pa.float64()) for name in FAULTS),
    ("missing", pa.int32()),  # (problem, seed) pairs of all the cell's seeds that are not there
    ("failed", pa.int32()),  # of these, pairs whose search failed
    # pairs that are wrong for this reason; null for an expectation
    *((name, pa.int32()) for name in REASONS),
]


def schemas(cells: Sequence[CellRecord] = ()) -> dict[str, pa.Schema]:
    """What a readout writes, by name. The parameters are those of the registry as it is now, and of cells
    whose strategy it does not have."""
    cell = [("cell", pa.string()), ("strategy", pa.string()), ("variant", pa.string()), ("n", pa.int32())]
    head = [*cell, *parameter_columns(cells)]
    return {
        "answers": pa.schema([*head, *PROBLEM, *READ, *ANSWER]),
        "readout": pa.schema([*head, *READ, *SUMMARY]),
        "readout_by": pa.schema([*head, *READ, ("level", pa.int32()), ("seed", pa.int64()), *SUMMARY]),
    }


@dataclass(frozen=True)
class Figures:
    """What one reading of a cell came to, pool by pool.

    Attributes:
        correct_B: in [0, 1].
        costs: column -> cost_B.
        pool: paths of a pool that were read.
        winner_B: the chosen groups; None: an expectation over subsets chooses none.
        variance_B: over so many `permutations`; None: the expectation is exact.
        paths: how many of them counted, as `costs`; empty: the cell's n.
    """

    correct_B: Floats
    costs: dict[str, Floats]
    pool: int
    winner_B: Ints | None = None
    variance_B: Floats | None = None
    permutations: int = 1
    paths: Mapping[str, Floats] = field(default_factory=dict)


def is_upper_bound(cell: CellRecord, vote: str) -> bool:
    """Somebody sees the gold answers: the vote, or a verifier that took part in the search or the vote."""
    return VOTES[vote].upper_bound or (cell.gold and (cell.guided or VOTES[vote].scored))


class RowWriter:
    """Collects the rows of a readout, reading by reading."""

    def __init__(self, headline: Choice, subset: str, cells: Sequence[CellRecord] = ()) -> None:
        self._headline, self._subset = headline, subset
        self._schemas = schemas(cells)
        self._answers: list[pa.Table] = []
        self._rows: list[dict[str, Any]] = []
        self._by: list[dict[str, Any]] = []

    def tables(self) -> dict[str, pa.Table]:
        return {name: make(self) for name, make in TABLES.items()}

    def answers(self) -> pa.Table:
        """A row for each problem and seed of every reading."""
        return pa.concat_tables([self._schemas["answers"].empty_table(), *self._answers])

    def readout(self) -> pa.Table:
        """A row for every reading of a cell, seeds pooled."""
        return pa.Table.from_pylist(self._rows, self._schemas["readout"])

    def readout_by(self) -> pa.Table:
        """The same by level and by seed."""
        return pa.Table.from_pylist(self._by, self._schemas["readout_by"])

    def add_incomplete(self, pools: CellPools, subsets: Sequence[str]) -> None:
        """A cell that no seed completes is shown, without an accuracy."""
        cell = pools.cell
        read = {column for vote, _ in self.headlines(cell) for column in VOTES[vote].columns}
        known = ["tokens", *["scores"] * (cell.verifier is not None), *read - {"scores"}]
        for choice in choices(known):
            for subset in subsets:
                self._rows.append(self._head(pools, choice, subset) | {"problems": len(pools.problems)})

    def add(
        self, tables: Tables, batch: Batch, pools: CellPools, choice: Choice, subset: str, figures: Figures
    ) -> None:
        """One reading of a cell: an answer per pool, and their sums: over all, by level, by seed."""
        head = self._head(pools, choice, subset)
        answer_B, reason_B = _answers(tables, pools, batch, figures)
        columns = pools.columns() | {"correct": figures.correct_B, "answer": answer_B, "reason": reason_B}
        schema = self._schemas["answers"]
        arrays = [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.repeat(pa.scalar(head[field.name], field.type), len(answer_B))
            for field in schema
        ]
        self._answers.append(pa.table(arrays, schema=schema))
        self._sum_up(pools, head, figures, batch.faults, np.array(reason_B, dtype=object))

    def _head(self, pools: CellPools, choice: Choice, subset: str) -> dict[str, Any]:
        record, (vote, agg) = pools.cell, choice
        upper_bound = is_upper_bound(record, vote)
        return {
            **dict.fromkeys(self._schemas["answers"].names),
            **record.columns,
            "cell": record.cell,
            "variant": record.variant,
            "n": record.n,
            "vote": vote,
            "agg": agg,
            "subset": subset,
            "seeds": len(pools.seeds),
            "status": "complete" if pools.seeds else "incomplete",
            "upper_bound": upper_bound,
            "headline": subset == self._subset and choice in self.headlines(record) and not upper_bound,
            "missing": pools.missing,
            "failed": pools.failed,
        }

    def headlines(self, cell: CellRecord) -> list[Choice]:
        """The cell's results, the first one first: the votes that the line named, or the declared one.

        Greedy's one path, and pools without a verifier, need no vote by score; one that knows the answers
        decides no result. With one path all votes say the same: one headline, a named one first.
        """
        agg = self._headline[1] or next(iter(AGGREGATIONS))
        names = [name for name in cell.headlines if name] if cell.n == 1 else []
        named = [
            self._headline if vote is None else (vote, agg if VOTES[vote].scored else None)
            for vote in names or cell.headlines
        ]
        plain = cell.verifier is None or cell.strategy == "greedy" or cell.gold
        found = [PLAIN if plain and VOTES[vote].scored else (vote, agg) for vote, agg in named]
        return list(dict.fromkeys(found))[: 1 if cell.n == 1 else None]

    def sort(self, cell: CellRecord, found: Collection[Choice]) -> list[Choice]:
        """The cell's headlines before its other choices."""
        return sorted(found, key=[*self.headlines(cell), *found].index)

    def _sum_up(
        self,
        pools: CellPools,
        head: dict[str, Any],
        figures: Figures,
        faults: Mapping[str, Floats],
        reason_B: np.ndarray,
    ) -> None:
        sum_of = partial(_sum, figures, faults, reason_B)
        every_P, every_S = np.ones(len(pools.problems), dtype=bool), np.ones(len(pools.seeds), dtype=bool)
        self._rows.append(head | sum_of(every_P, every_S))
        level_P = np.array([-1 if level is None else level for _, _, level in pools.problems])
        for level in sorted({*level_P.tolist()} - {-1}):
            self._by.append(head | {"level": level} | sum_of(level_P == level, every_S))
        for s, seed in enumerate(pools.seeds):
            self._by.append(head | {"seed": seed} | sum_of(every_P, np.arange(len(every_S)) == s))


TABLES: dict[str, Callable[[RowWriter], pa.Table]] = {
    "answers": RowWriter.answers,
    "readout": RowWriter.readout,
    "readout_by": RowWriter.readout_by,
}
"""What a readout writes: file -> how it is made."""


def _sum(
    figures: Figures, faults: Mapping[str, Floats], reason_B: np.ndarray, problem_P: Bools, seed_S: Bools
) -> dict[str, Any]:
    """Accuracy with its interval, mean costs and mean shares, of these problems and seeds."""
    inside_B = np.outer(problem_P, seed_S).ravel()
    correct_PS = figures.correct_B[inside_B].reshape(-1, int(seed_S.sum()))
    accuracy, low, high = intervals.interval(correct_PS.mean(axis=1), correct_PS.shape[1])
    variance_B = np.zeros(len(inside_B)) if figures.variance_B is None else figures.variance_B
    out: dict[str, Any] = {
        "accuracy": accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "mc_error": intervals.monte_carlo_error(variance_B[inside_B], figures.permutations),
        "problems": int(problem_P.sum()),
        "seeds": int(seed_S.sum()),
        "pool": figures.pool,
    }
    for name, value_B in {**figures.costs, **figures.paths}.items():
        mean = float(value_B[inside_B].mean())
        out[name] = None if np.isnan(mean) else mean
    for name, share_B in faults.items():  # a pool without paths has no share of them
        known_B = share_B[inside_B & ~np.isnan(share_B)]
        out[f"share_{name}"] = float(known_B.mean()) if len(known_B) else None
    if figures.winner_B is not None:
        counts = Counter(reason_B[inside_B].tolist())
        out |= {name: counts[name] for name in REASONS}
    return out


def _answers(
    tables: Tables, pools: CellPools, batch: Batch, figures: Figures
) -> tuple[list[str | None], list[str | None]]:
    """The chosen answers as text, and why there is none; blanks that won have none."""
    answers: list[str | None] = [None] * len(batch.keys)
    reasons: list[str | None] = [None] * len(batch.keys)
    paths_B = figures.paths.get("paths")
    for b, winner in enumerate(() if figures.winner_B is None else figures.winner_B.tolist()):
        if winner >= 0:
            answers[b] = tables.answers[batch.firsts[b][winner]]
            reasons[b] = None if (answers[b] or "").strip() else "no_answer"
        elif winner == UNSCORED:
            reasons[b] = "unscored"
        elif paths_B is not None and paths_B[b] == 0 and (batch.place_BUW[b] >= 0).any():
            reasons[b] = "over_budget"
        elif (batch.group_BN[b] >= 0).any() or (batch.place_BUW[b, : pools.draw] >= 0).any():
            reasons[b] = "no_answer"
        else:
            status = tables.covered[batch.keys[b]].status[0]
            reasons[b] = "empty" if status == "done" else status
    return answers, reasons
