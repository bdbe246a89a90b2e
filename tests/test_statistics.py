from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttc import statistics

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
        ([1, 1, 0, 0], 1, 3, 3.182446),  # v = (1/3)/4, so n_eff = 0.25 / v = 3
        ([1, 1, 1, 1], 5, 4, 3.182446),  # v = 0: P
        ([0.5, 0.5, 0.5, 0.5], 5, 4, 3.182446),
        ([0.4, 0.6, 0.4, 0.6], 5, 20, 3.182446),  # p (1-p) / v = 75, at most P x seeds
    ],
)
def test_the_interval_is_wilsons_with_the_effective_size_of_the_problems(means, seeds, n, t):
    found = statistics.interval(np.array(means, dtype=float), seeds)
    assert found == pytest.approx(wilson(np.mean(means), n, t), abs=1e-6)


def test_one_problem_says_nothing_about_the_others():
    assert statistics.interval(np.array([1.0]), 5) == (1.0, 0.0, 1.0)


def test_intervals_cover_a_known_truth():
    random = np.random.default_rng(0)
    hits, runs, problems, seeds = 0, 2000, 50, 3
    for _ in range(runs):
        ability = random.beta(0.6, 1.4, problems)  # problems differ: mean 0.3
        means = random.binomial(seeds, ability) / seeds
        _, low, high = statistics.interval(means, seeds)
        hits += low <= 0.3 <= high
    assert 0.925 <= hits / runs <= 0.98
