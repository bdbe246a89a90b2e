"""The results folder: its tables, parts and their commit, and why nothing in it is ever half-written.

A shard writes a part (one file per table, one name) under names that do not end in .parquet; the driver
renames them, searches/ last: that rename is the commit. A part always has its searches/ file, be it empty.
See docs/design.md, "Commit".
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ttc.store.files import Files
from ttc.store.schema import (
    COMMIT,
    KEYS,
    SCHEMA_VERSION,
    TABLES,
    UNALIKE,
    CellRecord,
    table_schema,
    unite_cells,
)
from ttc.types import UserError

if TYPE_CHECKING:
    import pandas as pd

METADATA = {b"schema": str(SCHEMA_VERSION).encode()}
RUNS = "sweep.json"


@dataclass(frozen=True)
class Part:
    """Rows written and not yet committed: a file in each of `tables`, searches/ among them."""

    name: str
    tables: tuple[str, ...]


class Folder:
    """A results folder, by its path; making one does no I/O. It goes to other processes as it is.

    Reading never waits and sees committed rows only. Every method that reads raises UserError where another
    version wrote the folder, every one that writes where it cannot be written.
    """

    def __init__(self, where: str | Path) -> None:
        self._files = Files(where)
        self._parts: int | None = None
        self._known = False

    def __str__(self) -> str:
        return self._files.where

    @property
    def name(self) -> str:
        return self.local().name

    @property
    def empty(self) -> bool:
        """Nothing was ever committed here."""
        self._check()
        return not self._committed()

    def local(self, *parts: str) -> Path:
        """A place for files of other processes (logs), which cannot come through here."""
        return Path(self._files.root, *parts)

    # --- Rows ----------------------------------------------------------------------------------------------

    def read(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        after: int = 0,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        """Committed rows of a table, of parts after number `after`; of rows with one key the latest.

        Columns that the parts lack (a parameter that came later) are nulls.

        Args:
            columns: only these (and the table's key).
            where: only such rows. It is asked before the latest is taken: of columns that rows of one key
                share, such as family or problem_key.
        """
        names = table_schema(table).names if columns is None else [*columns, *KEYS[table]]
        return _latest(self.read_all(table, names, after, where), KEYS[table])

    def read_all(
        self, table: str, columns: Sequence[str], after: int = 0, where: pc.Expression | None = None
    ) -> pa.Table:
        """As `read`, but of rows with one key all, and the key only where it is asked for: a million rows
        take a tenth of the memory."""
        self._check()
        whole = table_schema(table)
        chosen = [name for name in whole.names if name in {*columns}]
        there = set(self._files.list(table))
        parts = [name for name in self._committed() if _number(name) > after and name in there]
        if not parts:  # and not schema.empty_table(), which loads pandas
            return pa.Table.from_batches([], pa.schema([whole.field(name) for name in chosen]))
        return self._files.read_tables([f"{table}/{name}" for name in parts], whole, chosen, where)

    def runs(self) -> list[dict[str, Any]]:
        """sweep.json's launches, oldest first; none where there is no file."""
        self._check()
        return self._sweep()["runs"] if self.has(RUNS) else []

    def cells(self) -> tuple[list[CellRecord], dict[str, list[list[Any]]]]:
        """The cells of all runs, each once, and the selections that they name (schema.unite_cells)."""
        return unite_cells(self.runs())

    def save_runs(self, runs: Sequence[Mapping[str, Any]]) -> None:
        sweep = {"schema": SCHEMA_VERSION, "runs": runs}
        self.write_text(RUNS, json.dumps(sweep, indent=1, default=str))

    # --- Files beside the tables ---------------------------------------------------------------------------

    def has(self, file: str) -> bool:
        return self._files.has(file)

    def frame(self, name: str, columns: Sequence[str] | None = None, filters: Any = None) -> pd.DataFrame:
        """`<name>.parquet`, such as readout.

        Args:
            filters: as pandas.read_parquet takes them.

        Raises:
            UserError: there is no such file.
        """
        self._check()
        if not self.has(f"{name}.parquet"):
            raise UserError(f"{self}: no {name}.parquet here")
        return self._files.read_table(f"{name}.parquet", columns, filters).to_pandas()

    def write(self, name: str, rows: pa.Table | pd.DataFrame) -> None:
        """Writes `<name>.parquet`, whole or not at all."""
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False)
        self._write_table(f"{name}.parquet", table)

    def write_text(self, file: str, text: str) -> None:
        self.write_bytes(file, text.encode())

    def write_bytes(self, file: str, data: bytes) -> None:
        with self._files.write(file) as stream:
            stream.write(data)

    # --- Parts ---------------------------------------------------------------------------------------------

    def hand_over(self, tables: Mapping[str, pa.Table]) -> Part:
        """Writes rows under temporary names, for the driver to commit."""
        part = Part(uuid.uuid4().hex[:12], tuple({**tables, COMMIT: None}))
        for table in part.tables:
            rows = tables.get(table, table_schema(table).empty_table())
            self._write_table(_temporary(table, part), rows)
        return part

    @contextlib.contextmanager
    def held(self) -> Iterator[Folder]:
        """The one driver of the folder: it alone may commit. Removes what an earlier one left unfinished.

        Raises:
            UserError: another run holds the folder, another version wrote it, or it cannot be written.
        """
        self._check()
        with self._files.lock():
            self._recover()
            try:
                yield self
            finally:
                self._parts = None

    def commit(self, part: Part) -> None:
        """Renames the part's files, searches/ last. Part names sort in the order of their commits.

        Raises:
            UserError: a file of the part is not where it should be; then none of it is committed.
        """
        for table in part.tables:
            if not self.has(_temporary(table, part)):
                raise UserError(
                    f"{self}: part {part.name} has no file in {table}/, though it was written: "
                    "two nodes without a shared disk?"
                )
        self._parts = self.commits + 1
        for table in sorted(part.tables, key=lambda table: table == COMMIT):
            self._files.rename(_temporary(table, part), f"{table}/{self._parts:06d}-{part.name}.parquet")

    @property
    def commits(self) -> int:
        """How many parts were ever committed here: parts above an older value are newer."""
        assert self._parts is not None, "the folder is held"
        return self._parts

    def _committed(self) -> list[str]:
        return [name for name in self._files.list(COMMIT) if name.endswith(".parquet")]

    def _recover(self) -> None:
        """Removes what no commit stands behind: temporary files, parts without their searches/ file."""
        committed = self._committed()
        for table in TABLES:
            for name in {*self._files.list(table)} - {*committed}:
                self._files.delete(f"{table}/{name}")
        self._parts = max(map(_number, committed), default=0)

    def _write_table(self, file: str, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        metadata = {**(table.schema.metadata or {}), **METADATA}
        with self._files.write(file) as stream:
            pq.write_table(
                table.replace_schema_metadata(metadata),
                stream,
                use_dictionary=_repeating(table.schema),
                compression="zstd",
            )

    # --- Versions ------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Refuses another version's folder. sweep.json says it, or a part: an import writes those first."""
        if self._known:
            return
        if self.has(RUNS):
            version = self._sweep().get("schema", SCHEMA_VERSION)
        elif parts := self._committed():
            version = int(self._files.read_metadata(f"{COMMIT}/{parts[0]}").get(b"schema", SCHEMA_VERSION))
        else:
            return
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{self} was written by ttc's schema {version}, and this version reads {SCHEMA_VERSION}: "
                "take another name=, or read it with the version that wrote it"
            )
        self._known = True

    def _sweep(self) -> dict[str, Any]:
        try:
            return json.loads(self._files.read(RUNS))
        except ValueError as error:
            raise UserError(f"{self}/{RUNS}: no JSON ({error})") from None


def _temporary(table: str, part: Part) -> str:
    return f"{table}/{part.name}.tmp"


def _number(name: str) -> int:
    """Of a committed part: 1 of `000001-ab.parquet`."""
    return int(name.split("-")[0])


def _repeating(schema: pa.Schema) -> list[str]:
    """The columns that a dictionary makes smaller. Of the others (texts and token ids are nearly all of a
    folder's bytes) it would be made, found too large and thrown away."""
    return [
        field.name
        for field in schema
        if field.name not in UNALIKE
        and not pa.types.is_floating(field.type)
        and not pa.types.is_nested(field.type)
    ]


def _latest(rows: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Of rows with one key the last, in their order."""
    if not len(rows):
        return rows
    places = rows.select(key).append_column("place", pa.array(np.arange(len(rows))))
    last = places.group_by(list(key)).aggregate([("place", "max")])["place_max"].to_numpy()
    if len(last) == len(rows):
        return rows
    kept = np.zeros(len(rows), dtype=np.bool_)
    kept[last] = True
    return rows.filter(pa.array(kept))
