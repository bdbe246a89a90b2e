"""What `strategy=optimal` needs to know of a finished study: its table (ttc/strategies/optimal.py)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ttc.stats.arrays import Floats, Ints
from ttc.stats.two_fold import Prices, choose_all
from ttc.store.schema import column_of
from ttc.strategies import STRATEGIES, parameters
from ttc.studies.candidates import Candidate
from ttc.studies.difficulty import Difficulty
from ttc.types import MEASURES, UserError


def check_table(difficulty: str, axis: str) -> list[str]:
    """What makes these settings none that a controller could follow, a line each."""
    faults = []
    if not difficulty.startswith("predicted@"):
        faults.append(
            f"table=: difficulty={difficulty}: of a new problem a controller knows what a few paths tell; "
            "take predicted@4"
        )
    if axis not in MEASURES:
        faults.append(f"table=: axis={axis}: a budget is in tokens, flops or seconds; take axis=tokens")
    return faults


def make_table(
    difficulty: Difficulty,
    axis: str,
    correct_CPS: Floats,
    bin_PS: Ints,
    prices: Prices,
    candidates: Sequence[Candidate],
    source: dict[str, Any],
) -> str:
    """The table as JSON: `cuts`, the least mean score of every bin but the hardest, easiest first; for each
    budget what each bin takes.

    Raises:
        UserError: a candidate's strategy is not here any more.
    """
    chosen = choose_all(correct_CPS, bin_PS, prices)
    table = {
        "source": source,
        "probe": difficulty.probe,
        "measure": axis,
        "cuts": difficulty.cuts,
        "budgets": [
            {"limit": limit, "bins": [_search(candidates[c]) for c in bins]}
            for limit, bins in zip(prices.limits, chosen, strict=True)
        ],
    }
    return json.dumps(table, indent=1)


def _search(candidate: Candidate) -> dict[str, Any]:
    """The strategy with its parameters, as the record's columns have them."""
    record = candidate.record
    if record.strategy not in STRATEGIES:
        raise UserError(
            f"{record.cell}: the strategy {record.strategy} is not here, so nothing can follow it"
        )
    names = parameters(STRATEGIES[record.strategy])
    said = {name: record.columns.get(column_of(name)) for name in names}
    known = {name: value for name, value in said.items() if not _is_null(value)}
    return {"strategy": record.strategy, "n": candidate.n, "parameters": known}


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and bool(np.isnan(value)))
