"""A sheet of cards, each a title over panels. Every place is counted in inches and none is measured, so a
figure's layout is known before it is drawn, and takes no time."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttc.report.pictures import GREY, frame

LEFT, RIGHT, BOTTOM, EDGE = 0.66, 0.1, 0.52, 0.09
"""Inches: for the labels of the axes, and at a card's edges."""
NAME, GAP = 0.24, 0.22
"""For the name of a panel; between panels."""
TITLE, BELOW, NOTE = 0.19, 0.16, 0.15
"""A line of each."""
ACROSS = 2
"""Cards of one panel that stand side by side."""


@dataclass(frozen=True)
class Card:
    """A title, a line in grey below it, panels side by side, each with its name, and notes at the foot."""

    title: str
    below: str
    facets: Sequence[str] = ("",)
    notes: Sequence[str] = ()


def facets(points: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """name -> the points of each panel of a card; of the one, where the frame has no facets."""
    if "facet" not in points:
        return {"": points}
    return {str(facet): rows for facet, rows in points.groupby("facet", sort=False)}


def sheet(
    cards: Sequence[Card], size: tuple[float, float], beside: float, columns: int
) -> tuple[Figure, list[list[Axes]]]:
    """A figure with the cards, and the axes of each card's panels, which share their scale of accuracy.

    Args:
        size: of a panel, in inches.
        beside: inches right of the panels, for names and legends.
        columns: panels in a row, at most.
    """
    wide = max(min(columns, len(card.facets)) for card in cards)
    across = min(ACROSS, len(cards)) if wide == 1 else 1
    inside = wide * size[0] + (wide - 1) * GAP + beside
    texts = [_Texts.of(card, inside - RIGHT) for card in cards]
    head = EDGE + max(text.head for text in texts)
    name = NAME * any(any(card.facets) for card in cards)
    step = name + size[1] + BOTTOM - EDGE  # from a row of panels to the next
    rows = max(-(-len(card.facets) // columns) for card in cards)
    foot = BOTTOM + max(text.foot for text in texts) + EDGE
    across_inches, down_inches = LEFT + inside, head + name + size[1] + (rows - 1) * step + foot
    width, height = across * across_inches, -(-len(cards) // across) * down_inches
    figure = Figure(figsize=(width, height))
    grids = []
    for place, (card, text) in enumerate(zip(cards, texts, strict=True)):
        x, top = place % across * across_inches + LEFT, height - place // across * down_inches
        first = top - head - name - size[1]  # where the first row of panels stands
        grid: list[Axes] = []
        for i, facet in enumerate(card.facets):
            at = (x + i % columns * (size[0] + GAP), first - i // columns * step)
            box = (at[0] / width, at[1] / height, size[0] / width, size[1] / height)
            axes = figure.add_axes(box, sharey=grid[0] if grid else None)
            frame(axes, labelled=i % columns == 0, ticks=round(2.6 * size[1]))
            axes.set_title(facet, loc="left", fontsize=9.5, pad=5)
            grid.append(axes)
        text.write(figure, x, top - EDGE, first - (len(card.facets) - 1) // columns * step - BOTTOM)
        grids.append(grid)
    return figure, grids


@dataclass(frozen=True)
class _Texts:
    """What is written around a card's panels, in lines."""

    title: Sequence[str]
    below: Sequence[str]
    notes: Sequence[str]

    @classmethod
    def of(cls, card: Card, inches: float) -> _Texts:
        notes = [line for note in card.notes for line in _wrap(note, inches, 0.062)]
        return cls(_wrap(card.title, inches, 0.1), _wrap(card.below, inches, 0.065), notes)

    @property
    def head(self) -> float:
        return TITLE * len(self.title) + BELOW * len(self.below) + EDGE

    @property
    def foot(self) -> float:
        return NOTE * len(self.notes)

    def write(self, figure: Figure, x: float, top: float, low: float) -> None:
        width, height = figure.get_size_inches()
        look: dict[str, Any] = {"va": "top", "linespacing": 1.25}
        grey = look | {"color": GREY}
        below = top - TITLE * len(self.title) - 0.03
        bold = look | {"fontweight": "bold", "fontsize": 11}
        figure.text(x / width, top / height, "\n".join(self.title), **bold)
        figure.text(x / width, below / height, "\n".join(self.below), fontsize=8.5, **grey)
        figure.text(x / width, low / height, "\n".join(self.notes), fontsize=8, **grey)


def _wrap(text: str, inches: float, letter: float) -> list[str]:
    """At most two lines of letters that are so many inches wide, on average."""
    return textwrap.wrap(text, int(inches / letter), max_lines=2, placeholder=" ...")
