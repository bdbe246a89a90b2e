"""`ttc export FOLDER [table=...] [out=FILE]`: a folder's tables for a paper, a spreadsheet, a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ttc.commands.settings import ExportSettings
from ttc.readout import readout_config
from ttc.readout.flat import flat
from ttc.report.console import Console, keep_tables, kept, relative, show
from ttc.report.summary import print_readout
from ttc.report.tables import RENDERINGS, Table, column
from ttc.settings.build import read
from ttc.store import Folder
from ttc.store.sheets import as_csv, save_parquet, save_text, sheet
from ttc.types import UserError, place_of

FORMS = {".csv": "csv", ".parquet": "parquet", ".md": "markdown", ".tex": "latex", ".json": "json"}
"""A file's ending -> what is written."""


def export(folder: Folder, words: Sequence[str], console: Console) -> None:
    """Writes a table into `out`, or shows the headline, or prints another table as CSV.

    Raises:
        UserError: no results there, no such table, or a file that cannot hold it.
    """
    settings = read(ExportSettings, words)
    if folder.empty:
        raise UserError(f"{folder}: no results here (no searches/)")
    place, form = _place(folder, settings)
    if settings.table == "headline":
        if place is None:
            _print_headline(folder, console)
            return
        with keep_tables() as tables:
            _print_headline(folder, console)
        save_text(place, [RENDERINGS[form](tables)])
    else:
        named = settings.table
        pieces = flat(folder, readout_config(folder)) if named == "flat" else sheet(folder, named)
        if place is None and not kept():
            sys.stdout.writelines(as_csv(pieces))
            return
        if place is None:
            show(_table(named, pieces), console)
            return
        if form == "parquet":
            save_parquet(place, pieces)
        else:
            save_text(place, as_csv(pieces) if form == "csv" else [RENDERINGS[form]([_table(named, pieces)])])
    written = {"table": settings.table, "folder": str(folder), "file": relative(place)}
    show(Table("export", WRITTEN, [written]), console)


def _place(folder: Folder, settings: ExportSettings) -> tuple[Path | None, str]:
    """Where to write, and in what form; None: on stdout."""
    if settings.out is None:
        return None, ""
    place = place_of(settings.out)
    form = FORMS.get(place.suffix.lower(), "")
    if not form:
        raise UserError(f"out={settings.out}: its ending says the form; take one of {', '.join(FORMS)}")
    if place.resolve().is_relative_to(folder.local().resolve()):
        raise UserError(
            f"out={settings.out}: lies in the results folder, whose files are ttc's; take another place"
        )
    if settings.table == "headline" and form == "parquet":
        raise UserError(f"out={settings.out}: the headline is for people; its Parquet is table=readout")
    return place, form


def _print_headline(folder: Folder, console: Console) -> None:
    rows = folder.frame("readout")
    print_readout(rows[rows["headline"]], console, vars(readout_config(folder).doubts))


def _table(name: str, pieces: Iterable[Any]) -> Table:
    """All of it as Python's own: for a table that is not large."""
    rows = [row for piece in pieces for row in piece.to_pylist()]
    return Table(name, [column(key, "text", key) for key in rows[0]] if rows else [], rows)


WRITTEN = (
    column("table", "text", "table"),
    column("of", "text", "folder"),
    column("written to", "text", "file"),
)
