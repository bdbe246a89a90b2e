"""Pools that are there in part, as an ending must know them to go on: answers and costs, unit by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ttc.plan.jobs import Begun, JobKey, PoolUnit
from ttc.readout import readout_config
from ttc.readout.costs import make_costs
from ttc.readout.pools import Tables, places
from ttc.store import Folder
from ttc.store.records import CellRecord


def stored_units(folder: Folder, keys: Sequence[JobKey], cell: CellRecord) -> dict[JobKey, Begun]:
    """The units of these pools from the first on without a gap, by the answers that the folder's last launch
    read off them."""
    cell = cell if cell.guided else replace(cell, verifier=None)  # what scores cost afterwards ends nothing
    tables = Tables(folder, readout_config(folder), keys)
    found = {}
    for key in keys:
        units = tables.available(key, None)
        if not units:
            continue
        place_UW = places(tables, [key], units)[0]
        costs = make_costs(tables, [key], units, cell)
        sides = [costs.policy, *([costs.verifier] if costs.verifier else [])]
        cost_U4, roots = np.zeros((units, 4)), [np.nan, np.nan]
        for i, side in enumerate(sides):
            cost_U4[:, 2 * i], cost_U4[:, 2 * i + 1] = side.token_BU[0], side.context_BU[0]
            roots[i] = float(side.root_B[0])
        answers = [tuple(tables.answers[at] for at in place_W if at >= 0) for place_W in place_UW.tolist()]
        rows = zip(answers, map(tuple, cost_U4.tolist()), strict=True)
        found[key] = Begun(tuple(PoolUnit(*row) for row in rows), (roots[0], roots[1]))
    return found
