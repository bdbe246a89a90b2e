"""What judged solutions say about their verifier. Pure: judged solutions in, figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ttc.stats import verifier as metrics
from ttc.stats.verifier import Bin, Bools, Floats, Found, Ints
from ttc.strategies.aggregations import Agg, aggregate
from ttc.verify.judging import Judged

Interval = tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """How far scores can be taken for probabilities of being right, and how well they rank."""

    count: int
    right: int
    auroc: float
    calibration_error: float
    brier: float
    bins: list[Bin]


@dataclass(frozen=True)
class LabelFigures:
    """All figures of `ttc verify` on labelled steps.

    Attributes:
        problems: different questions; intervals draw these.
        unscored_steps, unscored_solutions: without a score, and with such a step: no prediction, never right.
        skipped_steps: after a first error, which no label covers.
        found: at `threshold`.
        best_threshold, best: the threshold of highest F1 on these very solutions: in-sample.
        steps: labelled steps that have a score.
        solutions: whole ones, scored by `agg` of their steps; right where no step is wrong.
    """

    problems: int
    unscored_steps: int
    unscored_solutions: int
    skipped_steps: int
    threshold: float
    found: Found
    f1_interval: Interval
    best_threshold: float
    best: Found
    steps: Calibration
    auroc_interval: Interval
    agg: Agg
    solutions: Calibration


def label_figures(judged: Sequence[Judged], threshold: float, agg: Agg, seed: int) -> LabelFigures:
    """Every figure, with 95 % bootstrap intervals over problems for F1 and the steps' AUROC."""
    labels = [one.solution.label for one in judged]
    wrong_P = np.array(labels) != metrics.ALL_RIGHT
    right_P = np.array([metrics.predict(one.scores, threshold) == one.solution.label for one in judged])
    ranges = [metrics.right_range(one.scores, one.solution.label) for one in judged]
    low_P, high_P = (np.array(ends) for ends in zip(*ranges, strict=True))
    best = metrics.best_threshold(low_P, high_P, wrong_P)
    questions = {text: i for i, text in enumerate(dict.fromkeys(one.solution.question for one in judged))}
    problem_P = np.array([questions[one.solution.question] for one in judged], dtype=np.int64)
    score_S, right_S, problem_S = _steps(judged, problem_P)
    known = [(aggregate(one.scores, agg), not wrong) for one, wrong in zip(judged, wrong_P, strict=True)]
    whole = [(score, right) for score, right in known if score is not None]
    unscored = [sum(score is None for score in one.scores) for one in judged]
    return LabelFigures(
        problems=len(questions),
        unscored_steps=sum(unscored),
        unscored_solutions=sum(map(bool, unscored)),
        skipped_steps=sum(len(one.scores) - one.solution.judged for one in judged),
        threshold=threshold,
        found=metrics.found(right_P, wrong_P),
        f1_interval=metrics.bootstrap(
            lambda drawn_C: metrics.found(right_P, wrong_P, drawn_C[problem_P]).f1, len(questions), seed
        ),
        best_threshold=best,
        best=metrics.found((low_P < best) & (best <= high_P), wrong_P),
        steps=calibration(score_S, right_S),
        auroc_interval=auroc_interval(score_S, right_S, problem_S, len(questions), seed),
        agg=agg,
        solutions=calibration(
            np.array([score for score, _ in whole], dtype=np.float64),
            np.array([right for _, right in whole], dtype=np.bool_),
        ),
    )


def calibration(score_S: Floats, right_S: Bools) -> Calibration:
    bins = metrics.reliability(score_S, right_S)
    return Calibration(
        count=len(score_S),
        right=int(right_S.sum()),
        auroc=metrics.auroc(score_S, right_S),
        calibration_error=metrics.calibration_error(bins),
        brier=metrics.brier(score_S, right_S),
        bins=bins,
    )


def auroc_interval(score_S: Floats, right_S: Bools, problem_S: Ints, problems: int, seed: int) -> Interval:
    level_S = metrics.levels(score_S)
    return metrics.bootstrap(
        lambda drawn_C: metrics.weighted_auroc(level_S, right_S, drawn_C[problem_S]), problems, seed
    )


def _steps(judged: Sequence[Judged], problem_P: Ints) -> tuple[Floats, Bools, Ints]:
    """Score, rightness and problem of every labelled step that has a score."""
    rows = [
        (score, step != one.solution.label, problem)
        for one, problem in zip(judged, problem_P, strict=True)
        for step, score in enumerate(one.scores[: one.solution.judged])
        if score is not None
    ]
    scores, rights, problems = zip(*rows, strict=True) if rows else ((), (), ())
    return (
        np.array(scores, dtype=np.float64),
        np.array(rights, dtype=np.bool_),
        np.array(problems, dtype=np.int64),
    )
