"""`study = ttc.load("results/x")`: a results folder in Python; tables are frames, questions are methods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from ttc.readout import readout_config
from ttc.readout.names import Results, choice_name, declared, plain
from ttc.report.formats import counted
from ttc.report.summary import readout_tables
from ttc.report.tables import to_html
from ttc.report.view import ordered, sizes
from ttc.settings.build import build
from ttc.store import Folder
from ttc.store.problems import read_problems
from ttc.store.schema import TABLES
from ttc.studies.compare import comparison, pair
from ttc.studies.lookup import find_problem, find_searches, problems_of
from ttc.studies.settings import CompareSettings
from ttc.studies.tree import Tree
from ttc.studies.trees import Forest
from ttc.types import Faults, UserError, did_you_mean

BESIDE = ("readout", "readout_by", "answers")
"""Tables that a readout writes, a file each."""

FIRST = [
    *("name", "strategy", "variant", "n", "vote", "agg", "level", "seed"),
    *("accuracy", "accuracy_low", "accuracy_high", "headline", "upper_bound"),
]
"""Columns of `accuracy` that come first, where they are there."""


class Study:
    """A results folder. Its tables are pandas frames of Arrow's types, each read when it is first asked for,
    and kept: what a sweep adds meanwhile is seen by whoever loads it again.

    Raises:
        UserError: there is no readout in the folder, or another version wrote it.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._results = Results(folder)

    # --- Tables --------------------------------------------------------------------------------------------

    @cached_property
    def cells(self) -> pd.DataFrame:
        """What came out: a row per cell and vote that was declared before the run, as `accuracy` has them. A
        cell without one (all it decided had seen the gold answers) has its first vote, an upper bound."""
        rows = self.accuracy()
        silent = ~rows["cell"].isin(rows.loc[rows["headline"], "cell"]) & ~rows.duplicated(["cell", "n"])
        return rows[rows["headline"] | silent].reset_index(drop=True)

    @cached_property
    def answers(self) -> pd.DataFrame:
        """A row per cell, problem, seed, vote, agg and subset: the chosen answer, and whether it is right."""
        return self._frame("answers")

    @cached_property
    def problems(self) -> pd.DataFrame:
        """A row per problem: question and gold answer. Folders of earlier versions have none."""
        return self._frame("problems")

    @cached_property
    def paths(self) -> pd.DataFrame:
        """A row per path that a search returned: its steps, their tokens, how it ended, what it answers."""
        return self._frame("paths")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """A row per sampled step of a search that is more than independent samples, whatever became of it."""
        return self._frame("steps")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row per path and verifier: a score for each step."""
        return self._frame("scores")

    @cached_property
    def grades(self) -> pd.DataFrame:
        """A row per path, grader and rule of extraction: the answer, and the verdict."""
        return self._frame("grades")

    @cached_property
    def searches(self) -> pd.DataFrame:
        """A row per search: its status with the reason, and the bill that was really paid."""
        return self._frame("searches")

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The launches as sweep.json has them, oldest first: configuration, versions, times, bill."""
        return self.folder.runs()

    def arrow(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A table as Arrow has it, read anew; polars and DuckDB take it as it is.

        Args:
            table: one of the properties' names, readout or readout_by.
            columns: only these; of a large folder's paths and steps a small part.
        Raises:
            UserError: there is no such table, or it has no such column.
        """
        if table == "cells":
            found = pa.Table.from_pandas(self.cells, preserve_index=False)
        elif table == "problems":
            found = read_problems(self.folder)
        elif table in BESIDE:
            found = self.folder.table(table)
        elif table in TABLES:
            found = self.folder.read(table, columns)
        else:
            raise UserError(
                f"{table}: no such table; take one of {', '.join(('cells', 'problems', *BESIDE, *TABLES))}"
            )
        if columns is None:
            return found
        if faults := [f"{table} has no column {name}" for name in columns if name not in found.column_names]:
            raise Faults(faults)
        return found.select(list(columns))

    # --- Questions -----------------------------------------------------------------------------------------

    def accuracy(
        self,
        *,
        strategy: Any = None,
        n: Any = None,
        vote: Any = None,
        agg: Any = None,
        by: Literal["level", "seed"] | None = None,
        **where: Any,
    ) -> pd.DataFrame:
        """Accuracy with its 95 % interval and its costs, a row per cell and vote.

        Read as the headline was declared: of its subset, and of its aggregation where a vote uses scores,
        unless `subset` or `agg` says another.

        Args:
            by: a row for each level of the dataset, or for each seed, instead of all together.
            strategy, n, vote, agg, where: a value, or a list of values, of that column; None: all.
        Returns:
            The columns of readout.parquet and, as `name`, what `compare` calls the row (and reads in the
            declared subset).
        Raises:
            UserError: a column that is not there, or a value that it does not have.
        """
        rows = self._by(by)
        asked = {"strategy": strategy, "n": n, "vote": vote, "agg": agg, **where}
        asked = {name: value for name, value in asked.items() if value is not None}
        kept = _matching(rows, asked)
        subset, usual = declared(self._results.rows)
        if "subset" not in asked:
            kept &= rows["subset"] == subset
        if "agg" not in asked:
            kept &= rows["agg"].isna() | (rows["agg"] == usual)
        return ordered(rows[kept]).reset_index(drop=True)

    def compare(self, *names: str, axis: str | None = None) -> pd.DataFrame:
        """Cells side by side, every other against the first, paired by problem: `beam@16`, `beam@16:best/min`
        or what `cells` has as `name`. The columns of compare.parquet (studies/compare.py).

        axis: flops, tokens, ...: against what costs as much of the line that the first name is: `best_of_n`.

        Raises:
            UserError: a name that means no cell or several, or cells on different problems.
        """
        compared = pair(self._results, names, build(CompareSettings, {"axis": axis}).axis)
        return comparison(compared, [self._results.correct(reading) for reading in compared.readings])

    def tree(
        self,
        problem: str,
        *,
        strategy: str | None = None,
        n: int | None = None,
        seed: int | None = None,
        **where: Any,
    ) -> Tree:
        """One search as a tree: what was drawn, which paths were returned, how they voted (studies/tree.py).

        Args:
            problem: its problem_id, the beginning of its problem_key, or its place among all, "#3".
            strategy, n, where: as rows of the cell have them. Not said: a guided search before others, and
                the largest n.
            seed: None: the cell's first one.
        Raises:
            UserError: there is no such cell, problem or seed.
        """
        said = {"strategy": strategy, "n": n} | where
        asked = find_problem(problems_of(self.folder), problem)
        given = {key: value for key, value in said.items() if value is not None}
        (cell, *_), seed = find_searches(self.folder, asked, given, seed)
        return self._forest.tree(cell, asked.key, seed)

    # --- How it looks --------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"{self.folder}: {counted(self.cells['cell'].nunique(), 'cell')}, {sizes(self.cells)}"

    def _repr_html_(self) -> str:
        """What a notebook shows: the headline accuracies with their intervals."""
        # with NaN for what was not measured, as a table writes it
        cells = self.arrow("cells").to_pandas(ignore_metadata=True)
        tables = readout_tables(cells, vars(readout_config(self.folder).doubts))
        return "".join(map(to_html, tables))

    # --- Reading -------------------------------------------------------------------------------------------

    def _frame(self, table: str) -> pd.DataFrame:
        return self.arrow(table).to_pandas(types_mapper=pd.ArrowDtype)

    @cached_property
    def _forest(self) -> Forest:
        return Forest(self.folder, readout_config(self.folder))

    @cached_property
    def _readout(self) -> pd.DataFrame:
        return self._named("readout")

    @cached_property
    def _readout_by(self) -> pd.DataFrame:
        return self._named("readout_by")

    def _by(self, by: str | None) -> pd.DataFrame:
        if by is None:
            return self._readout
        if by not in ("level", "seed"):
            raise UserError(f"by={by}: take level or seed")
        rows = self._readout_by
        return rows[rows[by].notna()].drop(columns={"level": "seed", "seed": "level"}[by])

    def _named(self, table: str) -> pd.DataFrame:
        """A readout's rows with their names."""
        rows = self._frame(table)
        words = dict(zip(self._results.rows["cell"], self._results.rows["words"], strict=True))
        names = [
            f"{words.get(row['cell'], row['strategy'])}@{row['n']}:{choice_name(plain(row))}"
            for row in rows[["cell", "strategy", "n", "vote", "agg"]].to_dict("records")
        ]
        rows["name"] = pd.Series(names, rows.index, pd.ArrowDtype(pa.string()))
        first = [name for name in FIRST if name in rows]
        return rows[[*first, *rows.columns.difference(first, sort=False)]]


def _matching(rows: pd.DataFrame, asked: dict[str, Any]) -> pd.Series:
    """Which rows have these values, or one of these lists of values, in these columns."""
    faults, kept = [], pd.Series(True, rows.index)
    for name, value in asked.items():
        values = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
        if name not in rows:
            near = did_you_mean(name, rows.columns)
            faults.append(f"{name}: no such column{near}; there are {', '.join(rows.columns)}")
            continue
        there = sorted(rows[name].dropna().unique().tolist())
        faults += [
            f"{name}={one}: there is no such row; take one of {', '.join(map(str, there))}"
            for one in values
            if one not in there
        ]
        kept &= rows[name].isin(values)
    if faults:
        raise Faults(faults)
    return kept
