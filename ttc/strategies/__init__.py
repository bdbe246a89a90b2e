"""The registry: a literal dict. A strategy is one file here and one line below.

What else there is to know of one (its settings, its columns, its words in `variant`) is read off its
dataclass, by `parameters`.
"""

from __future__ import annotations

from dataclasses import Field, fields

from ttc.strategies.ab_mcts import AbMcts
from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.deepconf_online import DeepConfOnline
from ttc.strategies.dora import Dora
from ttc.strategies.dvts import Dvts
from ttc.strategies.greedy import Greedy
from ttc.strategies.mcts import Mcts
from ttc.strategies.optimal import Optimal
from ttc.strategies.particle_filter import ParticleFilter
from ttc.strategies.particle_gibbs import ParticleGibbs
from ttc.strategies.rebase import Rebase
from ttc.strategies.self_refine import SelfRefine
from ttc.strategies.vg_search import VgSearch
from ttc.types import Strategy

STRATEGIES: dict[str, type[Strategy]] = {
    "greedy": Greedy,
    "best_of_n": BestOfN,
    "beam": Beam,
    "dvts": Dvts,
    "vg_search": VgSearch,
    "rebase": Rebase,
    "dora": Dora,
    "particle_filter": ParticleFilter,
    "particle_gibbs": ParticleGibbs,
    "mcts": Mcts,
    "ab_mcts": AbMcts,
    "deepconf_online": DeepConfOnline,
    "self_refine": SelfRefine,
    "optimal": Optimal,
}
"""In the order of tables and legends."""

VOTES_OF = {"majority": "best_of_n", "weighted": "best_of_n"}
"""Names of votes that may stand for a strategy: its pool is searched, and the vote is its headline."""


def parameters(strategy: type[Strategy]) -> dict[str, Field]:
    """The strategy's own parameters by name: all its fields but `n`."""
    return {f.name: f for f in fields(strategy) if f.name != "n"}  # type: ignore[arg-type]
