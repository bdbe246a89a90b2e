"""The figures as tables on the console, and as verify.json and steps.parquet in a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path as File
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ttc.report.looks import show
from ttc.store.folder import write_frame, write_text
from ttc.store.provenance import revision, versions
from ttc.types import UserError
from ttc.verify.figures import Calibration, LabelFigures
from ttc.verify.folder import FolderFigures
from ttc.verify.judging import Judged

# --- Labelled steps --------------------------------------------------------------------------------------


def print_labels(figures: LabelFigures, console: Console) -> None:
    """Three tables: the first error found, ranking and calibration, the reliability curve."""
    _print(_found_table(figures), console)
    _print(_calibration_table(figures), console)
    _print(_bins_table(figures.steps), console)
    notes = [
        "The prediction is the first step below the threshold. Intervals are of a bootstrap over the "
        f"{figures.problems} problems.",
        "Of each solution the steps up to its first error count; "
        f"{figures.skipped_steps:,} after one are left out.",
    ]
    if figures.unscored_steps:
        notes.append(
            f"{figures.unscored_steps} steps of {figures.unscored_solutions} solutions have no score "
            "(too long, or NaN): these solutions get no prediction and count as not found."
        )
    console.print(Text("\n".join(["", *notes]), style="dim"))


def _found_table(figures: LabelFigures) -> Table:
    table = _table("the first error", "threshold", "error acc.", "correct acc.", "F1", "95 % interval", "")
    found, best = figures.found, figures.best
    shares = (_percent(value) for value in (found.error, found.correct, found.f1))
    table.add_row(f"{figures.threshold:g}", *shares, _interval(figures.f1_interval, 100, 1), "")
    shares = (_percent(value) for value in (best.error, best.correct, best.f1))
    table.add_row(_short(figures.best_threshold), *shares, "", "the best one, in-sample", style="dim")
    return table


def _calibration_table(figures: LabelFigures) -> Table:
    names = ("right", "wrong", "AUROC", "95 % interval", "calibration error", "Brier")
    table = _table("scores as probabilities", "of", *names)
    for name, part, interval in (
        ("steps", figures.steps, _interval(figures.auroc_interval, 1, 3)),
        (f"solutions, by {figures.agg}", figures.solutions, ""),
    ):
        counts = (f"{part.right:,}", f"{part.count - part.right:,}")
        measured = (_short(part.calibration_error), _short(part.brier))
        table.add_row(name, *counts, _short(part.auroc), interval, *measured)
    return table


def _bins_table(steps: Calibration) -> Table:
    table = _table("reliability of step scores", "score", "steps", "mean score", "share right")
    for bin_ in steps.bins:
        table.add_row(
            f"{bin_.low:.1f} to {bin_.high:.1f}", f"{bin_.count:,}", _short(bin_.mean), _short(bin_.right)
        )
    return table


# --- A results folder ------------------------------------------------------------------------------------


def print_folder(figures: Sequence[FolderFigures], console: Console) -> None:
    """A table per dataset and policy: a line per strategy, verifier and aggregation."""
    for dataset, policy in dict.fromkeys((one.dataset, one.policy) for one in figures):
        part = [one for one in figures if (one.dataset, one.policy) == (dataset, policy)]
        _print(_folder_table(f"{dataset}: policy {policy}", part), console)
    notes = [
        "AUROC: a right path's score is above a wrong one's; within: of paths to one problem only.",
        "A guided search's paths were chosen by these scores; best_of_n is the fair place to look.",
    ]
    missing = sum(one.unscored for one in figures if one.level is None and one.agg == "last")
    if missing:
        notes.append(f"{missing} paths have no score (too long, or NaN) and are left out.")
    console.print(Text("\n".join(["", *notes]), style="dim"))


def _folder_table(title: str, figures: Sequence[FolderFigures]) -> Table:
    levels = sorted({one.level for one in figures if one.level is not None})
    names = ("paths", "right", "mean right", "mean wrong", "AUROC", "95 % interval", "within", "r", "rho")
    table = _table(title, "strategy, prm", "agg", *names, *(f"level {level}" for level in levels))
    auroc = {(_line(one), one.agg, one.level): one.auroc for one in figures}
    before = None
    for one in figures:
        if one.level is not None:
            continue
        line = _line(one)
        table.add_row(
            f"{one.strategy}, {one.prm}" if line != before else "",
            one.agg,
            f"{one.paths:,}",
            _percent(one.right / one.paths if one.paths else math.nan),
            *map(_short, (one.mean_right, one.mean_wrong, one.auroc)),
            _interval(one.auroc_interval, 1, 3) if one.auroc_interval else "",
            *map(_short, (one.within, one.point_biserial, one.spearman)),
            *(_short(auroc.get((line, one.agg, level), math.nan)) for level in levels),
        )
        before = line
    return table


def _line(one: FolderFigures) -> tuple[str, str]:
    return one.strategy, one.verifier


# --- Files -----------------------------------------------------------------------------------------------


def save(out: File, figures: Any, config: dict[str, Any], judged: Sequence[Judged] = ()) -> None:
    """verify.json, and steps.parquet where steps were judged; a figure that is undefined is null.

    Raises:
        UserError: the folder cannot be written.
    """
    content = {"figures": figures, "config": config, "versions": versions(), "revision": revision()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        if judged:
            write_frame(steps_frame(judged), out / "steps.parquet")
        write_text(out / "verify.json", json.dumps(_plain(content), indent=1, allow_nan=False))
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({error.strerror})") from None


def steps_frame(judged: Iterable[Judged]) -> pd.DataFrame:
    """A row per step. `label`: is it right; null after the first error. `raw`: null where there is none."""
    rows = [
        {
            "id": one.solution.id,
            "step": step,
            "score": score,
            "raw": one.raw[step] if one.raw else None,
            "label": step != one.solution.label if step < one.solution.judged else None,
        }
        for one in judged
        for step, score in enumerate(one.scores)
    ]
    kinds = {"id": "str", "step": "int32", "score": "float64", "raw": "float64", "label": "boolean"}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def _plain(value: Any) -> Any:
    """As JSON can hold it: dataclasses as objects, NaN as null."""
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


# --- Looks -----------------------------------------------------------------------------------------------


def _table(title: str, first: str, *names: str) -> Table:
    look: dict[str, Any] = {"title_justify": "left", "title_style": "bold", "box": None}
    table = Table(title=title, padding=(0, 1), collapse_padding=True, pad_edge=False, **look)
    table.add_column(first, no_wrap=True)
    for name in names:
        table.add_column(name, justify="right" if name and name != "agg" else "left", no_wrap=True)
    return table


def _print(table: Table, console: Console) -> None:
    console.print()
    show(table, console)


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def _short(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _interval(ends: tuple[float, float], factor: float, digits: int) -> str:
    low, high = ends
    return "-" if math.isnan(low) else f"{factor * low:.{digits}f} to {factor * high:.{digits}f}"
