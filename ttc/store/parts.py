"""A part: rows that are committed together, a Parquet file per table, and how one sees that they are whole.

Its searches/ file commits it, and vouches for the others: its footer has their sizes and checksums, and its
name its own. So a file that was cut short or overwritten is found, whatever the reason.

Names are `000007-5f2a90c1.parquet`: the number of the commit, the checksum of the searches/ file. A part that
others were merged into has their numbers, `000001-000007-0be3d114.parquet`: what lies within counts no more.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from ttc.store.files import Files
from ttc.store.schema import COMMIT, SCHEMA_VERSION, TABLES, UNALIKE, table_schema
from ttc.types import UserError

METADATA = {b"schema": str(SCHEMA_VERSION).encode()}
SEAL = b"part"
"""The key in the footer of a searches/ file: its value is JSON, table -> [size, checksum]."""


@dataclass(frozen=True)
class Part:
    """Rows that are not committed yet: the bytes of a file for each of its tables, searches/ among them."""

    files: Mapping[str, pa.Buffer]

    @property
    def in_order(self) -> list[str]:
        """Its tables, the one that commits it last."""
        return sorted(self.files, key=lambda table: table == COMMIT)

    def name(self, first: int, last: int) -> str:
        """What its files are called: the number of its commit, or those of the parts that it takes in."""
        numbers = f"{first:06d}" if first == last else f"{first:06d}-{last:06d}"
        return f"{numbers}-{zlib.crc32(self.files[COMMIT]):08x}.parquet"


def seal(tables: Mapping[str, pa.Table]) -> Part:
    """Rows as a part. It always has a searches/ file, be it empty: one rule instead of two."""
    files = {table: encode(rows) for table, rows in tables.items() if table != COMMIT}
    seals = {table: (data.size, zlib.crc32(data)) for table, data in files.items()}
    rows = tables.get(COMMIT, table_schema(COMMIT).empty_table())
    return Part({**files, COMMIT: encode(rows, {SEAL: json.dumps(seals).encode()})})


def encode(rows: pa.Table, more: Mapping[bytes, bytes] | None = None) -> pa.Buffer:
    """A table as the bytes of a Parquet file, with `more` in its footer."""
    import pyarrow.parquet as pq

    stream = pa.BufferOutputStream()
    metadata = {**(rows.schema.metadata or {}), **METADATA, **(more or {})}
    pq.write_table(
        rows.replace_schema_metadata(metadata),
        stream,
        use_dictionary=_repeating(rows.schema),
        compression="zstd",
        write_page_checksum=True,  # a reader, who does not look at seals, takes no flipped bit for a value
    )
    return stream.getvalue()


def span(name: str) -> tuple[int, int]:
    """The numbers that a committed part takes in: (7, 7) of `000007-5f2a90c1.parquet`."""
    try:
        first, second = name.split("-")[:2]
        return int(first), int(second) if len(second) == 6 else int(first)
    except ValueError:
        raise UserError(f"{COMMIT}/{name}: no part of ttc's; move it elsewhere") from None


def standing(names: Iterable[str]) -> list[str]:
    """Those of the committed parts that count, in the order of their commits: none whose rows stand in a
    merged one by now."""
    spans = {name: span(name) for name in sorted(names)}
    merged = {own for own in spans.values() if own[0] < own[1]}

    def stands(own: tuple[int, int]) -> bool:
        return not any(one != own and one[0] <= own[0] and own[1] <= one[1] for one in merged)

    return [name for name, own in spans.items() if stands(own)]


def neighbours(sizes: Mapping[str, int], limit: int) -> Iterator[list[str]]:
    """Parts next to each other, two and more, of `limit` bytes together at most. sizes: by name, in order."""
    run: list[str] = []
    total = 0
    for name, size in sizes.items():
        if total + size > limit:
            yield from [run] if len(run) > 1 else []
            run, total = [], 0
        run.append(name)
        total += size
    yield from [run] if len(run) > 1 else []


def faults_of(files: Files, name: str) -> list[str]:
    """What is wrong with a committed part, a line each; none where all of it is as it was written."""
    commit = f"{COMMIT}/{name}"
    mark = name.removesuffix(".parquet").rsplit("-", 1)[1]
    size, found = files.seal(commit)
    # parts of earlier versions have no checksums: of them only the footers can be looked at
    if len(mark) == 8 and mark != f"{found:08x}":
        return [f"{commit}: {size} bytes, not those that were written"]
    try:  # a file may say anything
        seals = dict(json.loads(files.read_metadata(commit).get(SEAL, b"{}")))
        written = [(table, (size, checksum)) for table, (size, checksum) in seals.items()]
    except (OSError, pa.ArrowException):
        return [f"{commit}: no Parquet file"]
    except (ValueError, TypeError):
        return [f"{commit}: not of ttc"]
    faults = []
    for table, (size, checksum) in written:
        if table not in TABLES:
            return [f"{commit}: of a table {table!r}, which there is not"]
        file = f"{table}/{name}"
        own = files.seal(file) if files.has(file) else None
        if own is None:
            faults.append(f"{file}: not there")
        elif own != (size, checksum):
            faults.append(f"{file}: {own[0]} bytes, not the {size} that were written")
    return faults


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
