"""Strategies on scripted worlds: which paths are kept, cut, expanded and returned, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import Script, search
from ttc.strategies import STRATEGIES
from ttc.strategies.aggregations import aggregate
from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.common import ranked
from ttc.strategies.dvts import Dvts
from ttc.strategies.rebase import Rebase, balanced
from ttc.types import Path, Problem


def addresses(paths: list[Path]) -> list[tuple[int, ...]]:
    return [path.address for path in paths]


def test_best_of_n_is_n_whole_samples_in_address_order() -> None:
    script = Script()
    assert addresses(search(BestOfN(3), script)) == [(0,), (1,), (2,)]
    assert script.asked == [("finish", [()], [3])]


def test_beam_expands_the_best_quarter_evenly_and_better_ones_first() -> None:
    scores = {(2,): 0.9, (5,): 0.8, (7,): 0.7}
    script = Script(scores=scores)
    search(Beam(n=8, width=4, depth=3), script)
    assert script.asked[1] == ("extend", [(2,), (5,)], [4, 4])


def test_beam_keeps_an_over_path_and_gives_it_no_children() -> None:
    script = Script(ends=frozenset({(0,), (3,)}), scores={(0,): 0.1, (1,): 0.9, (3,): 0.2})
    found = search(Beam(n=5, width=5, depth=2), script)
    assert script.asked[1] == ("finish", [(1,)], [3])
    assert addresses(found) == [(0,), (1, 0), (1, 1), (1, 2), (3,)]


def test_beam_shares_an_uneven_number_out_with_the_better_parent_first() -> None:
    script = Script(ends=frozenset({(0,)}), scores={(4,): 0.9, (6,): 0.8})
    search(Beam(n=8, width=2, depth=2), script)
    assert script.asked[1] == ("finish", [(4,), (6,), (1,)], [3, 2, 2])


def test_beam_makes_identical_texts_one_path_before_the_cut() -> None:
    same = {(0,): "same\n\n", (1,): "same\n\n"}
    script = Script(texts=same, scores={(0,): 0.9, (1,): 0.9, (2,): 0.8})
    search(Beam(n=4, width=2, depth=2), script)
    assert script.asked[1] == ("finish", [(0,), (2,)], [2, 2])


def test_beam_breaks_ties_by_address() -> None:
    script = Script()
    search(Beam(n=8, width=4, depth=2), script)
    assert script.asked[1][1] == [(0,), (1,)]


def test_beam_that_competes_drops_an_over_path_outside_the_best() -> None:
    script = Script(ends=frozenset({(0,)}), scores={(0,): 0.1, (1,): 0.9, (2,): 0.8})
    found = search(Beam(n=4, width=2, depth=2, finished="compete"), script)
    assert script.asked[1] == ("finish", [(1,), (2,)], [2, 2])
    assert (0,) not in addresses(found)
    assert len(found) == 4


def test_beam_stops_as_soon_as_n_are_over() -> None:
    script = Script(ends=frozenset({(i,) for i in range(4)}))
    assert len(search(Beam(n=4, width=2), script)) == 4
    assert len(script.asked) == 1


def test_an_unscored_path_ranks_below_every_scored_one() -> None:
    script = Script(scores={(0,): None, (1,): 0.0})
    search(Beam(n=2, width=2, depth=2), script)
    assert script.asked[1] == ("finish", [(1,)], [2])


def test_dvts_subtrees_are_independent_and_greedy() -> None:
    script = Script(scores={(1,): 0.9, (2,): 0.7})
    found = search(Dvts(n=4, width=2, depth=2), script)
    assert [asked for asked in script.asked if asked[0] == "extend"] == [("extend", [()], [2])] * 2
    assert addresses(found) == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_dvts_returns_the_last_siblings_and_finishes_the_unfinished() -> None:
    script = Script(ends=frozenset({(0,)}), scores={(0,): 0.9})
    found = search(Dvts(n=3, width=3), script)
    assert addresses(found) == [(0,), (1, 0), (2, 0)]
    assert all(path.over and len(path.scores) == len(path.steps) for path in found)


def test_dvts_drops_a_finished_sibling_that_is_not_the_best() -> None:
    script = Script(ends=frozenset({(0,)}), scores={(0,): 0.1, (1,): 0.9})
    assert addresses(search(Dvts(n=2, width=2, depth=2), script)) == [(1, 0), (1, 1)]


def test_rebase_shares_children_out_by_softmax_best_first_and_rounds_up() -> None:
    scores = {(0,): 0.1, (1,): 0.9, (2,): 0.7, (3,): 0.7}
    script = Script(scores=scores)
    search(Rebase(n=4, depth=2), script)
    # e^0, e^-1, e^-1, e^-4: 4 x 0.57 -> 3, 1 x 0.49 -> 1, and nothing is left
    assert script.asked[1] == ("finish", [(1,), (2,)], [3, 1])


def test_rebase_gives_over_paths_no_share_and_equals_equal_ones() -> None:
    script = Script(ends=frozenset({(0,), (3,)}))
    found = search(Rebase(n=8, depth=2), script)
    assert script.asked[1] == ("finish", [(1,), (2,), (4,), (5,), (6,), (7,)], [1] * 6)
    assert addresses(found)[:2] == [(0,), (1, 0)]


def test_rebase_starves_an_unscored_path_beside_scored_ones_only() -> None:
    script = Script(scores={(0,): None, (1,): 0.0})
    search(Rebase(n=2, depth=2), script)
    assert script.asked[1] == ("finish", [(1,)], [2])
    script = Script(scores={(0,): None, (1,): None})
    search(Rebase(n=2, depth=2), script)
    assert script.asked[1] == ("finish", [(0,), (1,)], [1, 1])


def test_rebase_without_warmth_is_a_beam_of_one_parent() -> None:
    scores = {(2,): 0.9, (5,): 0.8}
    script = Script(scores=scores)
    search(Rebase(n=8, balance=1e-6, depth=2), script)
    assert script.asked[1] == ("finish", [(2,)], [8])


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=40), st.integers(1, 300))
def test_balanced_shares_are_all_of_the_budget(weights: list[float], total: int) -> None:
    shares = balanced(sorted(weights, reverse=True), total)
    assert sum(shares) == total
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    "strategy", [Beam(n=8, width=4, depth=1), Dvts(n=8, width=4, depth=1), Rebase(n=8, depth=1)]
)
def test_depth_one_samples_whole_paths(strategy: Beam | Dvts | Rebase) -> None:
    script = Script()
    assert len(search(strategy, script)) == 8
    assert {verb for verb, _, _ in script.asked} == {"finish"}


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_returns_exactly_n_finished_paths(name: str) -> None:
    strategy = STRATEGIES[name]()
    ends = frozenset({(0,), (1, 2), (1, 1), (3, 0, 0)})
    found = search(strategy, Script(ends=ends, scores={(1,): 0.9, (1, 2): 0.95}))
    assert len(found) == strategy.n
    assert len(set(addresses(found))) == strategy.n
    assert all(path.over for path in found) or not strategy.finishes


def test_a_width_that_does_not_divide_n_names_the_nearest_n() -> None:
    with pytest.raises(ValueError, match="n=6 is not a multiple of width=4: take n=4 or n=8"):
        Beam(n=6, width=4)


def test_aggregations() -> None:
    scores = [0.5, 0.8, 0.4]
    found = [aggregate(scores, how) for how in ("last", "min", "prod", "mean")]
    assert found == pytest.approx([0.4, 0.4, 0.16, 1.7 / 3])
    assert aggregate([0.5, None], "last") is None
    assert aggregate([], "mean") is None


def test_ranking_is_by_score_then_address() -> None:
    problem = Problem("p", "q", "a")
    paths = [
        Path(problem, scores=(s,), address=a)
        for s, a in [(0.5, (10,)), (0.5, (9,)), (None, (0,)), (0.6, (11,))]
    ]
    assert addresses(ranked(paths, "last")) == [(11,), (9,), (10,), (0,)]
