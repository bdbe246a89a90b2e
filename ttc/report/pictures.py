"""What all pictures share: their style, colours and axes, and a figure as a PNG and an SVG."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ttc.readout.votes import VOTES, Vote, majority
from ttc.report.formats import budget, setting
from ttc.report.tables import in_order
from ttc.store import Folder
from ttc.strategies import STRATEGIES

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C6D31")
"""Of strategies: Okabe and Ito's, which colour-blind readers tell apart; two more for many variants."""
VOTE_COLOURS = ("#5E3C99", "#C98A00", "#2A9BD6", "#D4759F", "#4D7A3A")
"""Of votes, where a panel has one strategy: none of them is a strategy's."""
BLACK = "#222222"
GREY = "#555555"
PALE = "#E4E4E4"
PURPLE = COLOURS[6]
MARKER: dict[str, Any] = {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.7}
STYLE: Any = {
    **{"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"]},
    **{"font.size": 9, "axes.labelsize": 9.5, "axes.labelcolor": BLACK},
    **{"axes.edgecolor": "#888888", "xtick.color": "#888888", "ytick.color": "#888888"},
    **{"xtick.labelcolor": BLACK, "ytick.labelcolor": BLACK, "xtick.major.size": 3},
    **{"ytick.major.size": 0, "lines.solid_capstyle": "round", "legend.frameon": False},
    "text.parse_math": False,  # a dollar in a name is a dollar
    **{"svg.fonttype": "none", "svg.hashsalt": "ttc"},  # text stays text; equal figures are equal files
}
"""Letters are DejaVu Sans, which comes with matplotlib; where an SVG is shown without it, the next one."""

UNKNOWN = Vote(majority)
"""What a stored vote is drawn as that no registry has any more."""


@contextmanager
def styled() -> Iterator[None]:
    """Figures that are made and saved inside look alike on every machine, whatever its matplotlibrc says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font")  # a name may be in any script
        yield


def colours(strategy_of: Mapping[str, str]) -> dict[str, str]:
    """A colour for each line (a strategy with its settings): that of the strategy's place in the registry for
    its first line, so that all pictures agree; the others follow. Where another line of the picture has it,
    the next one that is free: strategies are more than colours. Greedy is grey, to compare by."""
    known = [one for one in STRATEGIES if one != "greedy"]
    order = in_order(strategy_of.values(), STRATEGIES)
    lines = sorted(strategy_of, key=lambda line: order.index(strategy_of[line]))  # stable
    searched = [line for line in lines if strategy_of[line] != "greedy"]
    first = {strategy_of[line]: line for line in reversed(searched)}
    places = {first[one]: place for place, one in enumerate(known) if one in first}
    others = [line for line in searched if line not in places]
    places |= {line: place for place, line in enumerate(others, start=len(known))}
    found: dict[str, str] = {}
    for line in sorted(places, key=lambda line: places[line]):
        turned = [COLOURS[(places[line] + i) % len(COLOURS)] for i in range(len(COLOURS))]
        found[line] = next((colour for colour in turned if colour not in found.values()), turned[0])
    return {line: found.get(line, GREY) for line in lines}


def vote_colours(votes: Sequence[str]) -> dict[str, str]:
    """The same for votes: upper bounds are grey."""
    order = in_order([*VOTES, *votes], VOTES)
    chosen = [vote for vote in order if not VOTES.get(vote, UNKNOWN).upper_bound]
    found = {vote: VOTE_COLOURS[i % len(VOTE_COLOURS)] for i, vote in enumerate(chosen)}
    return {vote: found.get(vote, GREY) for vote in votes}


def frame(axes: Axes, labelled: bool = True, ticks: int = 9) -> None:
    """Accuracy upwards in percent, a pale grid."""
    axes.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{setting(100 * value)}%"))
    axes.tick_params(labelleft=labelled)
    if labelled:
        axes.set_ylabel("accuracy")
    axes.grid(color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def limits(values: Sequence[float]) -> tuple[float, float]:
    """Of the scale of accuracy: all values, and a little room."""
    low, high = min(values), max(values)
    pad = max(0.02, 0.04 * (high - low))
    # What is all right or all wrong is seen, and no tick stands beyond it.
    edge = 0.03 * (high - low + 2 * pad)
    return max(-edge, low - pad), min(1 + edge, high + pad)


def octaves(axes: Axes, values: Sequence[float], ticks: Sequence[float] = (), most: int = 9) -> None:
    """A budget to the right, by factors around the values; labelled at `ticks`, if these are not more than
    `most`."""
    seen = [value for value in values if value > 0]
    if seen:  # else nothing was generated: all problems were too long
        pad = 2 ** max(0.25, 1.6 - math.log2(max(seen) / min(seen)))  # one point has room on both sides, too
        axes.set_xscale("log", base=2)
        axes.set_xlim(min(seen) / pad, max(seen) * pad)
        decades = math.log10(max(seen) / min(seen)) + 1
        if max(seen) > 1e6:  # 64, 128, 256 are numbers that people know; 537M and 1.07G are not
            marks: Any = {"base": 10, "subs": (1, 2, 5) if 3 * decades <= most else (1,)}
        else:
            marks = {"base": 2}
        axes.xaxis.set_major_locator(LogLocator(**marks, numticks=most))
        if 0 < len(ticks) <= most:
            axes.set_xticks(list(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: budget(value)))


def save(folder: Folder, name: str, figure: Figure) -> None:
    """`plots/name.png` and `plots/name.svg`; call it inside `styled`."""
    for text in figure.findobj(Text):  # a name may be anything: marks that turn a line around are no letters
        said = text.get_text()
        text.set_text("".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in said))
    folder.write_bytes(f"plots/{name}.png", to_png(figure))
    folder.write_bytes(f"plots/{name}.svg", to_svg(figure))


def to_png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, dpi=200, format="png")
    return out.getvalue()


def to_svg(figure: Figure) -> bytes:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue().encode()
