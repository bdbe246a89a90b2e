"""Accuracy against generated tokens: a line per strategy, variant and vote, each with its band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from ttc.readout.votes import VOTES, Vote, majority
from ttc.report.pictures import GREY, MARKER, colours, frame, to_png
from ttc.report.tables import in_order
from ttc.report.view import name, panels, shown, sizes

UNKNOWN = Vote(majority)
"""What a stored vote is drawn as that no registry has any more."""


def plot_accuracy(rows: pd.DataFrame) -> bytes:
    """Draws rows of readout.parquet as a PNG: a panel per policy, prm, dataset and prompt."""
    parts = panels(shown(rows[rows["accuracy"].notna()]))
    columns = min(2, max(1, len(parts)))
    lines = -(-len(parts) // columns) or 1
    figure = Figure(figsize=(8.6 * columns, 5.4 * lines))
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes, (title, part) in zip(grid.flat, parts, strict=False):
        _panel(axes, title, part)
    for axes in list(grid.flat)[len(parts) :]:
        axes.set_visible(False)
    figure.tight_layout()
    return to_png(figure)


def _panel(axes: Axes, title: str, rows: pd.DataFrame) -> None:
    strategy_of = dict(zip(map(name, rows["strategy"], rows["variant"]), rows["strategy"], strict=True))
    colour_of = colours(strategy_of)
    starts = rows[(rows["strategy"] == "best_of_n") & (rows["n"] == 1)]
    for (strategy, variant, vote), line in rows.groupby(["strategy", "variant", "vote"], sort=False):
        label = name(strategy, variant)
        if strategy == "greedy":
            if line["headline"].any():
                _point(axes, line.iloc[0], label)
            continue
        shared = starts[:0] if strategy == "best_of_n" else _start(starts, variant, vote)
        points = pd.concat([shared, line]).sort_values("generated_tokens")
        x, colour = points["generated_tokens"], colour_of[label]
        look, band = _style(str(vote), bool(line["headline"].any()))
        axes.fill_between(x, points["accuracy_low"], points["accuracy_high"], color=colour, alpha=band, lw=0)
        axes.plot(x, points["accuracy"], color=colour, **look, **MARKER, zorder=2 + look["alpha"])
    _label(axes, title, rows)
    searches = rows[rows["strategy"] != "greedy"]
    headlines = set(searches.loc[searches["headline"], "vote"])
    searched = {line: colour for line, colour in colour_of.items() if strategy_of[line] != "greedy"}
    _legend(axes, searched, in_order(rows["vote"], VOTES), headlines)


def _start(starts: pd.DataFrame, variant: Any, vote: Any) -> pd.DataFrame:
    """The n = 1 cell that a line starts at: the one that shares most of its settings and has none beside."""
    words = set(variant.split())
    fitting = [i for i, other in enumerate(starts["variant"]) if set(other.split()) <= words]
    same_vote = [i for i in fitting if starts["vote"].iloc[i] == vote]
    return starts.iloc[sorted(same_vote, key=lambda i: len(starts["variant"].iloc[i].split()))[-1:]]


def _point(axes: Axes, row: pd.Series, label: str) -> None:
    """Greedy: one path, so one point, with a thin line to compare by."""
    axes.axhline(row["accuracy"], color=GREY, linewidth=0.7, linestyle=(0, (1, 3)), zorder=1)
    low, high = row["accuracy"] - row["accuracy_low"], row["accuracy_high"] - row["accuracy"]
    at = (row["generated_tokens"], row["accuracy"])
    look: dict[str, Any] = {"fmt": "D", "markersize": 5, "linewidth": 1, "zorder": 4}
    axes.errorbar(at[:1], at[1:], yerr=[[low], [high]], color=GREY, **look)
    axes.annotate(label, at, xytext=(7, -11), textcoords="offset points", color=GREY, fontsize=9)


def _label(axes: Axes, title: str, rows: pd.DataFrame) -> None:
    aggs = rows["agg"].dropna()
    reading = f"subset {rows['subset'].iloc[0]}" + (f", aggregation {aggs.iloc[0]}" if len(aggs) else "")
    if (rows["generated_tokens"] > 0).any():  # all problems too long: nothing was generated
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(LogLocator(base=2, numticks=20))
    below = f"{sizes(rows)}; {reading}; bands: 95 % intervals"
    frame(axes, title, below, "generated tokens per problem")
    low, high = rows["accuracy_low"].min(), rows["accuracy_high"].max()
    axes.set_ylim(max(0, low - 0.03), min(1.015, high + 0.03))


def _style(name: str, headline: bool) -> tuple[dict[str, Any], float]:
    """The look of a vote's line and how strong its band is: the declared vote stands out; every other is
    exploratory and thinner, an upper bound faint."""
    vote = VOTES.get(name, UNKNOWN)
    width, alpha, band = 1.5, 0.85, 0.05
    if headline:
        width, alpha, band = 2.3, 1.0, 0.11
    elif vote.upper_bound:
        width, alpha, band = 1.1, 0.4, 0.03
    return {"linestyle": vote.dash, "marker": vote.marker, "linewidth": width, "alpha": alpha}, band


def _legend(axes: Axes, colours: dict[str, str], votes: Sequence[str], headlines: set[str]) -> None:
    """Colour says strategy, the kind of line says vote."""
    strategies = [Line2D([], [], color=colour, linewidth=2.6, label=line) for line, colour in colours.items()]
    kinds = []
    for vote in votes:
        look, _ = _style(vote, vote in headlines)
        label = f"{vote} (headline)" if vote in headlines else vote
        label = f"{vote} (upper bound)" if VOTES.get(vote, UNKNOWN).upper_bound else label
        look["alpha"] = max(look["alpha"], 0.6)
        kinds.append(Line2D([], [], color=GREY, label=label, markersize=5, **look))
    place: dict[str, Any] = {"loc": "upper left", "frameon": False, "alignment": "left"}
    place |= {"fontsize": 9, "title_fontsize": 9}
    axes.add_artist(axes.legend(handles=strategies, title="strategy", bbox_to_anchor=(1.01, 1.0), **place))
    below = 1.0 - 0.055 * (len(strategies) + 2.2)
    axes.legend(handles=kinds, title="vote", bbox_to_anchor=(1.01, below), handlelength=3.2, **place)
