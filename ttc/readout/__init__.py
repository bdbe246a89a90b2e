"""Stored paths -> answers and accuracies: every vote, aggregation and subset, at any time, without a model.

`read_out(folder)` reads the committed rows of a results folder and writes answers.parquet, readout.parquet
and readout_by.parquet beside them. pools.py loads, elections.py votes, costs.py adds up, subsets.py says
which parts of a pool are read, rows.py lays out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pyarrow as pa

from ttc.grading import group, make_grader
from ttc.readout.cells import CellPools, find_pools
from ttc.readout.costs import make_costs
from ttc.readout.elections import Batch, Choice, make_batch
from ttc.readout.habits import HABITS
from ttc.readout.pools import Key, Tables
from ttc.readout.rows import RowWriter
from ttc.readout.subsets import SUBSETS, Group
from ttc.readout.votes import VOTES
from ttc.settings import extensions
from ttc.settings.build import build
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder
from ttc.store.records import CellRecord
from ttc.strategies.aggregations import AGGREGATIONS
from ttc.types import UserError


def check(config: ReadoutConfig) -> list[str]:
    """The faults of a readout's names, a line each."""
    faults = []
    vote, agg = split_choice(config.headline)
    results = [name for name, one in VOTES.items() if not (one.upper_bound or one.sequential)]
    if vote not in results:
        faults.append(
            f"readout.headline={config.headline!r}: take one of {', '.join(results)}, as in weighted/last"
        )
    elif agg is not None and (agg not in AGGREGATIONS or not VOTES[vote].scored):
        has = f"one of {', '.join(AGGREGATIONS)}" if VOTES[vote].scored else f"none; {vote} reads no scores"
        faults.append(f"readout.headline={config.headline!r}: the aggregation is {has}")
    if config.subset not in SUBSETS:
        faults.append(f"readout.subset={config.subset!r}: take one of {', '.join(SUBSETS)}")
    unknown = [name for name in config.habits if name not in HABITS]
    return faults + [f"readout.habits: {name!r}: take some of {', '.join(HABITS)}" for name in unknown]


def split_choice(text: str) -> Choice:
    """`weighted/last` as (vote, agg). A vote by scores that names no aggregation takes the last score."""
    vote, _, agg = text.partition("/")
    return vote, agg or ("last" if vote in VOTES and VOTES[vote].scored else None)


def headline_votes(headlines: Iterable[str | None], config: ReadoutConfig) -> list[str]:
    """The votes that a cell's results are read by. None among `headlines`: the declared one."""
    declared = split_choice(config.headline)[0]
    return list(dict.fromkeys(vote or declared for vote in headlines))


def readout_config(folder: Folder) -> ReadoutConfig:
    """As the folder's last launch read it, or as a launch would."""
    last = [{}, *folder.runs()][-1]
    return build(ReadoutConfig, last.get("config", {}).get("readout", {}), "readout.")


def read_out(folder: Folder, config: ReadoutConfig | None = None) -> dict[str, pa.Table]:
    """Reads every cell of the folder, in all its runs, and writes the tables, each at once.

    Raises:
        UserError: the folder's paths are graded, but not as `config` says; or its last launch read it out
            with a file of the user's that is not loaded.
    """
    extensions.load()
    _check_own(folder)
    readout = make_readout(folder, config or ReadoutConfig())
    for name, table in readout.items():
        folder.write(name, table)
    return readout


def _check_own(folder: Folder) -> None:
    registries: dict[str, Mapping[str, Any]] = {
        "vote": VOTES,
        "aggregation": AGGREGATIONS,
        "subset": SUBSETS,
        "habit": HABITS,
    }
    for own in [{}, *folder.runs()][-1].get("extend", ()):
        lost = [
            name for kind, one in registries.items() for name in own["adds"].get(kind, ()) if name not in one
        ]
        if lost:
            raise UserError(
                f"{folder}: its last launch read it out with {', '.join(lost)} of {own['name']}: say "
                f"extend=[{own['path']}] (the file's text stands in sweep.json)"
            )


def catch_up(folder: Folder) -> None:
    """Reads out what is there, where the folder's last launch did not come to do it.

    Raises:
        UserError: no launch has written here.
    """
    runs = folder.runs()
    if not runs:
        raise UserError(f"{folder}: no results here (no sweep.json)")
    if runs[-1]["status"] not in ("done", "failed") or not folder.has("readout.parquet"):
        read_out(folder, readout_config(folder))


def make_readout(folder: Folder, config: ReadoutConfig) -> dict[str, pa.Table]:
    """`read_out` without the files (`RowWriter.tables`)."""
    every, selections = folder.cells()
    tables = Tables(folder, config)
    writer = RowWriter(split_choice(config.headline), config.subset, every)
    subsets = [name for name, subset in SUBSETS.items() if subset.always or name == config.subset]
    alike: dict[tuple[Any, ...], list[CellPools]] = {}
    for cell in (cell for cell in every if cell.usable):
        pools = find_pools(tables, cell, selections[cell.selection])
        if pools.seeds:
            alone = cell.cell if cell.ending else None  # each pool has a length of its own
            alike.setdefault((tuple(pools.keys), pools.pool_units, cell.verifier, alone), []).append(pools)
        else:
            writer.add_incomplete(pools, subsets)
    wanted = [(keys, units, cells[0].cell) for (keys, units, *_), cells in alike.items()]
    batches = make_batches(tables, wanted, config)
    for batch, cells in zip(batches, alike.values(), strict=True):
        costs = make_costs(tables, batch.keys, batch.units, cells[0].cell)
        together = Group(tables, batch, cells, costs, config.permutations, every)
        for name in subsets:
            SUBSETS[name].add(together, writer)
    return writer.tables()


def make_batches(
    tables: Tables, wanted: Sequence[tuple[Sequence[Key], int, CellRecord]], config: ReadoutConfig
) -> list[Batch]:
    """Pools with their groups of equal answers as `config` says. wanted: keys, units and a cell of each."""

    async def make() -> list[Batch]:
        """One grouping for all, so that no pair of answers is judged twice."""
        habits = [HABITS[name] for name in config.habits]
        grader = make_grader(config.grader, config.grade_timeout)
        others = [habit.grouping(config.grade_timeout) for habit in habits if habit.grouping]
        grouping = others[-1].group if others else partial(group, grader=grader)
        try:
            return [await make_batch(tables, *one, grouping, habits) for one in wanted]
        finally:
            await grader.close()
            for other in others:
                await other.close()

    # in a thread of its own: a notebook already has a loop in this one
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, make()).result()
