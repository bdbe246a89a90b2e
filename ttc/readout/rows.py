"""The rows of answers.parquet, readout.parquet and readout_by.parquet.

One block of B answers per cell x vote x agg x subset, and one row that sums it up: over all its pools, over
those of one level, over those of one seed. Shape suffixes: B pools, problem-major; P problems; S seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from ttc.readout.costs import Costs
from ttc.readout.outcomes import Batch, Choice, Outcome
from ttc.readout.pools import Key, Tables
from ttc.readout.votes import AGGS, SCORED_VOTES, UNSCORED, Agg, Bools, Floats, Ints, Vote
from ttc.stats import intervals as statistics
from ttc.store.schema import PROBLEM, READ, CellRecord, Columns, parameter_columns

SUBSETS = ("prefix", "resample")
SAL_PREFIX: Literal["sal_prefix"] = "sal_prefix"
"""The first n rows of a search, whatever its units: written where it is the declared subset (spec 8)."""
COSTS = ("generated_tokens", "policy_tokens", "prm_tokens", "flops", "seconds")
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
    ("headline", pa.bool_()),  # declared before the run; every other row is exploratory
    ("upper_bound", pa.bool_()),  # somebody looked at the gold answer: never a result, never a headline
    ("accuracy", pa.float64()),  # null: incomplete
    ("accuracy_low", pa.float64()),
    ("accuracy_high", pa.float64()),
    ("mc_error", pa.float64()),  # of the permutations; 0 where the expectation is exact
    ("problems", pa.int32()),
    ("seeds", pa.int32()),  # complete on all problems
    ("pool", pa.int32()),  # paths of a pool that were read
    *((name, pa.float64()) for name in COSTS),  # mean per problem, stand-alone (spec 10)
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


Said = tuple[list[str | None], list[str | None]]
"""The chosen answers of the pools, and why there is none."""


@dataclass(frozen=True)
class Plan:
    """A cell and the pools it reads."""

    cell: CellRecord
    problems: Sequence[tuple[str, str, int | None]]
    """(problem_key, problem_id, level), in the dataset's order."""
    seeds: Sequence[int]
    draw: int
    """Units that n paths are."""
    pool_units: int
    missing: int
    failed: int

    @property
    def keys(self) -> list[Key]:
        return [(self.cell.family, key, seed) for key, _, _ in self.problems for seed in self.seeds]


