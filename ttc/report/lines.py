"""One panel's lines: what each is called, how it looks, and how it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ttc.readout.votes import VOTES
from ttc.report.figures import BOUNDS, GREEDY
from ttc.report.labels import End
from ttc.report.pictures import GREY, MARKER, UNKNOWN, colours, vote_colours

FEW = 3
"""Lines beside which there is room for an upper bound."""
PASS = "pass@n"
ASIDE = 0.12
"""Octaves between points that would stand on each other."""
DOTS, DASHES = (0, (1, 2)), (0, (4, 1.5))


@dataclass(frozen=True)
class Line:
    """Its points, by rising cost, and how they are drawn.

    Attributes:
        strong: it is what the picture is of.
        band: how strong its interval's band is; 0: it has none.
        greedy, bound: one path, to compare by; what choosing could bring at most.
    """

    name: str
    points: pd.DataFrame
    look: Mapping[str, Any]
    strong: bool
    band: float
    greedy: bool
    bound: bool

    def draw(self, axes: Axes, axis: str, aside: float) -> End:
        """`aside`: to the right, in octaves."""
        line, colour = self.points, self.look["color"]
        x, y, low, high = (line[key] for key in (axis, "accuracy", "accuracy_low", "accuracy_high"))
        x, order = x * 2.0**aside, 3 if self.strong else 2
        if self.greedy:
            axes.axhline(y.iloc[0], color=colour, linewidth=0.8, linestyle=DOTS, zorder=1)
        if len(line) > 1:
            axes.fill_between(x, low, high, color=colour, alpha=self.band, linewidth=0, zorder=1)
        elif self.band:
            axes.vlines(x, low, high, color=colour, linewidth=1.2, alpha=0.7, zorder=order)
        axes.plot(x, y, **self.look, zorder=order)
        return End(self.name, y.iloc[-1], self.look, None if self.greedy else x.iloc[-1], self.strong)


class Pen:
    """Makes lines of the points of one card, whose panels agree in their colours.

    Args:
        by_vote: colour says vote; else it says strategy, and the kind of line vote.
    """

    def __init__(self, points: pd.DataFrame, axis: str, by_vote: bool) -> None:
        self._axis, self._by_vote = axis, by_vote
        self._strategies = colours(dict(zip(points["line"], points["strategy"], strict=True)))
        self._votes = vote_colours(list(points["vote"]))
        first = {colour: line for line, colour in reversed(self._strategies.items())}
        self._again = self._strategies.keys() - set(first.values())

    def lines(self, points: pd.DataFrame) -> list[Line]:
        """Of one panel, in the order of tables. Upper bounds are left out where they would crowd, and of
        bands that are equal all but one."""
        parts = [part for _, part in points.groupby(["line", "vote", "agg"], sort=False, dropna=False)]
        parts = [part.sort_values(self._axis, kind="stable") for part in parts]
        results = [part for part in parts if part["vote"].iloc[0] not in BOUNDS]
        searched = [part for part in results if part["strategy"].iloc[0] != GREEDY]
        several = len({part["vote"].iloc[0] for part in searched}) > 1
        headlines_last = sorted(range(len(parts)), key=lambda i: bool(parts[i]["headline"].any()))
        owners = {(*parts[i]["accuracy_low"], *parts[i]["accuracy_high"]): i for i in headlines_last}
        share = min(1.0, 4 / max(1, len(searched)))  # many bands are fainter
        lines = [
            self._line(part, several, len(searched) == 1, share * (i in owners.values()))
            for i, part in enumerate(parts)
        ]
        crowded = not self._by_vote and len(results) > FEW
        return [line for line in lines if not (crowded and line.bound)]

    def _line(self, points: pd.DataFrame, several: bool, alone: bool, share: float) -> Line:
        """`several`: lines of other votes stand beside it; `alone`: no line does."""
        first = points.iloc[0]
        vote = VOTES.get(first["vote"], UNKNOWN)
        if first["strategy"] == GREEDY:
            look = {"color": GREY, "linewidth": 0.8, "alpha": 0.9, "linestyle": DOTS, "marker": "D"} | MARKER
            return Line(str(first["line"]), points, look, False, share, True, False)
        if vote.upper_bound:
            look = {"color": GREY, "linewidth": 1.1, "alpha": 0.6, "linestyle": vote.dash, **MARKER}
            look |= {"marker": vote.marker}
            if len(points) == 1:  # a line of one point would not be seen
                look |= {"marker": "_", "markersize": 10, "markeredgecolor": GREY}
            name = f"{first['vote']} ({PASS})" if self._by_vote else PASS
            return Line(name, points, look, False, 0.0, False, True)
        name, colour = first["line"], self._strategies[first["line"]]
        if self._by_vote:
            name, colour = first["vote"], self._votes[first["vote"]]
        elif several:
            name = f"{first['line']} {first['vote']}"
        strong = alone or bool(points["headline"].any())
        width, alpha, band = (2.2, 1.0, 0.13) if strong else (1.4, 0.9, 0.07)
        dash, marker = (vote.dash, vote.marker) if several else ("-", "o")
        if first["line"] in self._again and not self._by_vote:  # its colour is another line's, too
            dash, marker = DASHES, "s"
        look = {"color": colour, "linewidth": width, "alpha": alpha, "linestyle": dash, "marker": marker}
        return Line(str(name), points, look | MARKER, strong, band * share, False, False)


def asides(lines: Sequence[Line]) -> list[float]:
    """How far to the right each line stands, in octaves: points that are alone at one budget stand side by
    side, so that each interval is seen."""
    searched = [line for line in lines if not line.greedy and not line.bound]
    if len(searched) < 2 or any(len(line.points) > 1 for line in searched):
        return [0.0] * len(lines)
    place = {id(line): i - (len(searched) - 1) / 2 for i, line in enumerate(searched)}
    return [ASIDE * place.get(id(line), 0.0) for line in lines]
