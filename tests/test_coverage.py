"""Fast versions of benchmarks/answers_statistics.py: the intervals cover, and choosing is not optimistic."""

import numpy as np
import pytest

from benchmarks.answers_statistics import covered, excess, one_bin, other_seeds, same_pool

ACCURACIES = (0.05, 0.1, 0.3, 0.5, 0.7, 0.95)


@pytest.mark.parametrize(("problems", "seeds"), [(30, 1), (30, 5), (50, 3), (100, 1), (100, 5), (500, 2)])
def test_intervals_of_cells_cover_a_known_truth(problems, seeds):
    points = {
        (mean, concentration): covered(problems, seeds, mean, concentration, trials=2000)
        for mean in ACCURACIES
        for concentration in (0.2, 1.0, 10.0)
    }
    error = (0.95 * 0.05 / 2000) ** 0.5
    assert 0.94 - error <= np.mean(list(points.values())) <= 0.97 + error
    # Several seeds on few problems, nearly all right or wrong: the spread of the few others is itself unsure.
    unsure = {point for point in points if problems < 75 and seeds > 2 and point[0] in (0.05, 0.95)}
    assert min(points[point] for point in points.keys() - unsure) >= 0.925 - 3 * error
    assert all(points[point] >= 0.88 - 3 * error for point in unsure)
    if problems >= 100:
        assert max(points.values()) <= 0.98 + 3 * error


@pytest.mark.parametrize("bins", [one_bin, other_seeds])
def test_a_two_fold_choice_is_not_optimistic_on_pure_noise(bins):
    mean, error = excess(60, 3, bins, trials=150)
    assert abs(mean) <= 3.5 * error
    assert error < 0.5


def test_what_would_be_optimistic_is_seen_to_be():
    chosen_where_measured, error = excess(60, 3, other_seeds, trials=40, how="naive")
    assert chosen_where_measured - 3 * error > 5
    voted_pool_bins, error = excess(200, 3, same_pool, trials=60)
    assert voted_pool_bins - 3 * error > 1
