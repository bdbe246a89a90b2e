"""Compute-optimal scaling on the page: the curve that `ttc optimal` prints for a panel."""

from __future__ import annotations

from typing import Any

from ttc.readout.names import PANEL, plain
from ttc.readout.pools import Tables
from ttc.report.page import as_page
from ttc.stats.two_fold import SMALL
from ttc.studies.candidates import studies
from ttc.studies.optimal import solve
from ttc.studies.optimal_report import choice_table
from ttc.studies.page.panels import Panel
from ttc.studies.settings import OptimalSettings
from ttc.types import UserError

LEAST = 2 * SMALL
"""Problems of a panel below which no bin is large enough to choose for itself, in either half."""
MOST = 5000
"""Problems of a panel beyond which the curve is left to `ttc optimal`: it takes a minute and more."""


def best_of(panel: Panel, tables: Tables, place: int) -> dict[str, Any] | None:
    """Over n, by the dataset's level, or by predicted difficulty where it has none; None: there is nothing to
    choose, or nothing to tell difficulty by.

    tables: of the panel's source at `place`.
    """
    source, head = panel.sources[place], panel.rows.iloc[0]
    problems = panel.complete["problems"].max()
    if panel.complete["line"].nunique() < 2 or not LEAST <= problems <= MOST:
        return None
    levels = source.results.problems()["level"].notna().all()
    settings = OptimalSettings(difficulty="level" if levels else "predicted")
    try:
        study = next(
            one for one in studies(source.results) if all(one.panel[key] == head[key] for key in PANEL)
        )
        solved = solve(study, source.results, tables, source.config, settings)
    except (StopIteration, UserError):
        return None
    curve, choices = solved.curve(), solved.choices()
    return {
        "curve": [plain(row) for row in curve.to_dict("records")],
        "axis": settings.axis,
        "difficulty": settings.difficulty,
        "choices": as_page(choice_table(choices, settings.axis, solved.notes())),
    }
