"""What `ttc new` writes: an idea that runs as it is, and its test. $name, $Class: the user's own."""

from __future__ import annotations

STRATEGY = '''"""What the idea is, in a sentence or two (authors, year, arXiv number, section).

Where it deviates from the paper: nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from ttc.strategies.aggregations import Agg, aggregate
from ttc.types import Context, Count, Path, Policy, Strategy, Verifier


@dataclass(frozen=True)
class $Class(Strategy):
    """n first steps; every round all that is left of n goes on from the best live path."""

    n: int = 16
    depth: Count = 40
    agg: Agg = "last"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        over: list[Path] = []
        best = root
        for round_ in range(self.depth):
            draw = policy.extend if round_ < self.depth - 1 else policy.finish
            [children] = await draw([best], self.n - len(over))
            children = await verifier.score(children)
            over += [path for path in children if path.over]
            live = [path for path in children if not path.over]
            if not live:
                break
            best = max(live, key=lambda path: aggregate(path.scores, self.agg) or 0.0)
        return sorted(over, key=lambda path: path.address)
'''

STRATEGY_TEST = '''"""$Class on a scripted world, where every step and every score is written down."""

from $name import $Class

from ttc.run.scripted import Script, search


def test_all_places_that_are_left_go_on_from_the_best_live_path():
    script = Script(ends=frozenset({(0,), (2, 0), (2, 1)}), scores={(0,): 0.9, (1,): 0.3, (2,): 0.7})
    found = search($Class(n=3), script)
    assert [path.address for path in found] == [(0,), (2, 0), (2, 1)]
    assert script.asked == [("extend", [()], [3]), ("extend", [(2,)], [2])]


def test_at_its_depth_every_path_is_finished():
    script = Script()
    assert [path.address for path in search($Class(n=2, depth=2), script)] == [(0, 0), (0, 1)]
    assert script.asked[-1] == ("finish", [(0,)], [2])
'''

VOTE = '''"""What the vote is, in a sentence or two (authors, year, arXiv number, section)."""

from __future__ import annotations

from ttc.readout.votes import VOTES, Ballots, Vote
from ttc.stats.arrays import Ints


def $name(ballots: Ballots) -> Ints:
    """The group of equal answers with most paths, a path counting the less the longer it is."""
    return ballots.tally(1 / ballots.columns_KN["tokens"])


VOTES["$name"] = Vote($name, frozenset({"tokens"}))
'''

VOTE_TEST = '''"""$name on ballots that are written down: a row a sequence of paths, -1 for no answer."""

import numpy as np
from $name import $name

from ttc.readout.votes import Ballots


def test_one_short_path_outvotes_two_long_ones():
    group_KN, tokens_KN = np.array([[0, 0, 1, -1]]), np.array([[100.0, 100.0, 20.0, 1.0]])
    ballots = Ballots(group_KN, cuts=[2, 4], columns_KN={"tokens": tokens_KN})
    assert $name(ballots).tolist() == [[0, 1]]
'''

VERIFIER = '''"""What the rule is, in a sentence or two: what a trained verifier has to beat."""

from __future__ import annotations

from ttc.models.heuristics import HEURISTICS
from ttc.types import Query


class $Class:
    """The share of the steps so far that hold a digit."""

    needs_logprobs = False

    def score(self, query: Query, step: int) -> float | None:
        """In [0, 1], for query.steps[: step + 1]; None where it cannot tell."""
        steps = query.steps[: step + 1]
        return sum(any(map(str.isdigit, text)) for text in steps) / len(steps)


HEURISTICS["$name"] = $Class
'''

VERIFIER_TEST = '''"""$Class on steps that are written down."""

from $name import $Class

from ttc.types import Query


def test_a_step_without_a_digit_lowers_the_score():
    query = Query("How many?", ("Take 2 and 3.", "Add them.", "That is 5.", "Done."))
    assert [$Class().score(query, step) for step in range(4)] == [1, 1 / 2, 2 / 3, 1 / 2]
'''
