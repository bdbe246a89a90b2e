"""What a results folder remembers of a cell: all that a readout needs, and no model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ttc.types import Count, Ending

MOST = 1024
"""Whole searches that a budget may pay for, where a search is one unit."""


def most_units(n: int, unit: int | None, ending: Ending | None) -> int:
    """The units that a cell may use: n paths, or what its budget pays of searches that each return n."""
    if unit is not None:
        return n // unit
    return MOST if ending and ending.budgets else 1


@dataclass(frozen=True)
class CellRecord:
    """A point of the grid as a results folder remembers it: all that a readout needs, and no model.

    Attributes:
        columns: family, strategy, its parameters and what else shaped its searches, as rows have them; `prm`
            is the one whose scores are read.
        headlines: votes that are the cell's results, declared before the run; None: the readout's own.
        verifier: the hash that scores/ rows carry.
        selection: names the problems of the cell: a key of sweep.json's `selections`, whose value is a list
            of [problem_key, problem_id, level] in the dataset's order.
        unit: the strategy's prefix_unit (paths a unit returns; None: the whole search is one unit).
        gold: the verifier knows the gold answers (prm=oracle): what it decides is an upper bound.
        ending: when its pools have enough before they have n; None: never.
        tree: its searches keep their draws in steps/; `guided` ones always do.
        sequential: its paths are versions of one answer, in order.
    """

    cell: str
    variant: str
    n: Count
    seeds: tuple[int, ...]
    columns: Mapping[str, Any]
    selection: str
    headlines: tuple[str | None, ...] = (None,)
    verifier: str | None = None
    unit: Count | None = None
    guided: bool = False
    gold: bool = False
    ending: Ending | None = None
    tree: bool = False
    sequential: bool = False

    @property
    def keeps_tree(self) -> bool:
        return self.guided or self.tree

    @property
    def units(self) -> int:
        """That its search has of a pool, at most."""
        return most_units(self.n, self.unit, self.ending)

    @property
    def usable(self) -> bool:
        """Units make its n, so that it can be read."""
        return self.unit is None or self.n % self.unit == 0

    @property
    def family(self) -> str:
        return str(self.columns["family"])

    @property
    def strategy(self) -> str:
        return str(self.columns["strategy"])

    @property
    def policy(self) -> str:
        return str(self.columns["policy"])

    @property
    def prm(self) -> str | None:
        return self.columns["prm"]

    @property
    def dataset(self) -> str:
        return str(self.columns["dataset"])

    @property
    def line(self) -> tuple[Any, ...]:
        """What a table shows as one line, by n."""
        return (self.strategy, self.variant, self.policy, self.prm, self.dataset)


def unite_cells(runs: Iterable[Mapping[str, Any]]) -> tuple[list[CellRecord], dict[str, list[list[Any]]]]:
    """The cells of all runs (a cell's seeds and headlines: those of all; its record: the latest), and the
    selections.

    What a cell is told apart by names it once: where a dataset's or a model's content has changed under its
    name, the later cell stands for it and the earlier one's rows stay unread.
    """
    cells: dict[tuple[object, ...], CellRecord] = {}
    selections: dict[str, list[list[Any]]] = {}
    names = {field.name for field in fields(CellRecord)}
    for run in runs:
        selections.update(run["selections"])
        for record in run["cells"]:
            known = {name: value for name, value in record.items() if name in names}
            if known.get("ending"):
                known["ending"] = Ending(**known["ending"])
            lists = {name: tuple(known[name]) for name in ("seeds", "headlines") if name in known}
            cell = CellRecord(**known | lists)
            name = (*cell.line, cell.n)
            if name in cells and cells[name].cell == cell.cell:
                headlines = tuple(dict.fromkeys([*cells[name].headlines, *cell.headlines]))
                seeds = tuple(sorted({*cells[name].seeds, *cell.seeds}))
                cell = replace(cell, seeds=seeds, headlines=headlines)
            cells[name] = cell
    return list(cells.values()), selections
