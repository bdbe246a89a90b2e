"""The results folder: its tables, parts and their commit, and why nothing in it is ever half-written.

A part (one file per table, one name) comes as bytes; the driver alone writes it, searches/ last: that file
commits it. See docs/design.md, "Commit", and parts.py.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ttc.store.entries import fault_of
from ttc.store.files import Files
from ttc.store.parts import METADATA, Part, encode, faults_of, neighbours, seal, span, standing
from ttc.store.records import CellRecord, unite_cells
from ttc.store.schema import COMMIT, KEYS, SCHEMA_VERSION, TABLES, latest, table_schema
from ttc.types import UserError, mask_all

if TYPE_CHECKING:
    import pandas as pd

RUNS = "sweep.json"
SAID = ("overrides", "config", "extend", "failed", "notes")
"""Parts of a launch's entry in it that hold words of people and of servers."""
DAMAGED = "damaged"
"""Where parts are set aside that are not whole any more."""

MERGED = 64 * 2**20
"""Bytes up to which parts are merged: more would be lost with one that is damaged."""

READS = 5
"""A read that meets a merge is begun anew so often."""


class Folder:
    """A results folder, by its path; making one does no I/O. It goes to other processes as it is.

    Reading never waits and sees committed rows only. Every method that reads raises UserError where another
    version wrote the folder, every one that writes where it cannot be written.
    """

    def __init__(self, where: str | Path) -> None:
        self._files = Files(where)
        self._parts: int | None = None
        self._known = False
        self.damages: list[str] = []
        """What was found damaged, and set aside, when the folder was last held."""

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
        return latest(self.read_all(table, names, after, where), KEYS[table])

    def read_all(
        self, table: str, columns: Sequence[str], after: int = 0, where: pc.Expression | None = None
    ) -> pa.Table:
        """As `read`, but of rows with one key all, and the key only where it is asked for: a million rows
        take a tenth of the memory."""
        self._check()
        whole = table_schema(table)
        chosen = [name for name in whole.names if name in {*columns}]
        for _ in range(READS):
            parts = [name for name in self._committed() if span(name)[1] > after]
            files = self._having(table, parts)
            # not schema.empty_table(), which loads pandas
            rows = pa.Table.from_batches([], pa.schema([whole.field(name) for name in chosen]))
            with contextlib.suppress(FileNotFoundError):
                if files:
                    rows = self._files.read_tables(files, whole, chosen, where)
                if {*parts} <= {*self._committed()}:  # none was merged into another meanwhile
                    return rows
        raise UserError(f"{self}/{table}: files come and go; is something else writing there?")

    def runs(self) -> list[dict[str, Any]]:
        """sweep.json's launches, oldest first; none where there is no file."""
        self._check()
        return self._parse(self._files.read(RUNS))["runs"] if self.has(RUNS) else []

    def cells(self) -> tuple[list[CellRecord], dict[str, list[list[Any]]]]:
        """The cells of all runs, each once, and the selections that they name (records.py)."""
        return unite_cells(self.runs())

    def save_runs(self, runs: Sequence[Mapping[str, Any]]) -> None:
        """Writes sweep.json. Of what a person said, or was told, it keeps no secret."""
        shown = [{**run, **{key: mask_all(run[key]) for key in SAID if key in run}} for run in runs]
        sweep = {"schema": SCHEMA_VERSION, "runs": shown}
        self.write_text(RUNS, json.dumps(sweep, indent=1, default=str))

    def holder(self) -> str | None:
        """Who runs a sweep here now, in words; None: nobody."""
        return self._files.holder()

    # --- Files beside the tables ---------------------------------------------------------------------------

    def has(self, file: str) -> bool:
        return self._files.has(file)

    def table(self, name: str, columns: Sequence[str] | None = None, filters: Any = None) -> pa.Table:
        """`<name>.parquet`, such as readout. filters: as pandas.read_parquet takes them.

        Raises:
            UserError: there is no such file, or another program wrote it.
        """
        self._check()
        if not self.has(f"{name}.parquet"):
            raise UserError(f"{self}: no {name}.parquet here")
        table = self._files.read_table(f"{name}.parquet", columns, filters)
        if not METADATA.items() <= (table.schema.metadata or {}).items():
            raise UserError(
                f"{self}/{name}.parquet: not as ttc wrote it; the line that filled the folder writes it anew"
            )
        return table

    def frame(self, name: str, columns: Sequence[str] | None = None, filters: Any = None) -> pd.DataFrame:
        return self.table(name, columns, filters).to_pandas()

    def write(self, name: str, rows: pa.Table | pd.DataFrame) -> None:
        """Writes `<name>.parquet`, whole or not at all."""
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False)
        with self._files.write(f"{name}.parquet") as stream:
            stream.write(encode(table))

    def write_text(self, file: str, text: str) -> None:
        self.write_bytes(file, text.encode())

    def write_bytes(self, file: str, data: bytes) -> None:
        with self._files.write(file) as stream:
            stream.write(data)

    # --- Parts ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def held(self) -> Iterator[Folder]:
        """The one driver of the folder: it alone may write parts. Removes what an earlier one left
        unfinished, and sets damaged parts aside: `damages` has a line of each fault.

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
        """Writes the part's files, searches/ last. Part names sort in the order of their commits."""
        number = self.commits + 1
        self._write(part, part.name(number, number))
        self._parts = number

    @property
    def commits(self) -> int:
        """How many parts were ever committed here: parts above an older value are newer."""
        assert self._parts is not None, "the folder is held"
        return self._parts

    def check(self) -> Iterator[tuple[str, list[str]]]:
        """Every part that counts, by name, and what is wrong with it (parts.faults_of)."""
        self._check()
        for name in self._committed():
            yield name, faults_of(self._files, name)

    def compact(self, size: int = MERGED) -> tuple[int, int]:
        """Merges neighbouring parts up to `size` bytes; how many there were, and are. The folder is held.

        Rows keep their order. Until the merged part is committed its parts count, and from then on it: no
        reader meets a moment without a row, or with one twice.
        """
        names = self._committed()
        sizes = {name: sum(map(self._files.size, self._files_of(name))) for name in names}
        for run in neighbours(sizes, size):
            rows = {table: self._rows(table, run) for table in TABLES}
            merged = seal({table: own for table, own in rows.items() if own is not None})
            self._write(merged, merged.name(span(run[0])[0], span(run[-1])[1]))
        self._clean()
        return len(names), len(self._committed())

    def _committed(self) -> list[str]:
        return standing(name for name in self._files.list(COMMIT) if name.endswith(".parquet"))

    def _recover(self) -> None:
        committed, looked = self._committed(), set[str]()
        self._parts = max((span(name)[1] for name in committed), default=0)
        self.damages = []
        while committed:
            for name in committed:
                if faults := faults_of(self._files, name):
                    self.damages += faults
                    for file in self._files_of(name):
                        self._files.move(file, f"{DAMAGED}/{file}")
            looked.update(committed)
            # parts that were merged into a damaged one, and are not removed yet, count again
            committed = [name for name in self._committed() if name not in looked]
        self._clean()

    def _clean(self) -> None:
        """Removes files that no commit stands behind, or whose rows stand in a merged part. searches/ first:
        a part that counts is never without its files."""
        committed = {*self._committed()}
        for table in sorted(TABLES, key=lambda table: table != COMMIT):
            for name in {*self._files.list(table)} - committed:
                self._files.delete(f"{table}/{name}")

    def _write(self, part: Part, name: str) -> None:
        for table in part.in_order:
            with self._files.write(f"{table}/{name}") as stream:
                stream.write(part.files[table])

    def _files_of(self, name: str) -> list[str]:
        return [file for table in TABLES if self.has(file := f"{table}/{name}")]

    def _having(self, table: str, names: Sequence[str]) -> list[str]:
        """The files that these parts have of a table."""
        there = {*self._files.list(table)}
        return [f"{table}/{name}" for name in names if name in there]

    def _rows(self, table: str, names: Sequence[str]) -> pa.Table | None:
        """All rows of some parts, with the columns that their files have; None: no part has the table."""
        rows = [self._files.read_table(file, None, None) for file in self._having(table, names)]
        return pa.concat_tables(rows, promote_options="default") if rows else None

    # --- Versions ------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Refuses another version's folder. sweep.json says it, or a part: an import writes those first."""
        if self._known:
            return
        raw = self._files.read(RUNS) if self.has(RUNS) else None
        version = self._version_of_parts() if raw is None else self._parse(raw).get("schema", SCHEMA_VERSION)
        if version not in (SCHEMA_VERSION, None):
            raise UserError(
                f"{self} was written by ttc's schema {version}, and this version reads {SCHEMA_VERSION}: "
                "take another name=, or read it with the version that wrote it"
            )
        if raw is not None and (fault := fault_of(raw)):
            raise UserError(f"{self}/{RUNS}: not as ttc writes it ({fault})")
        self._known = version is not None

    def _version_of_parts(self) -> int | None:
        """What the first readable part says; None: there is none."""
        for name in self._committed():
            with contextlib.suppress(OSError, pa.ArrowException):  # damaged: `held` and `check` say so
                return int(self._files.read_metadata(f"{COMMIT}/{name}").get(b"schema", SCHEMA_VERSION))
        return None

    def _parse(self, sweep: bytes) -> dict[str, Any]:
        try:
            return dict(json.loads(sweep))
        except (ValueError, TypeError, RecursionError) as error:
            raise UserError(f"{self}/{RUNS}: not as ttc writes it ({error})") from None
