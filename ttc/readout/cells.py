"""Which pools a cell reads (semantics, "Subsets")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ttc.readout.pools import Key, Tables
from ttc.store.records import CellRecord
from ttc.store.schema import PROBLEM


@dataclass(frozen=True)
class CellPools:
    """A cell and the pools it reads.

    Attributes:
        problems: (problem_key, problem_id, level), in the dataset's order.
        seeds: complete on all problems.
        draw: units that n paths are.
        pool_units: the first units of every pool, as many as each of them has; where pools end by themselves
            and not all are whole, as many as the largest has.
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
    available: Sequence[int] = ()
    """Units of each pool."""

    @property
    def whole(self) -> bool:
        """Every pool has all that the cell might draw, whatever ends it sooner."""
        return min(self.available, default=0) >= self.draw

    @property
    def keys(self) -> list[Key]:
        return [(self.cell.family, key, seed) for key, _, _ in self.problems for seed in self.seeds]

    def columns(self) -> dict[str, Any]:
        """What names each pool in answers.parquet."""
        pairs = [(*problem, seed) for problem in self.problems for seed in self.seeds]
        return dict(zip([name for name, _ in PROBLEM], zip(*pairs, strict=True), strict=True))


def find_pools(tables: Tables, cell: CellRecord, selection: Sequence[Sequence[Any]]) -> CellPools:
    """The pools that a cell reads: its seeds that are complete on all its problems (semantics, "Subsets")."""
    problems = [(key, problem_id, level) for key, problem_id, level in selection]
    draw, missing, failed, seeds, counts = cell.units, 0, 0, [], []
    for seed in cell.seeds:
        keys: list[Key] = [(cell.family, key, seed) for key, _, _ in problems]
        available = [tables.available(key, cell.verifier) for key in keys]
        short = [
            key
            for key, count in zip(keys, available, strict=True)
            if count < draw and not (cell.ending and tables.has_ended(key, cell.ending, count))
        ]
        missing += len(short)
        failed += sum(key in tables.covered and tables.covered[key].failed for key in short)
        if not short:
            seeds.append(seed)
            counts.append(available)
    units = [count for of_problem in zip(*counts, strict=True) for count in of_problem]  # as the keys stand
    pool_units = min(units, default=0)
    if cell.ending and pool_units < draw:
        pool_units = min(max(units, default=0), draw)
    if cell.unit is None and not cell.ending:
        pool_units = 1
    return CellPools(cell, problems, seeds, draw, pool_units, missing, failed, units)
