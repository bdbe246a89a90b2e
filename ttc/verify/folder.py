"""A results folder's scores against the grades of its paths: does the verifier know what is right there?

Read from scores/ and grades/; no model is loaded. A group of paths = one dataset, policy, strategy (whatever
its settings) and verifier. The paths of a guided search were chosen by these very scores, so pools
(best_of_n) are the fair place to look.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ttc.readout import readout_config
from ttc.stats import verifier as metrics
from ttc.store import Folder
from ttc.strategies.aggregations import AGGREGATIONS, aggregate
from ttc.types import UserError
from ttc.verify.figures import auroc_interval

GROUP = ["dataset", "policy", "strategy", "prm", "verifier"]


def folder_figures(folder: Folder, seed: int) -> list[dict[str, Any]]:
    """A row for every group, aggregation and level (None: all levels together).

    Returns:
        GROUP, agg and level, and beside them
        problems, paths, right: how many; `paths` have a score.
        unscored: paths that have none (too long, NaN) and are left out.
        mean_right, mean_wrong: mean score of right and of wrong paths.
        auroc: over all pairs of paths, with its 95 % interval where all levels are together.
        within: over the pairs of paths to one problem: what a vote over a pool can make of the scores.
        point_biserial, spearman: correlation of the score with being right.
    Raises:
        UserError: no path of the folder has both scores and a grade.
    """
    rows = _rows(folder)
    if rows.empty:
        raise UserError(f"{folder}: no path in it has scores and a grade; run it with a prm first")
    figures = []
    for names, part in rows.groupby(GROUP, sort=False):
        group = dict(zip(GROUP, map(str, names), strict=True))
        for agg in AGGREGATIONS:
            values = [
                aggregate([None if np.isnan(score) else score for score in path.tolist()], agg)
                for path in part["scores"]
            ]
            scored = part.assign(score=pd.Series(values, index=part.index, dtype="float64"))
            own = group | {"agg": agg}
            figures.append(own | {"level": None} | _figures(scored, True, seed))
            for name, inside in scored.dropna(subset=["level"]).groupby("level"):
                level = int(str(name).removesuffix(".0"))
                figures.append(own | {"level": level} | _figures(inside, False, seed))
    return figures


def _rows(folder: Folder) -> pd.DataFrame:
    """A row per path and verifier: scores, and the verdict of the grader that the last launch declared."""
    declared = readout_config(folder)
    grades = folder.read("grades", ["path", "grader", "extract", "verdict"]).to_pandas()
    grades = grades[(grades["grader"] == declared.grader) & (grades["extract"] == declared.reading)]
    columns = ["path", "verifier", "prm", "scores", "dataset", "policy", "strategy", "level", "problem_key"]
    scores = folder.read("scores", columns).to_pandas()
    return scores.merge(grades[["path", "verdict"]], on="path").dropna(subset=["verdict"])


def _figures(rows: pd.DataFrame, with_interval: bool, seed: int) -> dict[str, Any]:
    known = rows.dropna(subset=["score"])
    score_S = known["score"].to_numpy(dtype=np.float64)
    right_S = known["verdict"].to_numpy(dtype=np.bool_)
    problem_S, problems = pd.factorize(known["problem_key"])
    interval = auroc_interval(score_S, right_S, problem_S, len(problems), seed) if with_interval else None
    return {
        "problems": len(problems),
        "paths": len(known),
        "unscored": len(rows) - len(known),
        "right": int(right_S.sum()),
        "mean_right": float(score_S[right_S].mean()) if right_S.any() else metrics.NAN,
        "mean_wrong": float(score_S[~right_S].mean()) if (~right_S).any() else metrics.NAN,
        "auroc": metrics.auroc(score_S, right_S),
        "auroc_interval": interval,
        "within": metrics.grouped_auroc(score_S, right_S, problem_S),
        "point_biserial": metrics.correlation(score_S, right_S.astype(np.float64)),
        "spearman": metrics.spearman(score_S, right_S.astype(np.float64)),
    }