class Rows:
    """Collects rows, cell by cell."""

    def __init__(self, headline_vote: Vote, headline_agg: Agg, subset: str) -> None:
        self._headline: Choice = (headline_vote, headline_agg if headline_vote in SCORED_VOTES else None)
        self._subset = subset
        self._answers: list[pa.Table] = []
        self._rows: list[dict[str, Any]] = []
        self._by: list[dict[str, Any]] = []

    def tables(self) -> tuple[pa.Table, pa.Table, pa.Table]:
        """answers, readout, readout_by."""
        answers = pa.concat_tables(self._answers) if self._answers else answer_schema().empty_table()
        rows = pa.Table.from_pylist(self._rows, row_schema())
        return answers, rows, pa.Table.from_pylist(self._by, by_schema())

    def add_incomplete(self, plan: Plan) -> None:
        """A cell that no seed completes is shown, without an accuracy."""
        votes: list[Choice] = [("majority", None), ("oracle", None)]
        if plan.cell.verifier is not None:
            votes = [(vote, agg) for vote in SCORED_VOTES for agg in AGGS] + votes
        for choice in votes:
            for subset in (*SUBSETS, *([SAL_PREFIX] if self._subset == SAL_PREFIX else [])):
                self._rows.append(self._head(plan, choice, subset) | {"problems": len(plan.problems)})

    def add(
        self,
        tables: Tables,
        plan: Plan,
        batch: Batch,
        chosen: dict[Choice, Outcome],
        c: int,
        costs: Costs,
        permutations: int,
    ) -> None:
        """Every vote and subset of a cell. `c`: where its number of units stands among the outcomes' cuts."""
        whole = plan.draw == batch.units
        for choice, outcome in chosen.items():
            said = _answers(tables, plan, batch, outcome.winner_BC[:, c])
            for subset in SUBSETS:
                expectation = subset == "resample" and not whole
                self._add(
                    plan,
                    self._head(plan, choice, subset),
                    (outcome.resample_BC if expectation else outcome.prefix_BC)[:, c],
                    None if expectation else said,
                    {
                        "variance": outcome.variance_BC[:, c] if expectation else None,
                        "permutations": permutations,
                        "costs": costs.columns(plan.draw, expectation, choice[0] in SCORED_VOTES),
                        "pool": batch.units * (plan.cell.unit or 0) or plan.cell.n,
                    },
                )

    def add_first(
        self,
        tables: Tables,
        plan: Plan,
        ordered: Batch,
        chosen: dict[Choice, Outcome],
        c: int,
        n: int,
        costs: Costs,
    ) -> None:
        """Every vote over the first n rows of the cell's search; what they cost is all that they begin.

        `ordered`: the batch whose units are single paths. A smaller n than the cell's own names itself.
        """
        cell, unit = plan.cell, plan.cell.unit
        own = cell if n == cell.n else replace(cell, n=n, cell=f"{cell.cell}@{n}")
        part = replace(plan, cell=own, draw=n)
        paid = -(-n // unit) if unit else 1
        for choice, outcome in chosen.items():
            self._add(
                part,
                self._head(part, choice, SAL_PREFIX),
                outcome.prefix_BC[:, c],
                _answers(tables, part, ordered, outcome.winner_BC[:, c]),
                {
                    "variance": None,
                    "permutations": 1,
                    "costs": costs.columns(paid, False, choice[0] in SCORED_VOTES),
                    "pool": cell.n,
                },
            )

    def _add(
        self, plan: Plan, read: dict[str, Any], correct_B: Floats, said: Said | None, figures: dict[str, Any]
    ) -> None:
        """One reading of a cell: a row per pool, and their sums. `said`: None for an expectation."""
        nothing: list[str | None] = [None] * len(correct_B)
        answer_B, reason_B = said or (nothing, nothing)
        columns = _pool_columns(plan) | {"correct": correct_B, "answer": answer_B, "reason": reason_B}
        self._answers.append(_block(read, columns))
        reasons = np.array(reason_B, dtype=object) if said else None
        if figures["variance"] is None:
            figures["variance"] = np.zeros_like(correct_B)
        self._sum_up(plan, read, figures | {"correct": correct_B, "reasons": reasons})

    def _head(self, plan: Plan, choice: Choice, subset: str) -> dict[str, Any]:
        vote, agg = choice
        own = {"cell": plan.cell.cell, "variant": plan.cell.variant, "n": plan.cell.n}
        cell = {name: None for name, _ in cell_columns()} | dict(plan.cell.columns) | own
        complete = "complete" if plan.seeds else "incomplete"
        head = {"vote": vote, "agg": agg, "subset": subset, "seeds": len(plan.seeds), "status": complete}
        head["upper_bound"] = vote == "oracle" or _sees_gold(plan.cell, vote)
        declared = subset == self._subset and choice == self._declared(plan.cell)
        head["headline"] = declared and not head["upper_bound"]
        return cell | head | {"missing": plan.missing, "failed": plan.failed}

    def _declared(self, cell: CellRecord) -> Choice:
        """The headline of a cell: greedy's one path, and pools without a verifier, need no vote by score;
        one that knows the answers decides no result."""
        plain = cell.verifier is None or cell.strategy == "greedy" or cell.gold
        return ("majority", None) if plain else self._headline

    def _sum_up(self, plan: Plan, read: dict[str, Any], figures: dict[str, Any]) -> None:
        P, S = len(plan.problems), len(plan.seeds)
        self._rows.append(read | _summary(figures, np.ones((P, S), dtype=bool)))
        level_P = np.array([-1 if level is None else level for _, _, level in plan.problems])
        for level in sorted({*level_P.tolist()} - {-1}):
            inside_PS = np.repeat((level_P == level)[:, None], S, axis=1)
            self._by.append(read | {"level": level, "seed": None} | _summary(figures, inside_PS))
        for s, seed in enumerate(plan.seeds):
            inside_PS = np.repeat(np.arange(S)[None] == s, P, axis=0)
            self._by.append(read | {"level": None, "seed": seed} | _summary(figures, inside_PS))


def _summary(figures: dict[str, Any], inside_PS: Bools) -> dict[str, Any]:
    """Accuracy with its interval, and mean costs, of a rectangle of problems x seeds."""
    problem_P, seed_S = inside_PS.any(axis=1), inside_PS.any(axis=0)
    inside_B = inside_PS.ravel()
    correct_PS = figures["correct"].reshape(inside_PS.shape)[problem_P][:, seed_S]
    accuracy, low, high = statistics.interval(correct_PS.mean(axis=1), correct_PS.shape[1])
    out: dict[str, Any] = {"accuracy": accuracy, "accuracy_low": low, "accuracy_high": high}
    out["mc_error"] = statistics.monte_carlo_error(figures["variance"][inside_B], figures["permutations"])
    out |= {"problems": int(problem_P.sum()), "seeds": int(seed_S.sum()), "pool": figures["pool"]}
    for name, value_B in figures["costs"].items():
        mean = float(value_B[inside_B].mean())
        out[name] = None if np.isnan(mean) else mean
    if figures["reasons"] is not None:
        counts = Counter(figures["reasons"][inside_B].tolist())
        out |= {name: counts[name] for name in REASONS}
    return out


def _sees_gold(cell: CellRecord, vote: Vote) -> bool:
    """Did a verifier that knows the gold answers take part: in the search, or in the vote?"""
    return cell.gold and (cell.guided or vote in SCORED_VOTES)


def _pool_columns(plan: Plan) -> dict[str, Any]:
    pairs = [(*problem, seed) for problem in plan.problems for seed in plan.seeds]
    names = ("problem_key", "problem_id", "level", "seed")
    return dict(zip(names, (list(column) for column in zip(*pairs, strict=True)), strict=True))


def _answers(tables: Tables, plan: Plan, batch: Batch, winner_B: Ints) -> Said:
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
        elif (batch.group_BN[b] >= 0).any() or (batch.place_BUW[b, : plan.draw] >= 0).any():
            reasons.append("no_answer")
        else:
            status = tables.work[batch.keys[b]].status[0]
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
