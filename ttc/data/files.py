"""One reader of the data files that people bring: rows one by one, each with its place in the file.

Values stay as they are written: nothing is taken for a number, a date or a missing value that the file does
not say is one. Strict: half of a file is no file.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ttc.types import UserError

Row = dict[str, Any]


def read_rows(file: Path, what: str = "object") -> Iterator[tuple[str, Row]]:
    """(place, row) of every row, in order; a place reads "line 3", or "row 3" where lines say nothing.

    Args:
        what: what a row should be, for the message about one that is no object at all.

    Raises:
        UserError: one line: the file, the place, and why it cannot be read as what its name says.
    """
    if file.suffix not in READERS:
        raise UserError(f"{file}: take a {', '.join(READERS)} file")
    try:
        for place, row in READERS[file.suffix](file):
            if not isinstance(row, dict):
                raise UserError(f"{place}: no {what}: not an object with a value for each column")
            yield place, row
    except (UserError, OSError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise UserError(f"{file}: cannot be read, {reason}") from None


def _read_jsonl(file: Path) -> Iterator[tuple[str, Any]]:
    for number, text in _lines(file):
        if text.strip():
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise _no_json(error, f"line {number}", cut=not text.endswith("\n")) from None
            yield f"line {number}", row


def _read_json(file: Path) -> Iterator[tuple[str, Any]]:
    text = "".join(line for _, line in _lines(file))
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        message, at = getattr(error, "msg", ""), getattr(error, "pos", 0)
        if message == "Extra data":  # one object a line, under the other name
            yield from _read_jsonl(file)
            return
        cut = at >= len(text.rstrip()) or message.startswith("Unterminated")
        raise _no_json(error, f"line {getattr(error, 'lineno', 1)}", cut) from None
    rows = content if isinstance(content, list) else _transpose(content)
    yield from ((f"row {number}", row) for number, row in enumerate(rows, 1))


def _no_json(error: Exception, place: str, cut: bool) -> UserError:
    reason = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", error)
    return UserError(f"{place}: no JSON ({reason}){'; the file ends inside this row: it was cut' * cut}")


def _transpose(content: Any) -> list[Any]:
    """Rows of a table that is written column by column, as pandas does: {"a": {"0": 1, "1": 2}}, or with
    lists. Anything else is one row."""
    if not isinstance(content, dict) or not all(isinstance(one, list | dict) for one in content.values()):
        return [content]
    columns = [list(one.values()) if isinstance(one, dict) else one for one in content.values()]
    if len(set(map(len, columns))) > 1:
        raise UserError("its columns are not of one length")
    return [dict(zip(content, values, strict=True)) for values in zip(*columns, strict=True)]


def _read_csv(file: Path) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a solution may be long
    reader = csv.reader((line for _, line in _lines(file)), strict=True)
    place, columns = "line 1", None
    try:
        for values in reader:
            if columns is None:
                columns = values
                if twin := next((name for name in columns if name and columns.count(name) > 1), None):
                    raise UserError(f"two columns are called {twin!r}")
            elif values and len(values) != len(columns):
                raise UserError(f"{place}: {len(values)} values for {len(columns)} columns")
            elif values:
                yield place, dict(zip(columns, values, strict=True))
            place = f"line {reader.line_num + 1}"
    except csv.Error as error:
        raise UserError(f"{place}: no CSV ({error})") from None


def _read_parquet(file: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(file) as table:
            for batch in table.iter_batches():
                for row in batch.to_pylist():
                    yield f"row {(number := number + 1)}", row
    except (pa.ArrowException, ValueError) as error:
        at = f"after row {number}: " if number else ""
        raise UserError(f"{at}no Parquet ({str(error).splitlines()[0]})") from None


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, ends included; a byte-order mark is nothing."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UserError(f"line {number}: not UTF-8 (byte {error.start + 1} of the line)") from None


READERS: dict[str, Callable[[Path], Iterator[tuple[str, Any]]]] = {
    ".jsonl": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
"""By the end of a file's name."""


def text_of(value: Any) -> str:
    """A value as text: "" for a missing one; 3.0 is "3", as a column of numbers with gaps has only floats."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def missing_columns(
    rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str | None], key: str
) -> list[str]:
    """A fault for every role in `columns` (role -> column; None: there is none) that no row has; `key` is
    where the settings name them."""
    there = dict.fromkeys(name for row in rows for name in row)
    return [
        f"{key}.{role}={column}: the data has no such column; it has {', '.join(there)}"
        for role, column in columns.items()
        if there and column is not None and column not in there
    ]
