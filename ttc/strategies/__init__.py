"""The registry: a literal dict. A strategy is one file here and one line below.

What else there is to know of one (its settings, its columns, its words in `variant`) is read off its
dataclass, by `parameters`.
"""

from __future__ import annotations

from dataclasses import Field, fields

from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.dvts import Dvts
from ttc.strategies.greedy import Greedy
from ttc.strategies.rebase import Rebase
from ttc.strategies.self_refine import SelfRefine
from ttc.types import Strategy

STRATEGIES: dict[str, type[Strategy]] = {
    "greedy": Greedy,
    "best_of_n": BestOfN,
    "beam": Beam,
    "dvts": Dvts,
    "rebase": Rebase,
    "self_refine": SelfRefine,
}
"""In the order of tables and legends."""

VOTES_OF = {"majority": "best_of_n", "weighted": "best_of_n"}
"""Names of votes that may stand for a strategy: its pool is searched, and the vote is its headline."""


def parameters(strategy: type[Strategy]) -> dict[str, Field]:
    """The strategy's own parameters by name: all its fields but `n`."""
    return {f.name: f for f in fields(strategy) if f.name != "n"}  # type: ignore[arg-type]
