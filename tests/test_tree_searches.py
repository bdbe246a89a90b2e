"""mcts and ab_mcts on scripted worlds: where they go, what they look at, what they return."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import PROBLEM, Script, search
from ttc.strategies.ab_mcts import TAU2, AbMcts
from ttc.strategies.mcts import Mcts
from ttc.types import Bill, Budget, Path

Address = tuple[int, ...]


def grown(script: Script, *verbs: str) -> list[Address]:
    """The nodes that were drawn from, one after the other."""
    return [address for verb, addresses, _ in script.asked if verb in verbs for address in addresses]


def test_mcts_goes_to_the_best_child_and_when_that_disappoints_to_the_one_seldom_visited() -> None:
    script = Script(scores={(0,): 0.9, (1,): 0.3, (0, 0): 0.2, (0, 1): 0.2})
    search(Mcts(n=2, width=2, iterations=2), script)
    # then Q + U is 1.3 / 3 + 0.625 * 2 / 4 = 0.75 of (0), and 0.3 + 0.625 * 2 / 2 = 0.93 of (1)
    assert grown(script, "extend")[:3] == [(), (0,), (1,)]


def test_mcts_without_a_bonus_stays_with_the_best_mean() -> None:
    scores = {(0,): 0.9, (1,): 0.3, (0, 0): 0.2, (0, 1): 0.21}
    script = Script(scores=scores)
    search(Mcts(n=2, width=2, iterations=2, c_puct=0), script)
    assert grown(script, "extend")[:3] == [(), (0,), (0, 1)]


@pytest.mark.parametrize(("backup", "third"), [("mean", (1,)), ("max", (0, 1))])
def test_mcts_backs_up_the_mean_or_the_best_of_what_was_found(backup: str, third: Address) -> None:
    scores = {(0,): 0.9, (1,): 0.6, (0, 0): 0.2, (0, 1): 0.3}
    script = Script(scores=scores)
    search(Mcts(n=2, width=2, iterations=2, c_puct=0, backup=backup), script)  # type: ignore[arg-type]
    assert grown(script, "extend")[2] == third


def test_mcts_expands_a_node_anew_whose_children_are_all_over_and_draws_no_more_than_it_may_return() -> None:
    script = Script(ends=frozenset({(0,), (1,), (2,)}), scores={(1,): 0.7, (2,): None})
    found = search(Mcts(n=3, width=2), script)
    assert script.asked == [("extend", [()], [2]), ("extend", [()], [1])]
    assert [(path.address, path.value) for path in found] == [((0,), 0.5), ((1,), 0.7), ((2,), 0.0)]


def test_mcts_finishes_what_is_missing_from_its_best_leaves_when_its_expansions_are_used_up() -> None:
    ends = frozenset({(0, 0)})
    script = Script(ends=ends, scores={(0,): 0.9, (1,): 0.6, (0, 1): 0.85, (2,): 0.1})
    found = search(Mcts(n=3, width=3, iterations=1, c_puct=0), script)
    # three expansions: the root's, that of (0) with one end, and (0, 1)'s with the two places that are left
    assert grown(script, "extend") == [(), (0,), (0, 1)]
    assert script.asked[3:] == [("finish", [(1,)], [1]), ("finish", [(0, 1, 0)], [1])]
    assert [path.address for path in found] == [(0, 0), (0, 1, 0, 0), (1, 0)]


def test_mcts_samples_its_last_step_to_the_end() -> None:
    script = Script(scores={(1,): 0.9})
    found = search(Mcts(n=2, width=2, depth=2), script)
    assert script.asked == [("extend", [()], [2]), ("finish", [(1,)], [2])]
    assert [path.address for path in found] == [(1, 0), (1, 1)]


def test_mcts_by_roll_outs_goes_by_what_comes_of_a_step_and_returns_the_roll_outs() -> None:
    now, later = {(0,): 0.9, (1,): 0.1}, {(0, -1): 0.2, (1, -1): 0.8, (1, 0, -1): 0.5, (1, 1, -1): 0.2}
    script = Script(scores=now | later)
    found = search(Mcts(n=4, width=2, value="rollout"), script)
    assert [(verb, addresses) for verb, addresses, _ in script.asked] == [
        *(("extend", [()]), ("roll_out", [(0,), (1,)])),
        *(("extend", [(1,)]), ("roll_out", [(1, 0), (1, 1)])),
    ]
    values = {(0, -1): 0.2, (1, -1): 0.5, (1, 0, -1): 0.5, (1, 1, -1): 0.2}  # the mean of what (1) led to
    assert {path.address: path.value for path in found} == pytest.approx(values)
    assert all(len(path.scores) == len(path.steps) for path in found)


class OneUp(random.Random):
    """Every normal draw is one standard deviation above its mean; of Beta and Gamma draws the mean."""

    drawn: tuple[float, float]

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        self.drawn = (mu, sigma)
        return mu + sigma

    def gammavariate(self, alpha: float, beta: float) -> float:
        return alpha * beta

    def betavariate(self, alpha: float, beta: float) -> float:
        return alpha / (alpha + beta)


@dataclass
class Scripted:
    """A search's context, whose chance is known, and the places it was asked for."""

    budget: Budget = field(default_factory=lambda: Budget(3))
    spent: Bill = field(default_factory=Bill)
    places: list[Address] = field(default_factory=list)

    def random(self, *place: int) -> random.Random:
        self.places.append(place)
        return OneUp()


