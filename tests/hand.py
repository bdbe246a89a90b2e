"""Results folders written by hand, row by row, so that every figure of a readout is known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ttc.readout import read_out
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder, seal
from ttc.store.records import CellRecord
from ttc.store.schema import OWN, table_schema

COLUMNS = {
    **{"family": "bon", "strategy": "best_of_n", "policy": "pol", "prm": "ver", "dataset": "d"},
    **{"temperature": 0.8, "top_p": 1.0, "max_tokens": 100, "prompt": "plain"},
}
GOLD = {"p": "1", "q": "7"}
SIZES = {"policy_params": 100, "policy_attention": 3, "policy_rate": 50.0}
PRM_SIZES = {"prm_params": 1000, "prm_attention": 5, "prm_rate": 20.0}

AnswerScoresTokens = tuple[str | None, list[float | None], list[int]]


def change(record: CellRecord, /, **given: Any) -> CellRecord:
    """The cell with other fields, or other columns of the same name."""
    own = {field.name for field in fields(CellRecord)}
    columns = {name: value for name, value in given.items() if name not in own}
    rest = {name: value for name, value in given.items() if name in own}
    return replace(record, columns={**record.columns, **columns}, **rest)


POOL = CellRecord("bon-4", "", 4, (0,), COLUMNS, selection="s", verifier="v", unit=1)
TREE = change(POOL, cell="dvts-4", family="dvts", strategy="dvts", unit=2, guided=True, width=2)
CELLS = [change(POOL, cell=f"bon-{n}", n=n) for n in (1, 2, 4)]


class HandFolder:
    """Rows are collected by `search`, and a part and a run are made of them by `commit`."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, Folder(path)
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in OWN}

    def search(
        self,
        cell: CellRecord,
        problem: str,
        paths: Sequence[AnswerScoresTokens],
        seed: int = 0,
        first: int = 0,
        status: str = "done",
        graded: bool = True,
        scored: bool = True,
    ) -> None:
        """paths: in address order; those of a unit stand together. `first`: their first unit."""
        size = cell.unit or max(1, len(paths))
        common = {"family": cell.family, "problem_key": problem, "problem_id": problem, "seed": seed}
        for i, (answer, scores, tokens) in enumerate(paths):
            at = first * size + i
            path = common | {"path": f"{cell.family}/{problem}/{seed}/{at}"}
            place = {"unit": at // size, "address": str(at)}
            self.rows["paths"].append(path | place | {"step_tokens": tokens, "copy": 0})
            if graded:
                ruled = {"grader": "math_verify", "extract": "boxed"}
                self.rows["grades"].append(
                    path | ruled | {"answer": answer, "verdict": answer == GOLD[problem]}
                )
            if scored:
                cost = {} if cell.guided else {"prm_tokens": 4, "prm_context_sum": 40}
                self.rows["scores"].append(
                    path | {"verifier": "v", "scores": scores, "prm_prompt_tokens": 6} | cost | PRM_SIZES
                )
            if cell.guided:
                step = {"step": 0, "tokens": 8, "context_sum": 80, "prm_tokens": 3, "prm_context_sum": 30}
                self.rows["steps"].append(common | place | step)
        units = {"unit_first": first, "units": max(1, len(paths) // size), "status": status}
        root = {"prompt_tokens": 10 if paths else None, "prm_prompt_tokens": 6}
        self.rows["searches"].append(common | units | root | SIZES | PRM_SIZES)

    def commit(self, *cells: CellRecord, problems: Sequence[str] = ("p", "q")) -> None:
        """What was searched since the last time, as a run of these cells; q is of level 2."""
        tables = {name: pa.Table.from_pylist(rows, table_schema(name)) for name, rows in self.rows.items()}
        with self.folder.held() as held:
            held.commit(seal(tables))
            levels = [[problem, problem, 1 + i] for i, problem in enumerate(problems)]
            run = {"cells": [asdict(cell) for cell in cells], "selections": {"s": levels}}
            told = {"started": "", "status": "done", "overrides": [], "config": {}, "versions": {}}
            held.save_runs([*held.runs(), told | run])
        self.rows = {table: [] for table in self.rows}

    def rows_of(self, **config: Any) -> pd.DataFrame:
        """Reads it out; the rows of readout.parquet."""
        return read_out(self.folder, ReadoutConfig(**config))["readout"].to_pandas()


def pool(folder: HandFolder, cell: CellRecord = POOL) -> None:
    """p: a lone right answer of high score beside two wrong; a blank scored highest. q: one unscored."""
    paths: list[AnswerScoresTokens] = [("1", [0.5, 0.9], [3, 2]), ("2", [0.2], [5])]
    folder.search(cell, "p", [*paths, ("2", [0.9, 0.3], [1, 1]), (None, [0.99], [4])])
    paths = [("5", [0.4], [5]), ("5", [0.4], [5]), ("7", [0.1, 0.5], [5]), ("7", [None], [5])]
    folder.search(cell, "q", paths)


def one(rows: pd.DataFrame, cell: str, vote: str, subset: str, agg: str = "last") -> Any:
    """The one row of readout.parquet, read with `agg` where the vote reads scores."""
    agg_fits = rows["agg"].isna() | (rows["agg"] == agg)
    found = rows[(rows.cell == cell) & (rows.vote == vote) & (rows.subset == subset) & agg_fits]
    assert len(found) == 1
    return found.iloc[0]
