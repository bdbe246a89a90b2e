"""What adds entries to registries: rooms, imported by name so that nothing below knows them, and a user's own
files (own.py). Loaded wherever ttc runs: at the door, in every shard and engine, before a readout."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from ttc.settings.own import OwnFile, forget, place_in, run
from ttc.types import Faults, UserError

EXTENSIONS = ("ttc.sal.plug",)

_own: dict[OwnFile, dict[str, list[str]]] = {}
"""The files that are loaded, and what each has added: registry -> names."""


def load(files: Sequence[OwnFile] | None = None) -> None:
    """Imports the rooms, and exactly these files of the user's; None: those that are there stay.

    A second time costs nothing.

    Raises:
        Faults: what is wrong with the files, of all of them; then none is loaded.
    """
    for name in EXTENSIONS:
        importlib.import_module(name)
    if files is None or [*files] == [*_own]:
        return
    while _own:
        forget(*_own.popitem())
    faults: list[str] = []
    for file in files:
        try:
            _own[file] = run(file)
        except UserError as error:
            faults += str(error).splitlines()
    if faults:
        load(())
        raise Faults(faults)


def loaded() -> tuple[OwnFile, ...]:
    return tuple(_own)


def records() -> list[dict[str, Any]]:
    """What sweep.json keeps of each: for people to read, and never run from there."""
    return [
        {"name": file.name, "path": file.path, "content": file.content, "adds": adds, "text": file.text}
        for file, adds in _own.items()
    ]


def added(kind: str) -> list[str]:
    """The names that users' files have added to a registry."""
    return [name for names in _own.values() for name in names.get(kind, ())]


def content_of(kind: str, name: str | None) -> list[str]:
    """The content, for ids, of the user's file that an entry of a registry comes from; none of ttc's own."""
    return [file.content for file, names in _own.items() if name in names.get(kind, ())]


def line_of(error: BaseException) -> str | None:
    """The line of a user's file that raised it, or led to it: `my_search.py, line 12`; None: no such one."""
    return place_in(error, [file.path for file in _own])
