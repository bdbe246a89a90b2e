"""Compute-optimal scaling as a picture: the curve beside the best single strategy, and what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ttc.readout.names import PANEL
from ttc.report.figures import most_chosen
from ttc.report.formats import budget, figures, percent
from ttc.report.pictures import GREY, MARKER, PURPLE, colours, frame, limits, octaves, save, styled
from ttc.report.plots import AXES
from ttc.report.view import sizes
from ttc.store import Folder

LOOKS: dict[str, dict[str, Any]] = {
    "best": {"label": "best single strategy", "color": GREY, "linestyle": (0, (5, 1.5)), "marker": "s"},
    "curve": {"label": "compute-optimal", "color": PURPLE, "linestyle": "-", "marker": "o"},
}


def draw_optimal(folder: Folder, curve: pd.DataFrame, choices: pd.DataFrame) -> None:
    """`optimal`, from the rows of optimal.parquet and optimal_choices.parquet."""
    with styled():
        save(folder, "optimal", plot_optimal(curve, choices))


def plot_optimal(curve: pd.DataFrame, choices: pd.DataFrame) -> Figure:
    """A column per panel: the two curves with their bands, and below what was chosen for each bin and
    budget."""
    parts = [part for _, part in curve.groupby([*PANEL, "problems"], sort=False)]
    width = max(7.0, 1.8 + 1.15 * max(len(part) for part in parts))
    bins = max(part["label"].nunique() for _, part in choices.groupby(PANEL))
    figure = Figure(figsize=(width * len(parts), 4.6 + 0.42 * bins))
    grid = figure.subplots(2, len(parts), squeeze=False, height_ratios=(3.4, 0.42 * bins))
    lines = sorted(choices["candidate"].str.split(" ").str[0].unique().tolist())
    colour_of = colours({line: line.split("+")[0] for line in lines})
    for place, part in enumerate(parts):
        own = choices.merge(part[[*PANEL, "budget"]], on=[*PANEL, "budget"])
        _curves(grid[0, place], part)
        _grid(grid[1, place], own, colour_of)
    figure.tight_layout(h_pad=1.8)
    return figure


def _curves(axes: Axes, rows: pd.DataFrame) -> None:
    first = rows.iloc[0]
    for name, look in LOOKS.items():
        x = rows["curve_cost"] if name == "curve" and first["axis"] == "n" else rows["budget"]
        low, high = rows[f"{name}_low"], rows[f"{name}_high"]
        axes.fill_between(x, low, high, color=look["color"], alpha=0.13, linewidth=0)
        axes.plot(x, rows[name], linewidth=2.2, **look, **MARKER)
    counted = ", cost counted" if first["probe"] else ", cost not counted" * (first["difficulty"] != "level")
    frame(axes)
    axes.set_ylim(
        limits([value for name in LOOKS for end in ("low", "high") for value in rows[f"{name}_{end}"]])
    )
    octaves(axes, [*rows["budget"], *rows["curve_cost"]], rows["budget"].tolist(), most=12)
    axes.set_xlabel(AXES[first["axis"]])
    title = f"{first['dataset']}: policy {first['policy']}, prm {first['prm']}, prompt {first['prompt']}"
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=22)
    below = f"{sizes(rows)}; difficulty: {first['difficulty']}{counted}; two-fold; 95 % intervals"
    axes.text(0, 1.03, below, transform=axes.transAxes, fontsize=8.5, color=GREY)
    axes.legend(loc="lower right")


def _grid(axes: Axes, choices: pd.DataFrame, colour_of: Mapping[str, str]) -> None:
    """A cell per bin and budget, in the colour of the strategy most often chosen, as strong as its share."""
    on_n = choices["axis"].iloc[0] == "n"
    budgets, labels = sorted(set(choices["budget"])), list(dict.fromkeys(choices["label"]))
    top = most_chosen(choices)
    for row in top.to_dict("records"):
        x, y = budgets.index(row["budget"]), labels.index(row["label"])
        words, _, choice = row["candidate"].partition(" ")
        look: dict[str, Any] = {"color": colour_of[words], "alpha": 0.12 + 0.45 * row["share"], "lw": 0}
        axes.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, **look))
        name = words if on_n else f"{words}@{row['n']}"
        axes.text(x, y, f"{name}\n{choice}  {percent(row['share'])}", ha="center", va="center", fontsize=7.5)
    axes.set(xlim=(-0.55, len(budgets) - 0.45), ylim=(len(labels) - 0.45, -0.55))
    axes.set_xticks(range(len(budgets)), [budget(one) for one in budgets])
    size_of = top.drop_duplicates("label").set_index("label")["problems"]
    texts = [
        f"{label}\n{figures(size_of[label])} problem{'' if size_of[label] == 1 else 's'}" for label in labels
    ]
    axes.set_yticks(range(len(labels)), texts, fontsize=9)
    axes.tick_params(length=0)
    axes.set_xlabel(AXES[choices["axis"].iloc[0]])
    axes.set_title("chosen most often, and its share of half-splits", loc="left", fontsize=10)
    axes.spines[:].set_visible(False)
