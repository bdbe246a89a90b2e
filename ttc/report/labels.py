"""Names at the ends of lines, beside a panel; a legend where they have no room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

LINE = 11.5
"""Points from one name to the next."""
FAR = 4.5
"""Lines of text that a name may stand away from its line's end, or nobody would know whose it is."""
FEW, LONG = 5, 40
"""Names, and letters of one, that surely have room, or may have it."""
BESIDE = 0.22
"""Inches between a panel and the names."""


@dataclass(frozen=True)
class End:
    """What a line is called, how it looks, and where it ends; x None: at the panel's edge."""

    text: str
    y: float
    look: Mapping[str, Any]
    x: float | None = None
    bold: bool = False


def name_lines(axes: Axes, ends: Sequence[End], size: tuple[float, float]) -> None:
    """Writes each name where its line ends, or a legend where these would be too long, or too far away.

    Args:
        size: of the panel, in inches; its scale of accuracy is final.
    """
    low, high = axes.get_ylim()
    height = size[1] * 72
    ends = sorted(ends, key=lambda end: end.y)
    wanted = [(end.y - low) / (high - low) * height for end in ends]
    places = spread(wanted, LINE, 4, height - 4)
    moved = max((abs(a - b) for a, b in zip(wanted, places, strict=True)), default=0)
    if moved > FAR * LINE or any(len(end.text) > LONG for end in ends):
        return add_legend(axes, ends[::-1], size)
    across = [1.0 if end.x is None else _across(axes, end.x) for end in ends]
    last = max((at for at, end in zip(across, ends, strict=True) if end.x is not None), default=1.0)
    # Names stand at the panel's edge, or beside lines that all end far from it.
    column = last if last < 0.75 else 1.0
    for end, place, own in zip(ends, places, across, strict=True):
        left = 1.0 if end.x is None else column
        at, colour = (left + BESIDE / size[0], place / height), end.look["color"]
        leader = {"arrowstyle": "-", "color": colour, "lw": 0.8, "alpha": 0.6, "shrinkA": 2, "shrinkB": 3}
        if own < last - 0.1:  # a long way to its name, and no part of the line
            leader["linestyle"] = (0, (1, 3))
        note = axes.annotate(
            end.text,
            xy=(1, end.y) if end.x is None else (end.x, end.y),
            xycoords=("axes fraction" if end.x is None else "data", "data"),
            xytext=at,
            textcoords="axes fraction",
            color=_ink(colour),
            fontweight="bold" if end.bold else "normal",
            va="center",
            annotation_clip=False,
            arrowprops=leader | {"relpos": (0, 0.5)},
        )
        note.set_in_layout(False)


def _across(axes: Axes, x: float) -> float:
    """Where a value of the x axis stands, of the panel's width."""
    return float((axes.transData + axes.transAxes.inverted()).transform((x, 0))[0])


def _ink(colour: str) -> tuple[float, ...]:
    """The colour, dark enough for letters on white."""
    red, green, blue = to_rgb(colour)
    strength = min(1.0, 0.55 / (0.3 * red + 0.59 * green + 0.11 * blue + 1e-9))
    return red * strength, green * strength, blue * strength


def add_legend(axes: Axes, ends: Sequence[End], size: tuple[float, float]) -> None:
    """Right of the panel, each name once."""
    looks: dict[str, Mapping[str, Any]] = {}
    for end in ends:  # where it is thick in one of the panels, so it is here
        looks[end.text] = end.look if end.bold else looks.get(end.text, end.look)
    handles = [Line2D([], [], label=text, **look) for text, look in looks.items()]
    place = (1 + BESIDE / 2 / size[0], 1.0)
    axes.legend(handles=handles, bbox_to_anchor=place, loc="upper left", borderaxespad=0, handlelength=2.6)


def room(names: Sequence[Sequence[str]], legend: bool) -> float:
    """Inches that the names of some panels take beside one, at most; a legend takes more."""
    longest = max((len(name) for own in names for name in own), default=0)
    legend = legend or longest > LONG or max(map(len, names)) > FEW
    return BESIDE + 0.1 + 0.078 * longest + 0.45 * legend


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The places nearest to those wanted (ascending, least squares) that are `gap` apart and, if all have
    room, between `low` and `high`."""
    blocks: list[tuple[float, int]] = []  # mean and size of neighbours that touch, with the gaps taken out
    for i, one in enumerate(wanted):
        mean, count = one - i * gap, 1
        while blocks and blocks[-1][0] >= mean:
            other, its = blocks.pop()
            mean, count = (mean * count + other * its) / (count + its), count + its
        blocks.append((mean, count))
    top = max(low, high - (len(wanted) - 1) * gap)
    means = [min(max(mean, low), top) for mean, count in blocks for _ in range(count)]
    return [mean + i * gap for i, mean in enumerate(means)]
