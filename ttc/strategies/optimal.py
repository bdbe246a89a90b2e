"""Compute-optimal scaling as a controller: a few probes say how hard a problem is, and a table, made on other
problems, what to do then.

Snell et al. 2408.03314, section 3.2 ("predicted difficulty"), for one problem at a time. The probes are
roll-outs: they cost, and what is searched then is as it would be without them. Their mean last score falls
into a bin; the bin's strategy and n are those that `ttc optimal FOLDER ... table=FILE` found best there among
all whose mean cost, probes included, is within the budget. So the budget is kept in the mean, as the curve of
`ttc optimal` keeps it.
"""

from __future__ import annotations

import contextlib
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
        most = max(choice["n"] if choice else 0 for choice in self._bins())
        if most > self.n:
            raise ValueError(f"n={self.n}: at this budget the table takes up to {most} paths; n is the most")

    @property
    def confident(self) -> bool:  # type: ignore[override]
        return any(self._strategy(choice).confident for choice in self._bins())

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        table = read_table(self.table)
        [probes] = await policy.roll_out([root], table["probe"])
        scores = [aggregate(path.scores, "last") or 0.0 for path in await verifier.score(probes)]
        hard = sum(sum(scores) / len(scores) < cut for cut in table["cuts"])
        chosen = self._strategy(self._bins()[hard])
        return await verifier.score(await chosen.search(root, policy, verifier, context))

    def _strategy(self, choice: dict[str, Any] | None) -> Strategy:
        from ttc.strategies import STRATEGIES  # which this is in

        choice = choice or {"strategy": "best_of_n", "n": self.n, "parameters": {}}
        return STRATEGIES[choice["strategy"]](n=choice["n"], **choice["parameters"])  # type: ignore[call-arg]

    def _bins(self) -> list[dict[str, Any] | None]:
        """What each bin takes, by the table's largest budget that is not above this one."""
        table = read_table(self.table)
        budget = getattr(self, table["measure"]) or 0
        within: list[Any] = [one["bins"] for one in table["budgets"] if one["limit"] <= budget]
        if not within:
            least = table["budgets"][0]["limit"]
            raise ValueError(f"budget.{table['measure']}={budget:g}: the table begins at {least:g}")
        return list(within[-1])


@functools.cache
def read_table(text: str) -> dict[str, Any]:
    """Raises:
    ValueError: it is no table.
    """
    with contextlib.suppress(json.JSONDecodeError, AttributeError):
        table: dict[str, Any] = json.loads(text)
        if {"probe", "measure", "cuts", "budgets"} <= table.keys():
            return table
    raise ValueError("strategy.table: not a table that `ttc optimal ... table=FILE` wrote")
