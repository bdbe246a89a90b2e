"""Which parts of a pool a cell reads, by name (semantics, "Subsets"). A subset is a function and a line
below; a room of its own may add one (ttc/sal)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from ttc.readout.cells import CellPools
from ttc.readout.costs import Costs
from ttc.readout.elections import Batch, Choice, Election, elect
from ttc.readout.ended import Ended, elect_ended
from ttc.readout.pools import Tables
from ttc.readout.rows import Figures, RowWriter
from ttc.readout.votes import VOTES
from ttc.store.records import CellRecord


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
    def ended(self) -> Ended:
        """Of the one cell whose pools end by themselves: such cells are read alone."""
        [pools] = self.cells
        assert pools.cell.ending, "others have elections"
        count = self.permutations if pools.whole else 0
        return elect_ended(self.batch, self.costs, pools.cell.ending, pools.draw, pools.available, count)

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
        if pools.cell.ending:
            _add_ended(group, pools, writer, subset, expected)
            continue
        c, cell = group.draws.index(pools.draw), pools.cell
        drawn = expected and pools.draw < group.batch.units
        for choice in writer.sort(cell, group.elections):
            one, vote = group.elections[choice], VOTES[choice[0]]
            if drawn and "order" in vote.needs:
                continue
            figures = Figures(
                (one.resample_BC if drawn else one.prefix_BC)[:, c],
                group.costs.columns(
                    group.costs.mean(pools.draw) if drawn else group.costs.first(pools.draw), vote.scored
                ),
                pool=group.batch.units * (cell.unit or 0) or cell.n,
                winner_B=None if drawn else one.winner_BC[:, c],
                variance_B=one.variance_BC[:, c] if drawn else None,
                permutations=group.permutations,
            )
            writer.add(group.tables, group.batch, pools, choice, subset, figures)


def _add_ended(group: Group, pools: CellPools, writer: RowWriter, subset: str, expected: bool) -> None:
    cell, drawn = pools.cell, expected and pools.whole
    for choice in writer.sort(cell, group.ended.elections):
        one, vote = group.ended.elections[choice], VOTES[choice[0]]
        if drawn and "order" in vote.needs:
            continue
        use = (group.ended.drawn if drawn else group.ended.first)[vote.scored]
        figures = Figures(
            (one.resample_BC if drawn else one.prefix_BC)[:, 0],
            group.costs.columns(use.weight_BU, vote.scored),
            pool=group.batch.units * (cell.unit or cell.n),
            winner_B=None if drawn else one.winner_BC[:, 0],
            variance_B=one.variance_BC[:, 0] if drawn else None,
            permutations=group.permutations,
            paths={"paths": use.units_B * (cell.unit or cell.n)},
        )
        writer.add(group.tables, group.batch, pools, choice, subset, figures)


SUBSETS: dict[str, Subset] = {
    # the expectation over random n-subsets of one seed's pool
    "resample": Subset(partial(_add, subset="resample", expected=True), always=True),
    # the first n paths
    "prefix": Subset(partial(_add, subset="prefix", expected=False), always=True),
}
