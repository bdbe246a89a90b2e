"""The rows of answers.parquet, readout.parquet and readout_by.parquet.

One block of B answers per cell x vote x agg x subset, and one row that sums it up: over all its pools, over
those of one level, over those of one seed. Shape suffixes: B pools, problem-major; P problems; S seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ttc.readout.elections import Batch, Choice, choices
from ttc.readout.pools import Key, Tables
from ttc.readout.votes import UNSCORED, VOTES
from ttc.stats import intervals
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.store.schema import PROBLEM, READ, CellRecord, Columns, parameter_columns
from ttc.strategies.aggregations import AGGREGATIONS

COSTS = ("generated_tokens", "policy_tokens", "prm_tokens", "flops", "seconds")
PLAIN: Choice = ("majority", None)
"""The headline where no vote by score can be one."""

REASONS = ("no_answer", "unscored", "too_long", "cut", "empty")


def cell_columns() -> Columns:
    """What names a cell in every table of a readout."""
    head = [("cell", pa.string()), ("strategy", pa.string()), ("variant", pa.string()), ("n", pa.int32())]
    return [*head, *parameter_columns()]


def answer_schema() -> pa.Schema:
    own = [
        ("answer", pa.string()),  # null: none, or an expectation over subsets
        ("correct", pa.float64()),  # in [0, 1] under resample with n < pool
        ("reason", pa.string()),  # why there is no answer
    ]
    return pa.schema([*cell_columns(), *PROBLEM, *READ, *own])


SUMMARY = [
    ("headline", pa.bool_()),  # declared before the run, the first one first; the others are exploratory
    ("upper_bound", pa.bool_()),  # somebody looked at the gold answer: never a result, never a headline
    ("accuracy", pa.float64()),  # null: incomplete
    ("accuracy_low", pa.float64()),
    ("accuracy_high", pa.float64()),
    ("mc_error", pa.float64()),  # of the permutations; 0 where the expectation is exact
    ("problems", pa.int32()),
    ("seeds", pa.int32()),  # complete on all problems
    ("pool", pa.int32()),  # paths of a pool that were read
    *((name, pa.float64()) for name in COSTS),  # mean per problem, stand-alone (semantics, "Costs")
    ("status", pa.string()),  # complete / incomplete (no seed is complete)
    ("missing", pa.int32()),  # (problem, seed) pairs of all the cell's seeds that are not there
    ("failed", pa.int32()),  # of these, pairs whose search failed
    *(
        (name, pa.int32()) for name in REASONS
    ),  # pairs that are wrong for this reason; null for an expectation
]


def row_schema() -> pa.Schema:
    return pa.schema([*cell_columns(), *READ, *SUMMARY])


def by_schema() -> pa.Schema:
    return pa.schema([*cell_columns(), *READ, ("level", pa.int32()), ("seed", pa.int64()), *SUMMARY])


@dataclass(frozen=True)
class CellPools:
    """A cell and the pools it reads.

    Attributes:
        problems: (problem_key, problem_id, level), in the dataset's order.
        seeds: complete on all problems.
        draw: units that n paths are.
        pool_units: the first units of every pool, as many as each of them has.
        missing, failed: (problem, seed) pairs of all the cell's seeds that are not there; of these, failed
            ones.
    """

    cell: CellRecord
    problems: Sequence[tuple[str, str, int | None]]
    seeds: Sequence[int]
    draw: int
    pool_units: int
    missing: int
    failed: int

    @property
    def keys(self) -> list[Key]:
        return [(self.cell.family, key, seed) for key, _, _ in self.problems for seed in self.seeds]

    def columns(self) -> dict[str, list[Any]]:
        """What names each pool in answers.parquet."""
        pairs = [(*problem, seed) for problem in self.problems for seed in self.seeds]
        names = (name for name, _ in PROBLEM)
        return dict(zip(names, (list(column) for column in zip(*pairs, strict=True)), strict=True))


@dataclass(frozen=True)
class Figures:
    """What one reading of a cell came to, pool by pool.

    Attributes:
        correct_B: in [0, 1].
        costs: column -> cost_B.
        pool: paths of a pool that were read.
        winner_B: the chosen groups; None: an expectation over subsets chooses none.
        variance_B: over so many `permutations`; None: the expectation is exact.
    """

    correct_B: Floats
    costs: dict[str, Floats]
    pool: int
    winner_B: Ints | None = None
    variance_B: Floats | None = None
    permutations: int = 1


class RowWriter:
    """Collects the rows of a readout, reading by reading."""

    def __init__(self, headline: Choice, subset: str) -> None:
        self._headline, self._subset = headline, subset
        self._answers: list[pa.Table] = []
        self._rows: list[dict[str, Any]] = []
        self._by: list[dict[str, Any]] = []

    def answers(self) -> pa.Table:
        return pa.concat_tables(self._answers) if self._answers else answer_schema().empty_table()

    def rows(self) -> pa.Table:
        return pa.Table.from_pylist(self._rows, row_schema())

    def by(self) -> pa.Table:
        return pa.Table.from_pylist(self._by, by_schema())

    def add_incomplete(self, pools: CellPools, subsets: Sequence[str]) -> None:
        """A cell that no seed completes is shown, without an accuracy."""
        for choice in choices(["tokens", *["scores"] * (pools.cell.verifier is not None)]):
            for subset in subsets:
                self._rows.append(self._head(pools, choice, subset) | {"problems": len(pools.problems)})

    def add(
        self, tables: Tables, batch: Batch, pools: CellPools, choice: Choice, subset: str, figures: Figures
    ) -> None:
        """One reading of a cell: an answer per pool, and their sums: over all, by level, by seed."""
        head = self._head(pools, choice, subset)
        columns: dict[str, Any] = pools.columns() | {"correct": figures.correct_B}
        reason_B: list[str | None] = [None] * len(figures.correct_B)
        if figures.winner_B is None:
            columns |= {"answer": reason_B, "reason": reason_B}
        else:
            answer_B, reason_B = _answers(tables, pools, batch, figures.winner_B)
            columns |= {"answer": answer_B, "reason": reason_B}
        self._answers.append(_block(head, columns))
        reasons = None if figures.winner_B is None else np.array(reason_B, dtype=object)
        self._sum_up(pools, head, figures, reasons)

    def _head(self, pools: CellPools, choice: Choice, subset: str) -> dict[str, Any]:
        record, (vote, agg) = pools.cell, choice
        own = {"cell": record.cell, "variant": record.variant, "n": record.n}
        columns = {name: None for name, _ in cell_columns()} | dict(record.columns) | own
        complete = "complete" if pools.seeds else "incomplete"
        head = {"vote": vote, "agg": agg, "subset": subset, "seeds": len(pools.seeds), "status": complete}
        head["upper_bound"] = VOTES[vote].upper_bound or _sees_gold(record, vote)
        head["headline"] = (
            subset == self._subset and choice in self.headlines(record) and not head["upper_bound"]
        )
        return columns | head | {"missing": pools.missing, "failed": pools.failed}

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

    def sort(self, cell: CellRecord, found: Iterable[Choice]) -> list[Choice]:
        """The cell's headlines before its other choices."""
        first, others = self.headlines(cell), list(found)
        return [*(one for one in first if one in others), *(one for one in others if one not in first)]

    def _sum_up(
        self, pools: CellPools, head: dict[str, Any], figures: Figures, reasons: np.ndarray | None
    ) -> None:
        P, S = len(pools.problems), len(pools.seeds)
        self._rows.append(head | _sum(figures, reasons, np.ones((P, S), dtype=bool)))
        level_P = np.array([-1 if level is None else level for _, _, level in pools.problems])
        for level in sorted({*level_P.tolist()} - {-1}):
            inside_PS = np.repeat((level_P == level)[:, None], S, axis=1)
            self._by.append(head | {"level": level, "seed": None} | _sum(figures, reasons, inside_PS))
        for s, seed in enumerate(pools.seeds):
            inside_PS = np.repeat(np.arange(S)[None] == s, P, axis=0)
            self._by.append(head | {"level": None, "seed": seed} | _sum(figures, reasons, inside_PS))


