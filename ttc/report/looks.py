"""How the commands' tables look."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

WIDEST = 1000


def make_table(title: str, words: Sequence[str], figures: Sequence[str], tail: Sequence[str] = ()) -> Table:
    """Columns of words (left), then of figures (right), then of words again."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1), pad_edge=False
    )
    for columns, justify in ((words, "left"), (figures, "right"), (tail, "left")):
        for column in columns:
            table.add_column(column, justify="right" if justify == "right" else "left", no_wrap=True)
    return table


def show(table: Table, console: Console, notes: Sequence[str] = ()) -> None:
    """The whole table: a pipe counts as 80 columns, the table keeps its own all the same."""
    table.width = Measurement.get(console, console.options.update(max_width=WIDEST), table).maximum
    console.print(table, crop=False)
    if notes:
        console.print(Text("\n".join(notes), style="dim"))


def points(accuracy: float) -> str:
    return f"{100 * accuracy:.1f}"


def span(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"


def signed_span(low: float, high: float) -> str:
    return f"{signed(low)} to {signed(high)}"


def signed(difference: float) -> str:
    """In points; what is 0 but for rounding is not told as -0.0."""
    return f"{round(100 * difference, 9) + 0.0:+.1f}"
