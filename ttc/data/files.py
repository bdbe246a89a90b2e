"""One reader of the data files that people bring: rows one by one, each with its place in the file.

Values stay as they are written: nothing is taken for a number, a date or a missing value that the file does
not say is one. Strict: half of a file is no file. What a row's values say is read in values.py.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from ttc.data.values import Row
from ttc.types import UserError

COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
"""A second end of a file's name -> what Arrow calls it."""


def read_rows(file: Path, what: str = "object") -> Iterator[tuple[str, Row]]:
    """(place, row) of every row, in order; a place reads "line 3", or "row 3" where lines say nothing.

    Args:
        what: what a row should be, for the message about one that is no object at all.

    Raises:
        UserError: one line: the file, the place, and why it cannot be read as what its name says.
    """
    kind = kind_of(file)
    if not kind:
        raise UserError(f"{file}: take a {KINDS} file")
    try:
        with file.open("rb") as stream:
            if stream.peek().startswith(b"version https://git-lfs"):
                raise UserError("only Git LFS's pointer to the file: `git lfs pull` fetches it")
            for place, row in READERS[kind](_unpack(stream, file)):
                if not isinstance(row, dict):
                    raise UserError(f"{place}: no {what}: not an object with a value for each column")
                yield place, row
    except (UserError, OSError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise UserError(f"{file}: cannot be read, {reason}") from None


def kind_of(file: str | Path) -> str:
    """By which of READERS the file is read: the end of its name, in lower case, but for a compression's;
    "" by none."""
    ends = [end.lower() for end in Path(file).suffixes if end.lower() not in COMPRESSED]
    end = ALIASES.get(ends[-1], ends[-1]) if ends else ""
    return end if end in READERS else ""


def stem_of(file: str | Path) -> str:
    """The file's name without what says how it is read: `a` of a.jsonl and of a.jsonl.gz."""
    path = Path(file)
    return stem_of(path.stem) if path.suffix.lower() in COMPRESSED else path.stem


def _unpack(stream: BinaryIO, file: Path) -> io.BufferedReader:
    codec = COMPRESSED.get(file.suffix.lower())
    if codec is None:
        return stream  # type: ignore[return-value]
    import pyarrow as pa

    return io.BufferedReader(pa.CompressedInputStream(stream, codec))


def _read_jsonl(stream: io.BufferedReader) -> Iterator[tuple[str, Any]]:
    array = stream.peek(1)[:1] == b"["  # JSON under the other name
    return _read_json(stream) if array else _parse_lines(_lines(stream))


def _parse_lines(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[str, Any]]:
    for number, text in lines:
        if text.strip():
            try:
                row = json.loads(text, parse_float=_number)
            except (ValueError, RecursionError) as error:
                raise _no_json(error, f"line {number}", cut=not text.endswith("\n")) from None
            yield f"line {number}", row


def _read_json(stream: io.BufferedReader) -> Iterator[tuple[str, Any]]:
    lines = list(_lines(stream))
    text = "".join(line for _, line in lines)
    try:
        content = json.loads(text, parse_float=_number)
    except (ValueError, RecursionError) as error:
        message, at = getattr(error, "msg", ""), getattr(error, "pos", 0)
        if message == "Extra data" and text[:1] != "[":  # one object a line, under the other name
            yield from _parse_lines(lines)
            return
        cut = at >= len(text.rstrip()) or message.startswith("Unterminated")
        raise _no_json(error, f"line {getattr(error, 'lineno', 1)}", cut) from None
    rows = content if isinstance(content, list) else _rows_inside(content)
    yield from ((f"row {number}", row) for number, row in enumerate(rows, 1))


def _number(text: str) -> float | Decimal:
    """A number with a point or an exponent; a decimal where a float would lose digits."""
    value, digits = float(text), text.lower().partition("e")[0].lstrip("-0.")
    return value if sum(map(str.isdigit, digits)) <= 17 and math.isfinite(value) else Decimal(text)


def _no_json(error: Exception, place: str, cut: bool) -> UserError:
    reason = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", error)
    cut = cut and reason != "Extra data"
    return UserError(f"{place}: no JSON ({reason}){'; the file ends inside this row: it was cut' * cut}")


def _rows_inside(content: Any) -> list[Any]:
    """The rows of an object: its only list of objects; objects by their id, {"x1": {"a": 1}, ...}; or a table
    that is written column by column, as pandas does: {"a": {"0": 1, "1": 2}}, or with lists. Else itself."""
    values = list(content.values()) if isinstance(content, dict) else []
    lists = [one for one in values if isinstance(one, list | dict)]
    if len(lists) == 1 and isinstance(lists[0], list) and lists[0] and isinstance(lists[0][0], dict):
        return lists[0]
    if not lists or len(lists) < len(values):
        return [content]
    if all(isinstance(one, dict) and not all(map(str.isdecimal, one)) for one in values):
        return [{"id": name} | one for name, one in content.items()]
    columns = [list(one.values()) if isinstance(one, dict) else one for one in values]
    if len(set(map(len, columns))) > 1:
        raise UserError("its columns are not of one length")
    return [dict(zip(content, values, strict=True)) for values in zip(*columns, strict=True)]


def _read_csv(stream: io.BufferedReader) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a solution may be long
    lines = [line for _, line in _lines(stream)]
    header = next(filter(str.strip, lines), "")
    # Excel writes ; where the comma is the decimal point; a name may have a comma, but no tab
    between = "\t" if "\t" in header else max(",;", key=header.count)
    reader = csv.reader(lines, delimiter=between, skipinitialspace=True, strict=True)
    place, columns = "line 1", None
    try:
        for values in reader:
            if values and columns is None:
                columns = _names([name.strip() for name in values])
            elif columns and values:
                if len(values) != len(columns):
                    raise UserError(f"{place}: {len(values)} values for {len(columns)} columns")
                yield place, dict(zip(columns, values, strict=True))
            place = f"line {reader.line_num + 1}"
    except csv.Error as error:
        raise UserError(f"{place}: no CSV ({error})") from None


def _names(columns: list[str]) -> list[str]:
    if twin := next((name for name in columns if name and columns.count(name) > 1), None):
        raise UserError(f"two columns are called {twin!r}")
    return columns


def _read_parquet(stream: io.BufferedReader) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(stream if stream.seekable() else io.BytesIO(stream.read())) as table:
            names = _names(table.schema_arrow.names)
            for batch in table.iter_batches():
                widened = pa.record_batch([_widen(one) for one in batch], names)
                for row in widened.to_pylist(maps_as_pydicts="strict"):
                    yield f"row {(number := number + 1)}", row
    except (pa.ArrowException, ValueError) as error:
        at = f"after row {number}: " if number else ""
        raise UserError(f"{at}no Parquet ({str(error).splitlines()[0]})") from None


def _widen(column: Any) -> Any:
    """A float32 by its digits: 0.1 and not 0.10000000149."""
    return column.cast("string").cast("double") if str(column.type) == "float" else column


def _lines(stream: io.BufferedReader) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, ends included. A byte-order mark is nothing, but that UTF-16 begins with
    one."""
    lines: Iterable[bytes] = stream
    if stream.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # Excel's "Unicode", PowerShell's >
        try:
            lines = io.BytesIO(stream.read().decode("utf-16").encode())
        except UnicodeDecodeError as error:
            raise UserError(f"not UTF-16, as its first bytes say (byte {error.start + 1})") from None
    for number, line in enumerate(lines, 1):
        try:
            yield number, line.decode().removeprefix("\ufeff")  # joined files have it in their midst
        except UnicodeDecodeError as error:
            raise UserError(f"line {number}: not UTF-8 (byte {error.start + 1} of the line)") from None


READERS: dict[str, Callable[[io.BufferedReader], Iterator[tuple[str, Any]]]] = {
    ".jsonl": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
"""By the end of a file's name, which a compression's may follow."""
ALIASES = {".ndjson": ".jsonl", ".tsv": ".csv"}

KINDS = ", ".join(READERS)
