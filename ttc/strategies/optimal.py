"""Compute-optimal scaling as a controller: a few probes say how hard a problem is, and a table, made on other
problems, what to do then.

Snell et al. 2408.03314, section 3.2 ("predicted difficulty"), for one problem at a time. The probes are
roll-outs: they cost, and what is searched then is as it would be without them. Their mean last score falls
into a bin; the bin's strategy and n are those that `ttc optimal FOLDER ... table=FILE` found best there among
all whose mean cost, probes included, is within the budget. So the budget is kept in the mean, as the
curve of `ttc optimal` keeps it.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any, ClassVar

from ttc.strategies.aggregations import aggregate
from ttc.types import Contents, Context, Count, Path, Policy, Positive, Strategy, Verifier

PLAIN = '{"probe": 4, "measure": "tokens", "cuts": [], "budgets": [{"limit": 0, "bins": [null]}]}'
"""Of no study: best_of_n, whatever the problem."""


@dataclass(frozen=True)
class Optimal(Strategy):
    n: int = 16
    table: Contents = PLAIN
    """A file that `ttc optimal FOLDER difficulty=predicted@4 axis=tokens table=FILE` wrote."""
    tokens: Count | None = None
    flops: Positive | None = None
    seconds: Positive | None = None

    spends: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for choice in self._bins():
            if choice and choice["n"] > self.n:
                raise ValueError(
                    f"n={self.n}: the table takes {choice['n']} paths at this budget; n is the most"
                )

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        table = _read(self.table)
        [probes] = await policy.roll_out([root], table["probe"])
        scores = [aggregate(path.scores, "last") for path in await verifier.score(probes)]
        known = [score for score in scores if score is not None]
        easy = sum(known) / len(known) if known else 0.0
        bin_ = sum(easy < cut for cut in table["cuts"])
        found = await self._strategy(bin_).search(root, policy, verifier, context)
        return await verifier.score(found)

    def _strategy(self, bin_: int) -> Strategy:
        from ttc.strategies import STRATEGIES  # which this is in

        choice = self._bins()[bin_] or {"strategy": "best_of_n", "n": self.n, "parameters": {}}
        return STRATEGIES[choice["strategy"]](n=choice["n"], **choice["parameters"])  # type: ignore[call-arg]

    def _bins(self) -> list[dict[str, Any] | None]:
        """What each bin takes, by the table's largest budget that is not above this one."""
        table = _read(self.table)
        budget = getattr(self, table["measure"])
        if budget is None and len(table["budgets"]) > 1:
            raise ValueError(f"strategy=optimal: its table is of budgets: say budget.{table['measure']}=")
        limits = [one for one in table["budgets"] if one["limit"] <= (budget or 0)]
        if not limits:
            least = table["budgets"][0]["limit"]
            raise ValueError(f"budget.{table['measure']}={budget:g}: the table begins at {least:g}")
        bins: list[dict[str, Any] | None] = limits[-1]["bins"]
        return bins


@functools.cache
def _read(table: str) -> dict[str, Any]:
    """Raises:
    ValueError: it is no table.
    """
    try:
        found: dict[str, Any] = json.loads(table)
        if {"probe", "measure", "cuts", "budgets"} <= found.keys():
            return found
    except (json.JSONDecodeError, AttributeError):
        pass
    raise ValueError("strategy.table: not a table that `ttc optimal ... table=FILE` wrote")
