"""Bars of accuracy by level, a panel for each budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttc.report.labels import End, add_legend, room
from ttc.report.pictures import BLACK, colours
from ttc.report.sheet import Card, facets, sheet
from ttc.report.view import sizes

COLUMNS = 3
WIDTH = 0.8
"""Of the bars of one level together, where 1 is from level to level."""
ONE_PATH = "one path (n = 1)"


def draw_levels(frame: pd.DataFrame) -> Figure:
    """A card per panel of the frame (`figures.levels`), a panel per facet."""
    panels = {str(title): part for title, part in frame.groupby("panel", sort=False)}
    most = max(part["level"].nunique() * part["bar"].nunique() for part in panels.values())
    narrow = 2.2 if frame["facet"].nunique() > 1 else 3.6
    size = (min(4.0, max(narrow, 0.5 + 0.125 * most)), 2.2)
    cards = [
        Card(title, f"headline votes; each level: {sizes(part)}; 95 % intervals", list(facets(part)))
        for title, part in panels.items()
    ]
    figure, grids = sheet(cards, size, room([[*frame["bar"], ONE_PATH]], legend=True), COLUMNS)
    for part, grid in zip(panels.values(), grids, strict=True):
        bars, levels = list(dict.fromkeys(part["bar"])), sorted(set(part["level"]))
        colour_of = colours(dict(zip(part["line"], part["strategy"], strict=True)))
        ends: list[End] = []
        for rows, axes in zip(facets(part).values(), grid, strict=True):
            ends += _draw(axes, rows, bars, levels, colour_of)
        grid[0].set_ylim(0, 1.04)
        add_legend(grid[min(len(grid), COLUMNS) - 1], ends, size)
    return figure


def _draw(
    axes: Axes, rows: pd.DataFrame, bars: Sequence[str], levels: Sequence[int], colour_of: Mapping[str, str]
) -> Iterator[End]:
    """Yields what each kind of bar is called."""
    wide = WIDTH / len(bars)
    place_of = {level: place for place, level in enumerate(levels)}
    for bar in dict.fromkeys(rows["bar"]):
        part = rows[rows["bar"] == bar]
        at = part["level"].map(place_of) + (bars.index(bar) + 0.5) * wide - WIDTH / 2
        y, low, high = (part[key] for key in ("accuracy", "accuracy_low", "accuracy_high"))
        look: dict[str, Any] = {"color": colour_of[part["line"].iloc[0]]}
        axes.bar(at, y, 0.9 * wide, **look, linewidth=0, alpha=0.85)
        axes.vlines(at, low, high, color=BLACK, linewidth=0.8, alpha=0.65)
        yield End(bar, 0.0, look | {"linewidth": 5, "solid_capstyle": "butt"})
    ones = rows.drop_duplicates("level").dropna(subset="one_path")
    if len(ones):
        at = ones["level"].map(place_of)
        look = {"color": BLACK, "linewidth": 1.4, "linestyle": (0, (2, 1))}
        axes.hlines(ones["one_path"], at - WIDTH / 2 - 0.06, at + WIDTH / 2 + 0.06, **look)
        yield End(ONE_PATH, 0.0, look)
    axes.set_xticks(range(len(levels)), [str(int(level)) for level in levels])
    axes.set_xlabel("level")
    axes.grid(visible=False, axis="x")
