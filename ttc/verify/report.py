"""The figures as tables on the console, and as verify.json and steps.parquet in a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path as File
from typing import Any

from ttc.report.console import Console, show
from ttc.report.formats import count, score, setting
from ttc.report.tables import Row, Table, as_json, column
from ttc.store import Folder
from ttc.store.provenance import revision, versions
from ttc.verify.figures import Calibration, LabelFigures, steps_frame
from ttc.verify.judging import Judged


def print_labels(figures: LabelFigures, console: Console) -> None:
    """Three tables: the first error found, ranking and calibration, the reliability curve."""
    notes = [
        "The prediction is the first step below the threshold. Intervals are of a bootstrap over the "
        f"{count(figures.problems)} problems.",
        "Of each solution the steps up to its first error count; "
        f"{count(figures.skipped_steps)} after one are left out.",
    ]
    if figures.unscored_steps:
        notes.append(
            f"{figures.unscored_steps} steps of {figures.unscored_solutions} solutions have no score "
            "(too long, or NaN): these solutions get no prediction and count as not found."
        )
    title = "the first error"
    _print(Table("first_error", FOUND, _found(figures), title, bright="declared", tight=True), console)
    title = "scores as probabilities"
    _print(Table("calibration", CALIBRATION, _calibration(figures), title, tight=True), console)
    bins = [asdict(bin_) for bin_ in figures.steps.bins]
    _print(Table("reliability", BINS, bins, "reliability of step scores", notes, tight=True), console)


FOUND = (
    column("threshold", lambda at, declared: setting(at) if declared else score(at), "threshold", "declared"),
    column("error acc.", "points", "error"),
    column("correct acc.", "points", "correct"),
    column("F1", "points", "f1"),
    column("95 % interval", "interval", "f1_low", "f1_high"),
    column("", lambda declared: "" if declared else "the best one, in-sample", "declared"),
)
CALIBRATION = (
    column("of", "text", "of"),
    column("right", "count", "right"),
    column("wrong", "count", "wrong"),
    column("AUROC", "score", "auroc"),
    column("95 % interval", "score_interval", "auroc_low", "auroc_high"),
    column("calibration error", "score", "calibration_error"),
    column("Brier", "score", "brier"),
)
BINS = (
    column("score", "score_bin", "low", "high"),
    column("steps", "count", "count"),
    column("mean score", "score", "mean"),
    column("share right", "score", "right"),
)


def _found(figures: LabelFigures) -> list[Row]:
    """At the declared threshold, and at the best one."""
    low, high = figures.f1_interval
    found = asdict(figures.found) | {"threshold": figures.threshold, "f1_low": low, "f1_high": high}
    best = asdict(figures.best) | {"threshold": figures.best_threshold}
    return [found | {"declared": True}, best | {"declared": False}]


def _calibration(figures: LabelFigures) -> list[Row]:
    def row(of: str, part: Calibration) -> dict[str, Any]:
        names = ("right", "auroc", "calibration_error", "brier")
        return {"of": of, "wrong": part.count - part.right} | {name: getattr(part, name) for name in names}

    low, high = figures.auroc_interval
    steps = row("steps", figures.steps) | {"auroc_low": low, "auroc_high": high}
    return [steps, row(f"solutions, by {figures.agg}", figures.solutions)]


def print_folder(figures: Sequence[Row], console: Console) -> None:
    """A table per dataset and policy: a line per strategy, verifier and aggregation."""
    notes = [
        "AUROC: a right path's score is above a wrong one's; within: of paths to one problem only.",
        "A guided search's paths were chosen by these scores; best_of_n is the fair place to look.",
    ]
    missing = sum(one["unscored"] for one in figures if (one["level"], one["agg"]) == (None, "last"))
    if missing:
        notes.append(f"{missing} paths have no score (too long, or NaN) and are left out.")
    panels = list(dict.fromkeys((one["dataset"], one["policy"]) for one in figures))
    for dataset, policy in panels:
        part = [one for one in figures if (one["dataset"], one["policy"]) == (dataset, policy)]
        levels = sorted({one["level"] for one in part if one["level"] is not None})
        columns = [*FOLDER, *(column(f"level {level}", "score", f"auroc_level_{level}") for level in levels)]
        told = notes if (dataset, policy) == panels[-1] else ()
        title = f"{dataset}: policy {policy}"
        _print(Table("verifier", columns, _folder_rows(part, levels), title, told, tight=True), console)


FOLDER = (
    column("strategy, prm", lambda strategy, prm: f"{strategy}, {prm}", "strategy", "prm", fold=True),
    column("agg", "text", "agg"),
    column("paths", "count", "paths"),
    column("right", "points", "share"),
    column("mean right", "score", "mean_right"),
    column("mean wrong", "score", "mean_wrong"),
    column("AUROC", "score", "auroc"),
    column("95 % interval", "score_interval", "auroc_low", "auroc_high"),
    column("within", "score", "within"),
    column("r", "score", "point_biserial"),
    column("rho", "score", "spearman"),
)


def _folder_rows(figures: Sequence[Row], levels: Sequence[int]) -> list[Row]:
    """A row per strategy, verifier and aggregation, with the AUROC of each level beside."""
    line = ("strategy", "verifier", "agg")
    auroc = {(*(one[key] for key in line), one["level"]): one["auroc"] for one in figures}
    rows: list[Row] = []
    for one in figures:
        if one["level"] is None:
            low, high = one["auroc_interval"]
            share = one["right"] / one["paths"] if one["paths"] else math.nan
            row = {**one, "auroc_low": low, "auroc_high": high, "share": share}
            own = [one[key] for key in line]
            rows.append(
                row | {f"auroc_level_{level}": auroc.get((*own, level), math.nan) for level in levels}
            )
    return rows


def _print(table: Table, console: Console) -> None:
    console.print()
    show(table, console)


def save(out: File, figures: Any, config: dict[str, Any], judged: Sequence[Judged] = ()) -> None:
    """verify.json, and steps.parquet where steps were judged; a figure that is undefined is null.

    Raises:
        UserError: the folder cannot be written.
    """
    content = {"figures": figures, "config": config, "versions": versions(), "revision": revision()}
    folder = Folder(out)
    if judged:
        folder.write("steps", steps_frame(judged))
    folder.write_text("verify.json", json.dumps(as_json(content), indent=1, allow_nan=False))
