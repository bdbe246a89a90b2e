"""Fast versions of two benchmarks: the intervals cover, and choosing is not optimistic."""

import numpy as np
import pytest

from benchmarks.answers_coverage import bootstrap, coverages, problem_means
from benchmarks.answers_statistics import excess, one_bin, other_seeds, same_pool
from ttc.stats.paired import bootstrap_weights, percentiles


@pytest.mark.parametrize(("problems", "seeds"), [(30, 1), (30, 5), (30, 64), (50, 3), (50, 16), (100, 5)])
def test_intervals_of_cells_cover_a_known_truth_where_others_do_not(problems, seeds):
    found = coverages(problems, seeds, trials=2000)
    error = 100 * (0.95 * 0.05 / 2000) ** 0.5
    assert 94 - error <= found["ours"].mean <= 97 + error
    assert found["ours"].lowest >= 92.5 - 2 * error
    assert found["Student-t"].lowest < 92.5 - 2 * error
    if problems < 100 and seeds > 1:
        assert found["n_spec alone"].lowest < found["ours"].lowest
        assert found["percentile bootstrap"].lowest < 92.5 - 2 * error


def test_the_bootstrap_with_endless_replicates_is_that_of_many():
    count_1K = np.array([[20, 3, 7]])
    weight_RP = bootstrap_weights(30, 20_000)
    many = percentiles(weight_RP @ problem_means(count_1K, 2)[0] / 30)
    assert np.concatenate(bootstrap(count_1K, 2)) == pytest.approx(many, abs=1 / 60)


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
