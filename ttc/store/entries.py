"""sweep.json as its readers rely on it. What is in it else is for people."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ttc.store.records import CellRecord
from ttc.store.schema import SCHEMA_VERSION

COLUMNS = {"family", "strategy", "policy", "prm", "dataset"}
"""Of a cell, whatever its strategy."""


@dataclass(frozen=True)
class Settings:
    """Of a launch's, those that other commands read again."""

    readout: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Entry:
    started: str
    status: str
    overrides: list[str]
    config: Settings
    cells: list[CellRecord]
    selections: Mapping[str, list[tuple[str, str, int | None]]]
    versions: Mapping[str, str]
    command: str = "launch"
    revision: str | None = None
    bill: Mapping[str, float | None] | None = None


@dataclass(frozen=True)
class Sweep:
    runs: list[Entry]
    schema: int = SCHEMA_VERSION


_adapter = functools.cache(TypeAdapter)


def fault_of(data: bytes) -> str | None:
    """Where a sweep.json of this version is not as ttc writes it; None: nowhere."""
    try:
        sweep: Sweep = _adapter(Sweep).validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return ".".join(map(str, first["loc"])) + f": {first['msg']}"
    for number, entry in enumerate(sweep.runs):
        for cell in entry.cells:
            if lacking := COLUMNS - cell.columns.keys():
                return f"runs.{number}.cells: {cell.cell} has no {', '.join(sorted(lacking))}"
            if cell.selection not in entry.selections:
                return f"runs.{number}.selections: none is {cell.selection}"
    return None
