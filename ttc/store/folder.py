"""The results folder: Parquet parts and their commit, and why nothing in it is ever half-written.

A shard writes a part (one file per table, one name) under names that do not end in .parquet; the driver
renames them, searches/ last: that rename is the commit. A part always has its searches/ file, be it empty.
See docs/design.md, "Commit".
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as File
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ttc.store.schema import COMMIT, KEYS, SCHEMA_VERSION, TABLES, table_schema
from ttc.types import UserError

PART_SECONDS = 30.0
PART_SEARCHES = 64
METADATA = {b"schema": str(SCHEMA_VERSION).encode()}


class PartWriter:
    """One shard's rows on their way into parts. Hands over at 30 s or 64 searches, whichever comes first."""

    def __init__(self, folder: File) -> None:
        self._folder = folder
        self._rows: dict[str, list[Mapping[str, object]]] = {}
        self._outcomes = 0
        self._since = time.monotonic()

    def add(self, rows: Mapping[str, list[dict[str, object]]]) -> None:
        for table, added in rows.items():
            self._rows.setdefault(table, []).extend(added)
        self._outcomes += 1

    @property
    def due(self) -> bool:
        full = self._outcomes >= PART_SEARCHES
        return full or (self._outcomes > 0 and time.monotonic() - self._since >= PART_SECONDS)

    def flush(self, policy_rate: float | None, prm_rate: float | None) -> str | None:
        """Writes what has come in under a temporary name and returns it; None if there is nothing."""
        rows, self._rows = self._rows, {}
        self._outcomes, self._since = 0, time.monotonic()
        if not rows:
            return None
        rates = {"policy_rate": policy_rate, "prm_rate": prm_rate}
        name = uuid.uuid4().hex[:12]
        for table in {*rows, COMMIT}:
            schema = table_schema(table)
            columns = {key: rate for key, rate in rates.items() if key in schema.names}
            filled = [{**row, **columns} for row in rows.get(table, [])]
            write(pa.Table.from_pylist(filled, schema=schema), self._folder / table / f"{name}.tmp")
        return name


def write(table: pa.Table, target: File) -> None:
    """A whole file or none: written under another name, on the disk before it gets its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.with_name(f".{target.name}.writing")
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **METADATA}), hidden)
    with hidden.open("rb+") as file:
        os.fsync(file.fileno())
    hidden.rename(target)


def write_frame(frame: pd.DataFrame, target: File) -> None:
    """`write` for a frame of one's own columns.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        write(pa.Table.from_pandas(frame, preserve_index=False), target)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None


class Store:
    """A results folder held by one driver. Use as a context manager: it holds the folder's lock.

    Raises:
        UserError: another run holds the folder.
    """

    def __init__(self, folder: File) -> None:
        self.folder = folder
        self._parts = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[Store]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / ".lock").open("a+")
        except OSError as error:
            raise UserError(f"results folder {self.folder} cannot be written ({error.strerror})") from None
        with file as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise UserError(f"results folder {self.folder} is in use by {holder}") from None
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%F %T')}")
            lock.flush()
            self._recover()
            yield self

    def _recover(self) -> None:
        """Removes what no commit stands behind: temporary files, parts without their searches/ file."""
        committed = {file.name for file in (self.folder / COMMIT).glob("*.parquet")}
        for table in TABLES:
            for file in (self.folder / table).glob("*"):
                if file.suffix != ".parquet" or file.name not in committed:
                    file.unlink()
        self._parts = max((int(name.split("-")[0]) for name in committed), default=0)

    def commit(self, name: str) -> None:
        """Renames the part's files, searches/ last. Part names sort in the order of their commits."""
        self._parts += 1
        for table in [*(table for table in TABLES if table != COMMIT), COMMIT]:
            hidden = self.folder / table / f"{name}.tmp"
            if hidden.exists():
                hidden.rename(hidden.with_name(f"{self._parts:06d}-{name}.parquet"))

    @property
    def commits(self) -> int:
        """How many parts were ever committed here: parts above an older value are newer."""
        return self._parts


def read(folder: File, table: str, columns: Sequence[str] | None = None, after: int = 0) -> pa.Table:
    """All committed rows of a table, of parts after number `after`; of rows with one key the latest.

    Args:
        columns: only these (and the table's key).
    """
    committed = sorted(file.name for file in (folder / COMMIT).glob("*.parquet"))
    files = [folder / table / name for name in committed if int(name.split("-")[0]) > after]
    schema = table_schema(table)
    if columns is not None:
        wanted = {*columns, *KEYS[table]}
        schema = pa.schema([field for field in schema if field.name in wanted])
    parts = [_part(file, schema) for file in files if file.exists()]
    return _latest(pa.concat_tables(parts), KEYS[table]) if parts else schema.empty_table()


def _part(file: File, schema: pa.Schema) -> pa.Table:
    """A part's columns; those that an older version did not write are nulls."""
    held = pq.read_schema(file).names
    part = pq.read_table(file, columns=[name for name in schema.names if name in held])
    columns = [
        part[field.name].cast(field.type)
        if field.name in part.column_names
        else pa.nulls(len(part), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _latest(rows: pa.Table, key: tuple[str, ...]) -> pa.Table:
    position = pa.array(range(len(rows)))
    last = (
        rows.select(key)
        .append_column("position", position)
        .group_by(list(key))
        .aggregate([("position", "max")])
    )
    if len(last) == len(rows):
        return rows
    return rows.take(pc.take(last["position_max"], pc.sort_indices(last["position_max"])))


def load_runs(folder: File) -> list[dict[str, Any]]:
    """sweep.json's launches, oldest first; none where there is no file."""
    file = folder / "sweep.json"
    return json.loads(file.read_text())["runs"] if file.exists() else []


def save_runs(folder: File, runs: list[dict[str, Any]]) -> None:
    write_text(
        folder / "sweep.json", json.dumps({"schema": SCHEMA_VERSION, "runs": runs}, indent=1, default=str)
    )


def write_text(target: File, text: str) -> None:
    hidden = target.with_name(f".{target.name}.writing")
    hidden.write_text(text)
    hidden.rename(target)