def search_with(context: Scripted, strategy: AbMcts, script: Script) -> list[Path]:
    return asyncio.run(strategy.search(Path(PROBLEM), script, script, context))


@pytest.mark.parametrize("prior", ["gaussian", "beta"])
def test_ab_mcts_goes_wider_where_new_children_are_good(prior: str) -> None:
    script, context = Script(scores={(i, -1): 0.9 for i in range(3)}), Scripted()
    found = search_with(context, AbMcts(n=3, prior=prior), script)  # type: ignore[arg-type]
    assert grown(script, "extend") == [(), (), ()]
    assert [(path.address, path.value) for path in found] == [((i, -1), 0.9) for i in range(3)]
    assert context.places == [(1,), (2,)]


@pytest.mark.parametrize("prior", ["gaussian", "beta"])
def test_ab_mcts_goes_deeper_where_new_children_are_bad_and_what_they_lead_to_is_good(prior: str) -> None:
    scores = {(0, -1): 0.1, (0, 0, -1): 0.9, (0, 1, -1): 0.8}
    script, context = Script(scores=scores), Scripted()
    found = search_with(context, AbMcts(n=3, prior=prior), script)  # type: ignore[arg-type]
    # nothing is known of what lies deeper, and that is hope: more than of a new child like the first
    assert grown(script, "extend") == [(), (0,), (0,)]
    assert [path.address for path in found] == [(0, -1), (0, 0, -1), (0, 1, -1)]
    assert [path.value for path in found] == pytest.approx([0.6, 0.9, 0.8])
    assert context.places == [(1,), (2,), (2, 0)]


def test_ab_mcts_makes_a_path_of_every_generation_and_an_end_is_its_own() -> None:
    script = Script(ends=frozenset({(0,), (1,)}))
    found = search(AbMcts(n=3), script)
    assert [verb for verb, _, _ in script.asked] == ["extend", "extend", "extend", "roll_out"]
    assert [path.address for path in found] == [(0,), (1,), (2, -1)]


@given(st.lists(st.floats(0, 1), max_size=30))
def test_the_posterior_is_what_one_value_after_the_other_makes_of_the_prior(values: list[float]) -> None:
    def learn(known: tuple[float, float, float], value: float) -> tuple[float, float, float]:
        mean, weight, squares = known  # normal-inverse-chi-squared: nu is the weight, nu tau^2 the squares
        squares += weight / (weight + 1) * (value - mean) ** 2
        return (weight * mean + value) / (weight + 1), weight + 1, squares

    mean, weight, squares = reduce(learn, values, (0.0, 1.0, TAU2))
    chance = OneUp()
    AbMcts()._draw(values, chance)
    # the variance whose inverse has the mean of its law: squares / weight
    assert chance.drawn == pytest.approx((mean, (squares / weight / weight) ** 0.5))
