"""Accuracy against compute: a card per panel of a frame, a panel per facet, lines named where they end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttc.readout.names import choice_name, plain
from ttc.report.figures import GREEDY
from ttc.report.formats import points
from ttc.report.labels import End, add_legend, name_lines, room
from ttc.report.lines import PASS, Line, Pen, asides
from ttc.report.pictures import BLACK, GREY, limits, octaves
from ttc.report.sheet import Card, facets, sheet
from ttc.report.view import sizes
from ttc.types import Reference

AXES = {
    "n": "n, paths per problem",
    "generated_tokens": "generated tokens per problem",
    "tokens": "tokens per problem, policy and verifier",
    "policy_tokens": "policy tokens per problem",
    "flops": "FLOPs per problem",
    "seconds": "GPU-seconds per problem",
}
SHORT = {"n": "n", "generated_tokens": "generated tokens"}
"""The same for a small panel."""
COLUMNS = 4
LARGE, SMALL = (5.0, 3.5), (2.1, 2.2)
"""Inches of a panel that stands alone, and of one among others."""
NAMED = 4
"""Incomplete cells that a note names."""


@dataclass(frozen=True)
class Subject:
    """What a figure of lines is of.

    Attributes:
        what: begins the grey line below the title; {headline} are the votes that were declared.
        axis: to the right: a key of AXES; n instead where it was not measured.
        by_vote: colour says vote; else it says strategy, and the kind of line vote.
    """

    what: str
    axis: str = "n"
    by_vote: bool = False


def draw_lines(
    frame: pd.DataFrame,
    subject: Subject,
    references: Sequence[Reference] = (),
    incomplete: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """`frame`: of figures.py. `incomplete`: panel -> cells that are not in it, for a note."""
    if frame.empty:
        figure = Figure(figsize=(6.5, 1.2))
        figure.text(0.5, 0.5, "No cell is complete yet.", ha="center", va="center", color=GREY)
        return figure
    axis = subject.axis if (frame[subject.axis] > 0).all() else "n"
    cards, drawings, names = [], [], []
    for title, part in frame.groupby("panel", sort=False):
        pen = Pen(part, axis, subject.by_vote)
        drawn = {facet: pen.lines(rows) for facet, rows in facets(part).items()}
        own = [line.name for lines in drawn.values() for line in lines]
        notes = _notes(own, references, (incomplete or {}).get(str(title), ()))
        cards.append(Card(str(title), _below(part, subject.what), list(drawn), notes))
        drawings.append((part, list(drawn.values())))
        names.append([*own, *(one.name for one in references)])
    alone = max(len(card.facets) for card in cards) == 1
    size = LARGE if alone else SMALL
    figure, grids = sheet(cards, size, room(names, legend=not alone), COLUMNS)
    for grid, (part, panels) in zip(grids, drawings, strict=True):
        intervals = [*part["accuracy_low"], *part["accuracy_high"]]
        grid[0].set_ylim(limits([*intervals, *(one.accuracy for one in references)]))
        ends: list[End] = []
        for axes, lines in zip(grid, panels, strict=True):
            octaves(axes, list(part[axis]), sorted(set(part["n"])) if axis == "n" else (), 9 if alone else 6)
            axes.set_xlabel(AXES[axis] if alone else SHORT[axis])
            ends += _draw(axes, lines, axis, references)
        if alone:
            name_lines(grid[0], ends, size)
        else:
            add_legend(grid[min(len(grid), COLUMNS) - 1], ends, size)
    return figure


def _draw(axes: Axes, lines: Sequence[Line], axis: str, references: Sequence[Reference]) -> list[End]:
    ends = [line.draw(axes, axis, aside) for line, aside in zip(lines, asides(lines), strict=True)]
    for one in references:
        look: dict[str, Any] = {"color": BLACK, "linewidth": 1.0, "linestyle": (0, (5, 3))}
        axes.axhline(one.accuracy, **look, zorder=1)
        ends.append(End(one.name, one.accuracy, look))
    return ends


def _below(part: pd.DataFrame, what: str) -> str:
    """The grey line."""
    chosen = part[part["headline"] & (part["strategy"] != GREEDY) & (part["n"] == part["n"].max())]
    choices = chosen[["vote", "agg"]].fillna("").drop_duplicates().to_dict("records")
    said = what.format(headline=", ".join(map(choice_name, map(plain, choices))) or "none")
    return f"{said}; {sizes(part)}; subset {part['subset'].iloc[0]}; 95 % intervals"


def _notes(names: Sequence[str], references: Sequence[Reference], incomplete: Sequence[str]) -> list[str]:
    notes = [f"{PASS}: one of best_of_n's n samples is right; an upper bound."] * (PASS in names)
    for one in references:
        with_n = f" with n = {one.n}" if one.n else ""
        notes.append(f"{one.name}: {points(one.accuracy)} %{with_n}, {one.source}.")
    if incomplete:
        more = f" and {len(incomplete) - NAMED} more" * (len(incomplete) > NAMED)
        notes.append(f"Incomplete, not drawn: {', '.join(incomplete[:NAMED])}{more}.")
    return notes
