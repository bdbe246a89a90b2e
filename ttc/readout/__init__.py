"""Stored paths -> answers and accuracies: every vote, aggregation and subset, at any time, without a model.

`read_out(folder)` reads the committed rows of a results folder and writes answers.parquet, readout.parquet
and readout_by.parquet beside them. pools.py loads, outcomes.py votes, costs.py adds up, rows.py lays out;
canonical.py and quirks.py are of search-and-learn's behaviour, by name (spec 8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ttc.grading import make_grader
from ttc.readout.costs import Costs, make_costs
from ttc.readout.outcomes import Batch, first_outcomes, make_batch, outcomes, rows_in_order
from ttc.readout.pools import Key, Tables
from ttc.readout.rows import SAL_PREFIX, Plan, Rows
from ttc.sal.canonical import Canonical
from ttc.settings.schema import ReadoutConfig
from ttc.store import folder as store
from ttc.store.schema import CellRecord


@dataclass(frozen=True)
class Readout:
    """The three tables as written: a row of `rows` is cell x vote x agg x subset, seeds pooled."""

    answers: pa.Table
    rows: pa.Table
    by: pa.Table


def read_out(folder: Path, config: ReadoutConfig | None = None) -> Readout:
    """Reads every cell of the folder, in all its runs, and writes the three files, each at once.

    Raises:
        UserError: the folder's paths are graded, but not as `config` says.
    """
    readout = readout_of(folder, config or ReadoutConfig())
    store.write(readout.answers, folder / "answers.parquet")
    store.write(readout.rows, folder / "readout.parquet")
    store.write(readout.by, folder / "readout_by.parquet")
    return readout


def readout_of(folder: Path, config: ReadoutConfig) -> Readout:
    """`read_out` without the files."""
    cells, selections = folder_cells(folder)
    tables = Tables(folder, config)
    plans = [_plan(tables, cell, selections[cell.selection]) for cell in cells]
    rows = Rows(config.headline_vote, config.headline_agg, config.subset)
    groups: dict[tuple[object, ...], list[Plan]] = {}
    for plan in plans:
        if plan.seeds:
            groups.setdefault((plan.cell.verifier, tuple(plan.keys), plan.pool_units), []).append(plan)
        else:
            rows.add_incomplete(plan)
    sizes = _prefixes(_all_cells(folder)[0], cells) if config.subset == SAL_PREFIX else {}
    wanted = [(plans[0].keys, plans[0].pool_units, plans[0].cell.verifier) for plans in groups.values()]
    batches = make_batches(tables, wanted, config)
    for batch, members in zip(batches, groups.values(), strict=True):
        draws = sorted({plan.draw for plan in members})
        chosen = outcomes(tables, batch, draws, config.permutations)
        costs = make_costs(tables, batch.keys, batch.units, members[0].cell.verifier, members[0].cell.guided)
        for plan in members:
            rows.add(tables, plan, batch, chosen, draws.index(plan.draw), costs, config.permutations)
        if sizes:
            _add_prefixes(rows, tables, batch, members, costs, sizes)
    return Readout(*rows.tables())


def _prefixes(every: Sequence[CellRecord], usable: Sequence[CellRecord]) -> dict[str, list[int]]:
    """Cell -> the n of its `sal_prefix` rows (spec 8): those of all cells, and powers of two.

    Each is read once in a line of cells, from the smallest search that returned so many rows.
    """
    sizes: dict[str, list[int]] = {}
    for line in {cell.line for cell in usable}:
        wanted = {cell.n for cell in every if cell.line == line}
        wanted |= {2**k for k in range(max(wanted).bit_length())}
        below = 0
        for cell in sorted((cell for cell in usable if cell.line == line), key=lambda cell: cell.n):
            sizes[cell.cell] = sorted(n for n in wanted if below < n <= cell.n)
            below = cell.n
    return sizes


def _add_prefixes(
    rows: Rows,
    tables: Tables,
    batch: Batch,
    members: Sequence[Plan],
    costs: Costs,
    sizes: dict[str, list[int]],
) -> None:
    ordered = rows_in_order(batch)
    cuts = sorted({n for plan in members for n in sizes[plan.cell.cell]})
    # a search may have returned fewer rows than its n
    chosen = first_outcomes(tables, ordered, [min(n, ordered.units) for n in cuts])
    for plan in members:
        for n in sizes[plan.cell.cell]:
            rows.add_first(tables, plan, ordered, chosen, cuts.index(n), n, costs)


def folder_cells(folder: Path) -> tuple[list[CellRecord], dict[str, list[list[Any]]]]:
    """The cells that have rows, and the selections: `_all_cells` whose n is a multiple of their unit."""
    cells, selections = _all_cells(folder)
    return [cell for cell in cells if cell.unit is None or cell.n % cell.unit == 0], selections


def _all_cells(folder: Path) -> tuple[list[CellRecord], dict[str, list[list[Any]]]]:
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
            lists = {name: tuple(known[name]) for name in ("seeds", "headlines")}
            cell = CellRecord(**known | lists)
            name = (*cell.line, cell.n)
            if name in cells and cells[name].cell == cell.cell:
                headlines = tuple(dict.fromkeys([*cells[name].headlines, *cell.headlines]))
                seeds = tuple(sorted({*cells[name].seeds, *cell.seeds}))
                cell = replace(cell, seeds=seeds, headlines=headlines)
            cells[name] = cell
    return list(cells.values()), selections


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


def make_batches(
    tables: Tables, wanted: Sequence[tuple[Sequence[Key], int, str | None]], config: ReadoutConfig
) -> list[Batch]:
    """Pools with their groups of equal answers as `config` says. wanted: keys, units and verifier of each.

    In a thread of its own: a notebook already has a loop in this one.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _make_batches(tables, wanted, config)).result()


async def _make_batches(
    tables: Tables, wanted: Sequence[tuple[Sequence[Key], int, str | None]], config: ReadoutConfig
) -> list[Batch]:
    """One grouping for all, so that no pair of answers is judged twice."""
    grader = make_grader(config.grader, config.grade_timeout)
    canonical = Canonical(config.grade_timeout)
    special = (canonical.group if config.groups == "canonical" else None, config.blanks == "vote")
    try:
        return [
            await make_batch(tables, keys, units, verifier, grader, *special)
            for keys, units, verifier in wanted
        ]
    finally:
        await grader.close()
        await canonical.close()
