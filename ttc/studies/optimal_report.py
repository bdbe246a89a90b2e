"""Compute-optimal scaling as a person sees it: the curve and the choices as tables, and the picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter
from rich.console import Console
from rich.text import Text

from ttc.readout.view import PANEL, STRATEGIES, sizes
from ttc.report.looks import make_table, points, show, signed, signed_span, span
from ttc.report.plots import COLOURS, GREY
from ttc.stats.two_fold import SMALL
from ttc.studies.candidates import Study

CURVE, CHOICES = "optimal", "optimal_choices"
PURPLE = COLOURS[6]
SHOWN = 3
"""Choices of a bin that a line of the table has room for."""
AXES = {
    "n": "n, paths per problem",
    "generated_tokens": "generated tokens per problem",
    "policy_tokens": "policy tokens per problem",
    "flops": "FLOPs per problem",
    "seconds": "GPU-seconds per problem",
}


def print_study(
    study: Study, curve: pd.DataFrame, choices: pd.DataFrame, notes: Sequence[str], console: Console
) -> None:
    """The curve beside the best single strategy, then what was chosen where."""
    first = curve.iloc[0]
    on_n = first["axis"] == "n"
    title = f"{study.title} ({sizes(curve)}, subset {first['subset']})"
    figures = ["candidates", "compute-optimal", "95 % interval", "best single", "95 % interval"]
    figures += ["difference", "95 % interval", *([] if on_n else ["spent", "spent, single"])]
    table = make_table(title, [first["axis"].replace("_", " ")], figures)
    for row in curve.to_dict("records"):
        cells = [amount(row["budget"]) + (f" + {amount(row['probe'])}" if row["probe"] and on_n else "")]
        cells += [str(row["candidates"]), points(row["curve"]), span(row["curve_low"], row["curve_high"])]
        cells += [points(row["best"]), span(row["best_low"], row["best_high"])]
        cells += [signed(row["difference"])]
        cells += [signed_span(row["difference_low"], row["difference_high"])]
        cells += [] if on_n else [amount(row["curve_cost"]), amount(row["best_cost"])]
        table.add_row(*cells)
    show(table, console)
    folded = _choices(choices, on_n, console)
    sizes_of = choices.dropna(subset="bin").drop_duplicates("label")
    told = (
        f"{label}: {size:.3g}" for label, size in zip(sizes_of["label"], sizes_of["problems"], strict=True)
    )
    lines = [f"Problems of {', '.join(told)}."] if folded else []
    console.print(Text("\n".join([*lines, *notes]), style="dim"))


def _choices(choices: pd.DataFrame, on_n: bool, console: Console) -> bool:
    """Prints what was chosen where; True: bins that never choose for themselves were folded into one line."""
    axis = choices["axis"].iloc[0].replace("_", " ")
    table = make_table("what was chosen (share of half-splits)", [axis, "bin"], ["problems"], ["choices"])
    folded = False
    for budget, block in choices.groupby("budget", sort=True):
        head = amount(float(str(budget)))
        small = block[block["too_small"] == 1].drop_duplicates("label")
        for label, part in block[block["too_small"] < 1].groupby("label", sort=False):
            if len(small) and part["bin"].isna().all():
                told = f"fewer than {SMALL} in the choosing half: as all bins"
                table.add_row(head, f"{len(small)} bins", f"{small['problems'].sum():.3g}", told)
                head, folded = "", True
            chosen = [
                f"{_named(row, on_n)} {row['share']:.0%}" for row in part.head(SHOWN).to_dict("records")
            ]
            more = f", {len(part) - SHOWN} more" if len(part) > SHOWN else ""
            table.add_row(head, str(label), f"{part['problems'].iloc[0]:.3g}", ", ".join(chosen) + more)
            head = ""
        table.add_section()
    show(table, console)
    return folded


def _named(row: dict[Any, Any], on_n: bool) -> str:
    """`beam best/min`, on an axis of cost `beam@16 best/min`."""
    words, _, choice = row["candidate"].partition(" ")
    return f"{words} {choice}" if on_n else f"{words}@{row['n']} {choice}"


def amount(value: float) -> str:
    """Three figures and k, M, G, T."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if abs(value) >= size * 0.9995:
            return f"{value / (1000 if unit == 'k' else size):.3g}{unit}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


# --- The picture -----------------------------------------------------------------------------------------


