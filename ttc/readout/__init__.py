"""Stored paths -> answers and accuracies: every vote, aggregation and subset, at any time, without a model.

`read_out(folder)` reads the committed rows of a results folder and writes answers.parquet, readout.parquet
and readout_by.parquet beside them. pools.py loads, outcomes.py votes, costs.py adds up, rows.py lays out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from ttc import store
from ttc.config import ReadoutConfig
from ttc.grading import make_grader
from ttc.readout.costs import make_costs
from ttc.readout.outcomes import Batch, make_batch, outcomes
from ttc.readout.pools import Key, Tables
from ttc.readout.rows import Plan, Rows
from ttc.schema import CellRecord

T = TypeVar("T")


@dataclass(frozen=True)
class Readout:
    """The three tables as written: a row of `rows` is cell x vote x agg x subset, seeds pooled."""

    answers: pa.Table
    rows: pa.Table
    by: pa.Table


def read_out(folder: Path, config: ReadoutConfig | None = None) -> Readout:
    """Reads every cell of the folder, in all its runs, and writes the three files, each at once."""
    config = config or ReadoutConfig()
    cells, selections = folder_cells(folder)
    tables = Tables(folder, config.grader)
    plans = [_plan(tables, cell, selections[cell.selection]) for cell in cells]
    rows = Rows(config.headline_vote, config.headline_agg, config.subset)
    groups: dict[tuple[object, ...], list[Plan]] = {}
    for plan in plans:
        if plan.seeds:
            groups.setdefault((plan.cell.verifier, tuple(plan.keys), plan.pool_units), []).append(plan)
        else:
            rows.add_incomplete(plan)
    batches = _run(_make_batches(tables, list(groups.values()), config))
    for batch, members in zip(batches, groups.values(), strict=True):
        draws = sorted({plan.draw for plan in members})
        chosen = outcomes(tables, batch, draws, config.permutations)
        costs = make_costs(tables, batch.keys, batch.units, members[0].cell.verifier, members[0].cell.guided)
        for plan in members:
            rows.add(tables, plan, batch, chosen, draws.index(plan.draw), costs, config.permutations)
    readout = Readout(*rows.tables())
    store.write(readout.answers, folder / "answers.parquet")
    store.write(readout.rows, folder / "readout.parquet")
    store.write(readout.by, folder / "readout_by.parquet")
    return readout


def folder_cells(folder: Path) -> tuple[list[CellRecord], dict[str, list[list[Any]]]]:
    """The cells of all runs (a cell's seeds: those of all; its record: the latest), and the selections.

    What a cell is told apart by names it once: where a dataset's or a model's content has changed under its
    name, the later cell stands for it and the earlier one's rows stay unread.
    """
    cells: dict[tuple[object, ...], CellRecord] = {}
    selections: dict[str, list[list[Any]]] = {}
    names = {field.name for field in fields(CellRecord)}
    for run in store.load_runs(folder):
        selections.update(run["selections"])
        for record in run["cells"]:
            known = {name: value for name, value in record.items() if name in names}
            cell = CellRecord(**{**known, "seeds": tuple(record["seeds"])})
            name = (cell.strategy, cell.variant, cell.n, cell.policy, cell.prm, cell.dataset)
            if name in cells and cells[name].cell == cell.cell:
                cell = replace(cell, seeds=tuple(sorted({*cells[name].seeds, *cell.seeds})))
            cells[name] = cell
    usable = [cell for cell in cells.values() if cell.unit is None or cell.n % cell.unit == 0]
    return usable, selections


def _plan(tables: Tables, cell: CellRecord, selection: Sequence[Sequence[Any]]) -> Plan:
    """Which pools the cell reads: its seeds that are complete on all of its problems (spec 6)."""
    draw = 1 if cell.unit is None else cell.n // cell.unit
    problems = [(key, problem_id, level) for key, problem_id, level in selection]
    missing, failed, seeds, units = 0, 0, [], []
    for seed in cell.seeds:
        keys: list[Key] = [(cell.family, key, seed) for key, _, _ in problems]
        available = [tables.available(key, cell.verifier) for key in keys]
        short = [key for key, count in zip(keys, available, strict=True) if count < draw]
        missing += len(short)
        failed += sum(key in tables.work and tables.work[key].failed for key in short)
        if not short:
            seeds.append(seed)
            units += available
    pool_units = 1 if cell.unit is None else min(units, default=0)
    return Plan(cell, problems, seeds, draw, pool_units, missing, failed)


async def _make_batches(
    tables: Tables, groups: Sequence[Sequence[Plan]], config: ReadoutConfig
) -> list[Batch]:
    """One grader for all, so that no pair of answers is judged twice."""
    grader = make_grader(config.grader, config.grade_timeout)
    try:
        return [
            await make_batch(tables, plans[0].keys, plans[0].pool_units, plans[0].cell.verifier, grader)
            for plans in groups
        ]
    finally:
        await grader.close()


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end in a thread of its own: a notebook already has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
