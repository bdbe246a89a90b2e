"""What all pictures share: colours, axes, titles, and a figure as the bytes of a PNG."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from ttc.report.formats import budget
from ttc.report.tables import in_order
from ttc.strategies import STRATEGIES

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C6D31")
"""Okabe and Ito's, which colour-blind readers tell apart; two more for many variants."""
GREY = "#555555"
PALE = "#E4E4E4"
PURPLE = COLOURS[6]
MARKER: dict[str, Any] = {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.7}


def colours(strategy_of: Mapping[str, str]) -> dict[str, str]:
    """A colour for each line (a strategy with its settings), by the registry's order of strategies, so that
    all pictures agree; greedy is grey, for the others are compared with it."""
    order = in_order(strategy_of.values(), STRATEGIES)
    lines = sorted(strategy_of, key=lambda line: order.index(strategy_of[line]))  # stable
    searched = [line for line in lines if strategy_of[line] != "greedy"]
    return dict.fromkeys(lines, GREY) | {one: COLOURS[i % len(COLOURS)] for i, one in enumerate(searched)}


def frame(axes: Axes, title: str, below: str, x_label: str) -> None:
    """Accuracy upwards, a title with a line in grey below it, a pale grid."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=22)
    axes.text(0, 1.02, below, transform=axes.transAxes, fontsize=9, color=GREY)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: budget(value)))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(x_label)
    axes.set_ylabel("accuracy")
    axes.grid(color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def to_png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, dpi=150, format="png")
    return out.getvalue()


def save(picture: bytes, target: Path) -> None:
    """Written whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.with_name(f".{target.name}.{os.getpid()}.writing")
    hidden.write_bytes(picture)
    hidden.rename(target)