def plot_optimal(curve: pd.DataFrame, choices: pd.DataFrame, target: Path) -> None:
    """A column per panel: the two curves with their bands, and below what was chosen for each bin and budget.
    Written whole."""
    keys = [*PANEL, "problems"]
    parts = [part for _, part in curve.groupby(keys, sort=False)]
    figure, grid = plt.subplots(
        *(2, len(parts)),
        figsize=(max(8.6, 2 + 1.25 * max(len(part) for part in parts)) * len(parts), 8.2),
        squeeze=False,
        height_ratios=(1.35, 1),
    )
    colours = _colours(choices["candidate"].str.split(" ").str[0].unique().tolist())
    for column, part in enumerate(parts):
        own = choices.merge(part[[*PANEL, "budget"]], on=[*PANEL, "budget"])
        _curves(grid[0, column], part)
        _grid(grid[1, column], own, colours)
    figure.tight_layout(h_pad=2.5)
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.with_name(f".{target.name}.{os.getpid()}.writing")
    figure.savefig(hidden, dpi=150, format="png")
    plt.close(figure)
    hidden.rename(target)


def _colours(lines: Sequence[str]) -> dict[str, str]:
    """As in the plot of accuracies: by registry, greedy grey."""
    ranks = {name: rank for rank, name in enumerate(STRATEGIES)}
    order = sorted(lines, key=lambda line: (ranks.get(line.split("+")[0], len(ranks)), line))
    searched = [line for line in order if not line.startswith("greedy")]
    return dict.fromkeys(order, GREY) | {line: COLOURS[i % len(COLOURS)] for i, line in enumerate(searched)}


def _curves(axes: Axes, rows: pd.DataFrame) -> None:
    lines = (
        ("best", "best single strategy", GREY, (0, (5, 1.5)), "s"),
        ("curve", "compute-optimal", PURPLE, "-", "o"),
    )
    for name, label, colour, dash, marker in lines:
        x = rows["curve_cost"] if name == "curve" and rows["axis"].iloc[0] == "n" else rows["budget"]
        axes.fill_between(x, rows[f"{name}_low"], rows[f"{name}_high"], color=colour, alpha=0.11, lw=0)
        axes.plot(x, rows[name], color=colour, linestyle=dash, marker=marker, linewidth=2.2, label=label)
        axes.lines[-1].set(markeredgecolor="white", markeredgewidth=0.7, markersize=6)
    first = rows.iloc[0]
    axes.set_title(
        f"{first['dataset']}: policy {first['policy']}, prm {first['prm']}, prompt {first['prompt']}",
        loc="left",
        fontsize=11,
        fontweight="bold",
        pad=22,
    )
    counted = (
        "" if first["difficulty"] == "level" else ", cost counted" if first["probe"] else ", cost not counted"
    )
    axes.text(
        *(0, 1.02),
        f"{sizes(rows)}; difficulty: {first['difficulty']}{counted}; two-fold; bands: 95 % intervals",
        transform=axes.transAxes,
        fontsize=9,
        color=GREY,
    )
    axes.set_xscale("log", base=2)
    axes.set_xticks(rows["budget"].tolist())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value)))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(AXES[first["axis"]])
    axes.set_ylabel("accuracy")
    axes.grid(color="#E4E4E4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False, fontsize=9)


def _grid(axes: Axes, choices: pd.DataFrame, colours: dict[str, str]) -> None:
    """A cell per bin and budget, in the colour of the strategy most often chosen, as strong as its share."""
    on_n = choices["axis"].iloc[0] == "n"
    budgets, labels = sorted(set(choices["budget"])), list(dict.fromkeys(choices["label"]))
    top = choices.drop_duplicates(["budget", "label"])  # the rows of a bin come by share
    for row in top.to_dict("records"):
        x, y = budgets.index(row["budget"]), labels.index(row["label"])
        words, _, choice = row["candidate"].partition(" ")
        axes.add_patch(
            Rectangle(
                (x - 0.47, y - 0.45), 0.94, 0.9, color=colours[words], alpha=0.12 + 0.45 * row["share"], lw=0
            )
        )
        name = words if on_n else f"{words}@{row['n']}"
        axes.text(x, y, f"{name}\n{choice}  {row['share']:.0%}", ha="center", va="center", fontsize=8)
    axes.set(xlim=(-0.55, len(budgets) - 0.45), ylim=(len(labels) - 0.45, -0.55))
    axes.set_xticks(range(len(budgets)), [amount(budget) for budget in budgets])
    sizes = top.drop_duplicates("label")["problems"]
    axes.set_yticks(
        range(len(labels)),
        [f"{label}\n{size:.3g} problems" for label, size in zip(labels, sizes, strict=True)],
        fontsize=9,
    )
    axes.tick_params(length=0)
    axes.set_xlabel(AXES[choices["axis"].iloc[0]])
    axes.set_title("chosen most often, and its share of half-splits", loc="left", fontsize=10)
    axes.spines[:].set_visible(False)
