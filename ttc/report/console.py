"""What a person sees: plain lines off a terminal, faults on stderr; and the tables, kept for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table as Drawing
from rich.text import Text

from ttc.report.formats import visible
from ttc.report.tables import Table

LONG = 2000
"""Characters of a fault that are shown."""

_kept: ContextVar[list[Table] | None] = ContextVar("kept", default=None)


def make_console() -> Console:
    terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not terminal, width=None if terminal else 100)


def relative(path: Path) -> str:
    """As it is typed from here, where it lies below."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def refuse(error: object) -> None:
    """Every fault on a line of its own, on stderr. What a user typed may be anything: no control characters
    of it go to a terminal, and of what is endless only the ends."""
    for line in str(error).splitlines():
        text = visible(line)
        if len(text) > LONG:
            text = f"{text[: LONG // 2]} ... {text[-LONG // 2 :]}"
        print(f"error: {text}", file=sys.stderr)


def say(console: Console, text: str, bold: str = "") -> None:
    """A line as it is, whatever brackets are in it; `bold` stands before it."""
    console.print(Text.assemble((bold, "bold"), text))


def show(table: Table, console: Console, indent: str = "", instead: RenderableType | None = None) -> None:
    """Prints the table with its title and notes, or keeps it where tables are kept.

    A pipe counts as 80 columns; the table has its own width all the same. `instead`: what a person is shown
    in the table's place.
    """
    if (kept := _kept.get()) is not None:
        kept.append(table)
        return
    if table.title:
        console.print(Text(table.title, style="bold"))
    drawing = _drawn(table) if instead is None else _alone(instead)
    drawing.width = Measurement.get(console, console.options.update(max_width=1000), drawing).maximum
    console.print(drawing, crop=False)
    if table.notes:
        console.print(Text("\n".join(indent + note for note in table.notes), style="dim"))


def _drawn(table: Table) -> Drawing:
    drawing = Drawing(box=None, padding=(0, 1), collapse_padding=table.tight, pad_edge=False)
    for head, right in zip(table.heads, table.right, strict=True):
        drawing.add_column(Text(head), justify="right" if right else "left", no_wrap=True)
    for row, texts in zip(table.rows, table.lines(), strict=True):
        dim = table.bright is not None and not row[table.bright]
        drawing.add_row(*map(Text, texts), style="dim" if dim else None)
    return drawing


def _alone(content: RenderableType) -> Drawing:
    """It may be wider than the terminal, as a table may."""
    drawing = Drawing.grid()
    drawing.add_column(no_wrap=True)
    drawing.add_row(content)
    return drawing


@contextmanager
def keep_tables() -> Iterator[list[Table]]:
    """Tables that are shown inside are kept in the list instead: for the renderings of tables.py."""
    tables: list[Table] = []
    token = _kept.set(tables)
    try:
        yield tables
    finally:
        _kept.reset(token)


def kept() -> bool:
    """Tables are kept for a program: nothing else is to go to stdout."""
    return _kept.get() is not None


@contextmanager
def redirect(stream: int, to: int) -> Iterator[None]:
    """What is written to a file descriptor goes to another, also of other processes, such as engines."""
    kept = os.dup(stream)
    try:
        os.dup2(to, stream)
        yield
    finally:
        os.dup2(kept, stream)
        os.close(kept)
