"""The searches that have failed, by their fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ttc.report.console import relative, show
from ttc.report.formats import counted
from ttc.report.tables import Table, column
from ttc.run.launch import Failure
from ttc.run.launch_log import kind_of_fault

COLUMNS = (
    column("fault", "text", "fault", fold=True),
    column("times", "count", "times"),
    column("first of", "text", "search"),
    column("log", "text", "log"),
)


def show_failures(console: Console, failed: Sequence[Failure]) -> None:
    """A line for each kind of fault, the most frequent first; nothing where none is."""
    kinds: dict[str, list[Failure]] = {}
    for one in failed:
        kinds.setdefault(kind_of_fault(one.reason), []).append(one)
    rows: list[dict[str, Any]] = [
        {
            "fault": own[0].reason,
            "times": len(own),
            "search": own[0].search,
            "log": relative(Path(own[0].log)) if own[0].log else None,
        }
        for own in sorted(kinds.values(), key=len, reverse=True)
    ]
    if rows:
        notes = ("The same line tries them again.",)
        show(Table("failures", COLUMNS, rows, f"{counted(len(failed), 'search(es)')} failed", notes), console)
