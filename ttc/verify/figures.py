"""What judged solutions say about their verifier. Pure: judged solutions in, figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

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
    wrong_P = np.array([one.solution.label != metrics.ALL_RIGHT for one in judged])
    ranges = [metrics.right_range(one.scores, one.solution.label) for one in judged]
    low_P, high_P = np.array(ranges).T
    right_P = (low_P < threshold) & (threshold <= high_P)
    best = metrics.best_threshold(low_P, high_P, wrong_P)
    problem_P, questions = pd.factorize(pd.Series([one.solution.question for one in judged], dtype=object))
    steps = steps_frame(judged).assign(problem=np.repeat(problem_P, [len(one.scores) for one in judged]))
    known = steps.dropna(subset=["score", "label"])
    score_S, right_S = known["score"].to_numpy(), known["label"].to_numpy(dtype=np.bool_)
    whole_P = np.array([aggregate(one.scores, agg) for one in judged], dtype=np.float64)
    scored_P = ~np.isnan(whole_P)
    return LabelFigures(
        problems=len(questions),
        unscored_steps=int(steps["score"].isna().sum()),
        unscored_solutions=sum(None in one.scores for one in judged),
        skipped_steps=int(steps["label"].isna().sum()),
        threshold=threshold,
        found=metrics.found(right_P, wrong_P),
        f1_interval=metrics.bootstrap(
            lambda drawn_C: metrics.found(right_P, wrong_P, drawn_C[problem_P]).f1, len(questions), seed
        ),
        best_threshold=best,
        best=metrics.found((low_P < best) & (best <= high_P), wrong_P),
        steps=calibration(score_S, right_S),
        auroc_interval=auroc_interval(score_S, right_S, known["problem"].to_numpy(), len(questions), seed),
        agg=agg,
        solutions=calibration(whole_P[scored_P], ~wrong_P[scored_P]),
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


def steps_frame(judged: Sequence[Judged]) -> pd.DataFrame:
    """A row per step. `label`: is it right; null after the first error. `raw`: null where there is none."""
    rows = [
        {
            "id": one.solution.id,
            "step": step,
            "score": score,
            "raw": one.raw[step] if one.raw else None,
            "label": None if 0 <= one.solution.label < step else step != one.solution.label,
        }
        for one in judged
        for step, score in enumerate(one.scores)
    ]
    kinds = {"id": "str", "step": "int32", "score": "float64", "raw": "float64", "label": "boolean"}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
