"""`subset=sal_prefix`: the first n rows of any search, beam and dvts too, whatever its units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ttc.readout.elections import elect
from ttc.readout.rows import Figures, RowWriter
from ttc.readout.subsets import Group
from ttc.readout.votes import VOTES
from ttc.store.records import CellRecord

SAL_PREFIX = "sal_prefix"


def add_sal_prefix(group: Group, writer: RowWriter) -> None:
    """What the rows cost is all that they begin. A smaller n than the cell's own names itself."""
    sizes = sizes_by_cell(group.every)
    row_BN = group.batch.place_BUW.reshape(len(group.batch.keys), -1)
    ordered = group.batch.select(np.argsort(row_BN < 0, axis=1, kind="stable"))  # absent places last
    cuts = sorted({n for pools in group.cells for n in sizes[pools.cell.cell]})
    # a search may have returned fewer rows than its n
    elections = elect(ordered, [min(n, ordered.units) for n in cuts], count=0)
    for pools in (pools for pools in group.cells if not pools.cell.ending):  # the rival never stops early
        cell, unit = pools.cell, pools.cell.unit
        for n in sizes[cell.cell]:
            own = cell if n == cell.n else replace(cell, n=n, cell=f"{cell.cell}@{n}")
            part, c = replace(pools, cell=own, draw=n), cuts.index(n)
            paid = -(-n // unit) if unit else 1
            for choice in writer.sort(cell, elections):
                one = elections[choice]
                costs = group.costs.columns(group.costs.first(paid), VOTES[choice[0]].scored)
                figures = Figures(one.prefix_BC[:, c], costs, pool=cell.n, winner_B=one.winner_BC[:, c])
                writer.add(group.tables, ordered, part, choice, SAL_PREFIX, figures)


def sizes_by_cell(every: Sequence[CellRecord]) -> dict[str, list[int]]:
    """Cell -> the n that it is read at: those of all cells of its line, and powers of two.

    Each is read once in a line of cells, from the smallest search that returned so many rows.
    """
    sizes: dict[str, list[int]] = {}
    usable = sorted((cell for cell in every if cell.usable and not cell.ending), key=lambda cell: cell.n)
    for line in {cell.line for cell in usable}:
        wanted = {cell.n for cell in every if cell.line == line}
        wanted |= {2**k for k in range(max(wanted).bit_length())}
        below = 0
        for cell in (cell for cell in usable if cell.line == line):
            sizes[cell.cell] = sorted(n for n in wanted if below < n <= cell.n)
            below = cell.n
    return sizes
