"""Which parts of a pool a cell reads, by name (semantics, "Subsets"). A subset is a function and a line
below; a room of its own may add one (ttc/sal)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from ttc.readout.costs import Costs
from ttc.readout.elections import Batch, Choice, Election, elect
from ttc.readout.pools import Tables
from ttc.readout.rows import CellPools, Figures, RowWriter
from ttc.readout.votes import VOTES
from ttc.store.schema import CellRecord


@dataclass(frozen=True)
class Group:
    """Cells that read the same pools, and what a subset may ask of them.

    Attributes:
        every: all cells of the folder.
    """

    tables: Tables
    batch: Batch
    cells: Sequence[CellPools]
    costs: Costs
    permutations: int
    every: Sequence[CellRecord]

    @cached_property
    def draws(self) -> list[int]:
        """How many units the cells draw, ascending: the elections' cuts."""
        return sorted({pools.draw for pools in self.cells})

    @cached_property
    def elections(self) -> dict[Choice, Election]:
        return elect(self.batch, self.draws, self.permutations)


@dataclass(frozen=True)
class Subset:
    """`add` writes the rows of a group's cells; `always`: also where another subset is the declared one."""

    add: Callable[[Group, RowWriter], None]
    always: bool = False


def _add(group: Group, writer: RowWriter, subset: str, expected: bool) -> None:
    for pools in group.cells:
        c, cell = group.draws.index(pools.draw), pools.cell
        drawn = expected and pools.draw < group.batch.units
        for choice in writer.sort(cell, group.elections):
            one, vote = group.elections[choice], VOTES[choice[0]]
            if drawn and "order" in vote.needs:
                continue
            figures = Figures(
                (one.resample_BC if drawn else one.prefix_BC)[:, c],
                group.costs.columns(pools.draw, drawn, vote.scored),
                pool=group.batch.units * (cell.unit or 0) or cell.n,
                winner_B=None if drawn else one.winner_BC[:, c],
                variance_B=one.variance_BC[:, c] if drawn else None,
                permutations=group.permutations,
            )
            writer.add(group.tables, group.batch, pools, choice, subset, figures)


SUBSETS: dict[str, Subset] = {
    # the expectation over random n-subsets of one seed's pool
    "resample": Subset(partial(_add, subset="resample", expected=True), always=True),
    # the first n paths
    "prefix": Subset(partial(_add, subset="prefix", expected=False), always=True),
}