def _sum(figures: Figures, reasons: np.ndarray | None, inside_PS: Bools) -> dict[str, Any]:
    """Accuracy with its interval, and mean costs, of a rectangle of problems x seeds."""
    problem_P, seed_S = inside_PS.any(axis=1), inside_PS.any(axis=0)
    inside_B = inside_PS.ravel()
    correct_PS = figures.correct_B.reshape(inside_PS.shape)[problem_P][:, seed_S]
    accuracy, low, high = intervals.interval(correct_PS.mean(axis=1), correct_PS.shape[1])
    out: dict[str, Any] = {"accuracy": accuracy, "accuracy_low": low, "accuracy_high": high}
    variance_B = np.zeros(len(inside_B)) if figures.variance_B is None else figures.variance_B
    out["mc_error"] = intervals.monte_carlo_error(variance_B[inside_B], figures.permutations)
    out |= {"problems": int(problem_P.sum()), "seeds": int(seed_S.sum()), "pool": figures.pool}
    for name, value_B in figures.costs.items():
        mean = float(value_B[inside_B].mean())
        out[name] = None if np.isnan(mean) else mean
    if reasons is not None:
        counts = Counter(reasons[inside_B].tolist())
        out |= {name: counts[name] for name in REASONS}
    return out


def _sees_gold(cell: CellRecord, vote: str) -> bool:
    """Did a verifier that knows the gold answers take part: in the search, or in the vote?"""
    return cell.gold and (cell.guided or VOTES[vote].scored)


def _answers(
    tables: Tables, pools: CellPools, batch: Batch, winner_B: Ints
) -> tuple[list[str | None], list[str | None]]:
    """The chosen answers as text, and why there is none; blanks that won have none."""
    answers: list[str | None] = []
    reasons: list[str | None] = []
    for b, winner in enumerate(winner_B.tolist()):
        if winner >= 0:
            answer = tables.answers[batch.firsts[b][winner]]
            answers.append(answer)
            reasons.append(None if answer is not None and answer.strip() else "no_answer")
            continue
        answers.append(None)
        if winner == UNSCORED:
            reasons.append("unscored")
        elif (batch.group_BN[b] >= 0).any() or (batch.place_BUW[b, : pools.draw] >= 0).any():
            reasons.append("no_answer")
        else:
            status = tables.covered[batch.keys[b]].status[0]
            reasons.append("empty" if status == "done" else status)
    return answers, reasons


def _block(head: dict[str, Any], columns: dict[str, Any]) -> pa.Table:
    """One answer per pool: the head's values repeated beside the columns."""
    count = len(columns["correct"])
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.repeat(pa.scalar(head[field.name], field.type), count)
        for field in answer_schema()
    ]
    return pa.table(arrays, schema=answer_schema())
