"""`ttc check FOLDER` and `ttc compact FOLDER`: are the files whole, and are there fewer of them to be had?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from ttc.commands import DONE, FAILED
from ttc.report.console import say, show
from ttc.report.formats import counted
from ttc.report.tables import Table, column
from ttc.store import DAMAGED, Folder
from ttc.types import Faults, UserError

DAMAGES = (column("part", "text", "part"), column("fault", "text", "fault"))


def check(folder: Folder, words: Sequence[str], console: Console) -> int:
    """Reads every byte of every part; returns the exit code. Nothing is changed.

    Raises:
        UserError: no results there, or another version's folder.
    """
    _refuse("check", folder, words)
    parts = list(folder.check())
    rows: list[dict[str, Any]] = [{"part": name, "fault": fault} for name, own in parts for fault in own]
    if not rows:
        say(console, f"{folder}: {counted(len(parts), 'part')}, all as they were written")
        return DONE
    damaged = sum(bool(own) for _, own in parts)
    title = f"{folder}: {damaged} of {counted(len(parts), 'part')} damaged"
    notes = [
        "The line that filled the folder sets them aside, keeps all else, and does their searches again."
    ]
    show(Table("damages", DAMAGES, rows, title, notes), console)
    return FAILED


def compact(folder: Folder, words: Sequence[str], console: Console) -> None:
    """Merges small parts into larger ones. Readers may go on meanwhile, a sweep may not.

    Raises:
        UserError: no results there, or the folder is in use.
    """
    _refuse("compact", folder, words)
    with folder.held():
        tell_damages(folder, console)
        before, after = folder.compact()
    say(console, f"{folder}: {counted(before, 'part')} before, {after} now")


def tell_damages(folder: Folder, console: Console) -> None:
    """What was set aside when the folder was held."""
    for damage in folder.damages:
        say(console, f"set aside in {DAMAGED}/, and the line that filled the folder does it again: {damage}")


def _refuse(command: str, folder: Folder, words: Sequence[str]) -> None:
    if faults := [f"{word}: {command} takes a results folder and nothing else" for word in words]:
        raise Faults(faults)
    if folder.empty:
        raise UserError(f"{folder}: no results here (no searches/)")
