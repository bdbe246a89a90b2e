"""The figures of `ttc verify`: by hand, by brute force, and against scipy."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from scipy.stats import pointbiserialr, spearmanr

from ttc.stats import verifier as metrics
from ttc.verify.data import Labelled
from ttc.verify.figures import label_figures
from ttc.verify.judging import Judged

FOUR = [  # scores and label; at 0.5 the first two are found, the others not
    ((0.9, 0.8), -1),
    ((0.9, 0.3, 0.2), 1),
    ((0.6, 0.1), 0),
    ((0.4, 0.9), -1),
]


def judged(cases: list[tuple[tuple[float | None, ...], int]]) -> list[Judged]:
    return [
        Judged(Labelled(str(i), f"question {i}", ("a step",) * len(scores), label), scores, None)
        for i, (scores, label) in enumerate(cases)
    ]


def predict(scores: tuple[float | None, ...], threshold: float) -> int | None:
    """By definition; None where any step has no score: no prediction."""
    if None in scores:
        return None
    return next((step for step, score in enumerate(scores) if score < threshold), metrics.ALL_RIGHT)


# --- Figures ---------------------------------------------------------------------------------------------


def test_processbench_by_hand() -> None:
    figures = label_figures(judged(FOUR), 0.5, "last", 0)
    assert figures.found == metrics.Found(error=0.5, correct=0.5, f1=0.5)
    assert figures.best_threshold == 0.4  # finds all but the third; 0.8 finds as much, and is higher
    assert figures.best == metrics.Found(error=0.5, correct=1.0, f1=pytest.approx(2 / 3))
    # labelled: .9 .8, .9 .3x, .6x, .4 .9 (x: the first error); left out: .2 and .1
    assert (figures.steps.count, figures.steps.right, figures.skipped_steps) == (7, 5, 2)
    assert figures.steps.auroc == 9 / 10  # .4 is below .6
    assert figures.solutions.auroc == 1.0  # last: .8 and .9 against .2 and .1


def test_an_unscored_step_is_counted_and_its_solution_is_never_found() -> None:
    figures = label_figures(judged([*FOUR, ((0.9, None), -1), ((0.1, None), 0)]), 0.5, "last", 0)
    assert (figures.unscored_steps, figures.unscored_solutions) == (2, 2)
    assert figures.found == metrics.Found(error=1 / 3, correct=1 / 3, f1=pytest.approx(1 / 3))
    assert figures.steps.count == 9  # the scored ones of them count here: .9 and .1
    assert figures.solutions.count == 4


def test_one_kind_of_solutions_alone_has_no_f1() -> None:
    figures = label_figures(judged([FOUR[0], FOUR[3]]), 0.5, "last", 0)
    assert figures.found.correct == 0.5
    assert all(map(math.isnan, (figures.found.error, figures.found.f1, figures.best_threshold)))
    assert all(map(math.isnan, (figures.steps.auroc, *figures.f1_interval, *figures.auroc_interval)))


def test_a_score_at_the_threshold_is_not_below_it() -> None:
    assert predict((0.7, 0.5, 0.4), 0.5) == 2
    assert predict((0.7, 0.5), 0.5) == metrics.ALL_RIGHT
    for label in (-1, 0, 1, 2):
        for scores in ((0.7, 0.5, 0.4), (0.4, 0.5, 0.7), (0.5, 0.5, 0.5)):
            low, high = metrics.right_range(scores, label)
            for t in (0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8):
                assert (low < t <= high) == (predict(scores, t) == label)


def test_the_best_threshold_is_the_best_of_all() -> None:
    rng = random.Random(0)
    for _ in range(20):
        cases: list[Any] = []
        for _ in range(12):
            scores = tuple(rng.choice((0.0, 0.2, 0.4, 0.6, 0.8, 1.0)) for _ in range(rng.randint(1, 4)))
            cases.append((scores, rng.randrange(-1, len(scores))))
        wrong = np.array([label >= 0 for _, label in cases])
        tried = [
            metrics.found(np.array([predict(scores, t) == label for scores, label in cases]), wrong).f1
            for t in np.linspace(0, 1, 21)
        ]
        figures = label_figures(judged(cases), 0.5, "last", 0)
        assert figures.best.f1 == pytest.approx(max(tried), nan_ok=True)


def test_auroc_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    score, right = rng.integers(0, 8, 60) / 8, rng.random(60) < 0.4
    pairs = [(a > b) + (a == b) / 2 for a in score[right] for b in score[~right]]
    assert metrics.auroc(score, right) == pytest.approx(np.mean(pairs))
    weight = rng.integers(0, 3, 60)
    repeated = metrics.auroc(np.repeat(score, weight), np.repeat(right, weight))
    assert metrics.weighted_auroc(metrics.levels(score), right, weight * 1.0) == pytest.approx(repeated)


def test_auroc_within_groups_compares_no_two_groups() -> None:
    score = np.array([0.1, 0.9, 0.2, 0.8, 0.5])
    right = np.array([True, True, False, False, True])
    group = np.array([0, 1, 0, 1, 2])  # 0: lost, 1: won, 2: nothing to compare
    assert metrics.grouped_auroc(score, right, group) == 0.5
    assert math.isnan(metrics.grouped_auroc(score[:2], right[:2], group[:2]))


def test_correlations_are_scipys() -> None:
    rng = np.random.default_rng(1)
    score, right = rng.integers(0, 9, 50) / 8, rng.random(50) < 0.5
    assert metrics.correlation(score, right * 1.0) == pytest.approx(pointbiserialr(right, score).statistic)
    assert metrics.spearman(score, right * 1.0) == pytest.approx(spearmanr(score, right).statistic)
    assert math.isnan(metrics.correlation(score, np.ones(50)))


def test_calibration_by_hand() -> None:
    score, right = np.array([0.05, 0.15, 0.15, 1.0]), np.array([False, False, True, True])
    bins = metrics.reliability(score, right)
    assert [bin_.count for bin_ in bins] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (bins[1].mean, bins[1].right) == (0.15, 0.5)
    assert metrics.calibration_error(bins) == pytest.approx((0.05 + 2 * 0.35 + 0) / 4)
    assert metrics.brier(score, right) == pytest.approx((0.05**2 + 0.15**2 + 0.85**2) / 4)


def test_the_bootstrap_draws_problems_and_is_seeded() -> None:
    value = np.random.default_rng(2).normal(size=200)

    def mean(drawn: np.ndarray) -> float:
        assert drawn.sum() == 200
        return float((value * drawn).sum() / drawn.sum())

    low, high = metrics.bootstrap(mean, 200, seed=3)
    assert (low, high) == metrics.bootstrap(mean, 200, seed=3) != metrics.bootstrap(mean, 200, seed=4)
    assert high - low == pytest.approx(2 * 1.96 * value.std() / math.sqrt(200), rel=0.1)
