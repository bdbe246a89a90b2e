from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttc.readout.ballots import Ballots
from ttc.readout.votes import majority, weighted
from ttc.stats import intervals as statistics

unit = st.tuples(st.booleans(), st.none() | st.sampled_from([0.1, 0.5, 0.9]))


@given(st.lists(unit, min_size=1, max_size=7), st.data())
def test_closed_forms_equal_the_mean_over_all_subsets(units, data):
    m = data.draw(st.integers(1, len(units)))
    oracle, best = [], []
    for subset in combinations(units, m):
        oracle.append(any(right for right, _ in subset))
        scored = [u for u in subset if u[1] is not None]
        best.append(bool(scored) and max(scored, key=lambda u: u[1])[0])
    right_BU = np.array([[right for right, _ in units]])
    score_BU = np.array([[np.nan if score is None else score for _, score in units]])
    assert statistics.expected_oracle(right_BU, m).item() == pytest.approx(np.mean(oracle))
    assert statistics.expected_best(right_BU, score_BU, m).item() == pytest.approx(np.mean(best))


def voted(paths, weigh):
    """The group of the largest total, the first seen of equals; None: nobody votes."""
    totals = {}
    for group, score in paths:
        if group is not None:
            totals[group] = totals.get(group, 0) + (weigh(score) if score is not None else weigh(0.0))
    return (
        max(totals, key=totals.get) if totals else None
    )  # max takes the first of equals, and dicts keep order


path = st.tuples(st.none() | st.integers(0, 2), st.none() | st.sampled_from([0.25, 0.5, 0.75]))


@given(st.lists(path, min_size=1, max_size=5), st.data())
def test_weighted_and_majority_over_all_ordered_subsets(paths, data):
    m, right = data.draw(st.integers(1, len(paths))), data.draw(st.integers(0, 2))
    order_KN = np.array(list(permutations(range(len(paths)))))
    group_KN = np.array([-1 if group is None else group for group, _ in paths])[order_KN]
    score_KN = np.array([np.nan if score is None else score for _, score in paths])[order_KN]
    ballots = Ballots(group_KN, [m], {"scores": score_KN})
    subsets = [list(subset) for subset in permutations(paths, m)]
    counted = np.mean([voted(subset, lambda score: 1) == right for subset in subsets])
    assert (majority(ballots) == right).mean() == pytest.approx(counted)
    weighed = [
        voted(subset, float) == right and any(g is not None and s is not None for g, s in subset)
        for subset in subsets
    ]
    assert (weighted(ballots) == right).mean() == pytest.approx(np.mean(weighed))


def test_permutations_are_uniform():
    order_KU = statistics.permutations("p", 3, 4, 24_000)
    _, counts = np.unique(order_KU, axis=0, return_counts=True)
    assert len(counts) == 24
    assert ((counts - 1000) ** 2 / 1000).sum() < 49.7  # chi-square, 23 degrees of freedom: 1 in 1000


def test_the_monte_carlo_error_is_that_of_the_mean_over_pools():
    """400 pools of which each vote wins half of the orders: the error is the spread of such means."""
    random = np.random.default_rng(0)
    correct_TBK = random.random((300, 400, 128)) < 0.5
    errors = [statistics.monte_carlo_error(one.var(axis=1, ddof=1), 128) for one in correct_TBK]
    assert np.mean(errors) == pytest.approx(correct_TBK.mean(axis=(1, 2)).std(), rel=0.15)


def test_permutations_depend_on_problem_and_seed_alone():
    first = statistics.permutations("p", 0, 6, 128)
    assert (first == statistics.permutations("p", 0, 6, 128)).all()
    assert (np.sort(first, axis=1) == np.arange(6)).all()
    assert (first != statistics.permutations("p", 1, 6, 128)).any()
    assert (first != statistics.permutations("q", 0, 6, 128)).any()


def wilson(p, n, t):
    centre, scale = p + t * t / (2 * n), 1 + t * t / n
    half = t * np.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    return [p, (centre - half) / scale, (centre + half) / scale]


@pytest.mark.parametrize(
    ("means", "seeds", "n", "t"),
    [
        ([1, 1, 0, 0], 1, 3, 3.182446),  # v = (1/3)/4, so n_spec = 0.25 / v = 3 = P - 1: any mixture is 3
        ([1, 1, 1, 1], 5, 3, 3.182446),  # p = 1: w = 1, so P - 1
        ([0.5, 0.5, 0.5, 0.5], 5, 12 / (1 / 11 * 4 + 10 / 11 * 3), 3.182446),  # v = 0: n_spec = P; w = 1/11
        ([0.4, 0.6, 0.4, 0.6], 5, 60 / (1 / 11 * 20 + 10 / 11 * 3), 3.182446),  # n_spec = 75: at most P S
        ([0.4, 0.6, 0.4, 0.6], 64, 225 / (1 / 11 * 75 + 10 / 11 * 3), 3.182446),  # w counts 5 seeds
    ],
)
def test_the_interval_is_wilsons_with_the_effective_size_of_the_problems(means, seeds, n, t):
    found = statistics.interval(np.array(means, dtype=float), seeds)
    assert found == pytest.approx(wilson(np.mean(means), n, t), abs=1e-6)


def test_one_problem_says_nothing_about_the_others():
    assert statistics.interval(np.array([1.0]), 5) == (1.0, 0.0, 1.0)


def test_many_intervals_at_once_are_each_the_interval_of_one():
    mean_BP = np.random.default_rng(0).binomial(3, 0.9, (20, 7)) / 3
    mean_BP[0], mean_BP[1] = 1.0, 0.5
    together = np.stack(statistics.intervals(mean_BP, 3), axis=1)
    assert together == pytest.approx(np.array([statistics.interval(mean_P, 3) for mean_P in mean_BP]))
