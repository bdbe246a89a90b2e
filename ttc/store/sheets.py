"""Tables on their way out of a folder: as CSV, a piece at a time, or into a file of one's own.

A file gets its name once it is whole and on the disk, as in a results folder.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from ttc.store.files import Files
from ttc.store.folder import Folder
from ttc.store.schema import TABLES
from ttc.types import UserError

ROWS = 16_384
"""That are made text, or a group of a Parquet file, at once."""


def sheet(folder: Folder, name: str) -> Iterator[pa.Table]:
    """A folder's table, of parts (paths, steps, ...) or beside them (readout, answers, ...), in pieces.

    Raises:
        UserError: there is none of that name.
    """
    if name not in TABLES and not folder.has(f"{name}.parquet"):
        raise UserError(
            f"table={name}: {folder} has no such table; there is headline, flat, {', '.join(TABLES)}, and "
            "what lies beside these, as readout or answers"
        )
    rows = folder.read(name) if name in TABLES else folder.table(name)
    for start in range(0, max(1, len(rows)), ROWS):
        yield rows.slice(start, ROWS).replace_schema_metadata(None)


def as_csv(pieces: Iterable[pa.Table]) -> Iterator[str]:
    """Text by pieces, with a head; a list is written as JSON, null as nothing."""
    head = False
    for piece in pieces:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        if not head:
            writer.writerow(piece.schema.names)
        head = True
        columns = [map(_cell, column.to_pylist()) for column in piece.columns]
        writer.writerows(zip(*columns, strict=True))
        yield out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return None if isinstance(value, float) and value != value else value


def save_text(place: Path, pieces: Iterable[str]) -> None:
    """Raises:
    UserError: a folder has that name. Unwritable: it cannot be written; then nothing is there.
    """
    files = Files(place.parent)
    files.has(place.name)
    with files.write(place.name) as stream:
        for piece in pieces:
            stream.write(piece.encode())


def save_parquet(place: Path, pieces: Iterable[pa.Table]) -> None:
    """As `save_text`."""
    import pyarrow.parquet as pq

    files, pieces = Files(place.parent), iter(pieces)
    first = next(pieces)
    files.has(place.name)
    with (
        files.write(place.name) as stream,
        pq.ParquetWriter(stream, first.schema, compression="zstd") as writer,
    ):
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece)
