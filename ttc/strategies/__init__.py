"""The registry: a literal dict. A strategy is one file here and one line below.

`majority` and `weighted` name votes of the best-of-n pool: they plan as best_of_n (spec 3).
"""

from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.dvts import Dvts
from ttc.strategies.greedy import Greedy
from ttc.types import Strategy

STRATEGIES: dict[str, type[Strategy]] = {
    "greedy": Greedy,
    "best_of_n": BestOfN,
    "beam": Beam,
    "dvts": Dvts,
}

ALIASES = {"majority": "best_of_n", "weighted": "best_of_n"}
