"""Grids of fakes that grow axis by axis, run in this process, and what a folder holds of one in the end."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ttc.plan.cells import read_grid
from ttc.plan.inputs import Inputs, look_up_all
from ttc.run import local
from ttc.run.launch import Report
from ttc.run.launch_log import LaunchLog
from ttc.run.pairs import run_pairs
from ttc.run.stopping import Stop
from ttc.store import Folder
from ttc.store.schema import COMMIT, KEYS, common_columns, table_schema

Key = tuple[Any, ...]

AXES: dict[str, tuple[tuple[Any, ...], ...]] = {
    "strategy": (("best_of_n", "beam"), ("best_of_n", "beam", "dvts")),
    "n": ((2,), (2, 4)),
    "seed": ((0,), (0, 1)),
    "problems": ((3,), (4,)),
    "prm": (("fake",), ("fake", "length")),
}
"""What a grid has of each axis, the smallest first; of problems, the first so many."""

LARGEST = tuple(f"{key}={','.join(map(str, AXES[key][-1]))}" for key in ("strategy", "n", "seed", "prm"))

LOOSE = {"n", "prm_rate"}
"""Columns that tell of engines, or of which search it was that drew a path."""

SHAPED = {name for name, _ in common_columns()}
SUMS = ("paths", "over_eos", "over_length", "over_blank", "no_answer", "generated_tokens", "steps")


@dataclass(frozen=True)
class Found:
    """What a reader finds.

    Attributes:
        rows: table -> key -> row; of searches, which may cut a pool in many ways, its units.
        pools: what the searches of a pool add up to.
        doubles: rows that are there twice, but for scores: they may be of paths that were lost.
    """

    rows: dict[str, dict[Key, dict[str, Any]]]
    pools: dict[Key, Counter[str]]
    doubles: list[Key]


@dataclass(frozen=True)
class Line:
    """A grid, by the level that each axis has reached."""

    levels: tuple[int, ...] = (0,) * len(AXES)

    def grown(self, axis: int) -> Line:
        """With more of an axis, where there is more."""
        most = [len(levels) - 1 for levels in AXES.values()]
        grown = (min(most[i], level + (i == axis)) for i, level in enumerate(self.levels))
        return Line(tuple(grown))

    def inputs(self, faulty: bool = False) -> Inputs:
        """faulty: two of five calls to the fakes fail."""
        axes = zip(AXES.values(), self.levels, strict=True)
        strategies, sizes, seeds, [problems], prms = (levels[level] for levels, level in axes)
        largest = _largest()

        def engine(config: Any) -> Any:
            return replace(config, fail_rate=0.4) if faulty and config.engine == "fake" else config

        cells = []
        for one in largest.cells:
            cell = one.cell
            if cell.name in strategies and cell.n in sizes and cell.prm and cell.prm.name in prms:
                cell = replace(cell, seeds=seeds, policy=engine(cell.policy), prm=engine(cell.prm))
                cells.append(replace(one, cell=cell, problems=one.problems[:problems]))
        models = {engine(config): model for config, model in largest.models.items()}
        return Inputs(largest.grid, tuple(cells), models)


@functools.cache
def _largest() -> Inputs:
    """The grid that every other is a part of: to compose one takes a second."""
    words = ("-m", "cluster=none", "policy=fake", "readout.grader=exact", "dataset.limit=4", *LARGEST)
    return look_up_all(read_grid(words))


def run(
    folder: Folder, inputs: Inputs, stop: Stop | None = None, committed: Callable[[], object] = lambda: None
) -> None:
    """A launch, up to its readout."""
    with folder.held():
        log = LaunchLog(folder, inputs, ["test"])

        def on_report(report: Report) -> None:
            for part in report.parts:
                folder.commit(part)
                committed()
            log.hear(report)

        with log.entry():
            run_pairs(folder, inputs, local.run, log, on_report, stop or Stop())


@functools.cache
def undisturbed(line: Line) -> Found:
    with tempfile.TemporaryDirectory() as place:
        run(Folder(place), line.inputs())
        return found_in(Folder(place))


def found_in(folder: Folder) -> Found:
    found = Found({table: {} for table in KEYS}, {}, [])
    for table, rows in found.rows.items():
        for row in folder.read_all(table, table_schema(table).names).to_pylist():
            keys = [*units_of(row)] if table == COMMIT else [tuple(row[name] for name in KEYS[table])]
            found.doubles.extend(key for key in keys if key in rows and table != "scores")
            if table == COMMIT and keys:
                pool = found.pools.setdefault(keys[0][:-1], Counter())
                pool.update({name: row[name] for name in SUMS})
            names = row.keys() & SHAPED if table == COMMIT else row.keys() - LOOSE
            rows |= {key: {name: row[name] for name in names} for key in keys}
    return found


def units_of(row: Mapping[str, Any]) -> Iterator[Key]:
    """What a searches/ row has searched, as (family, problem, seed, unit); nothing where it has failed."""
    if row["status"] != "failed":
        for unit in range(row["unit_first"], row["unit_first"] + row["units"]):
            yield row["family"], row["problem_key"], row["seed"], unit
