"""What the rows of a data file say: the value of a column, its text, and what is at fault with a row."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from ttc.types import Faults

Row = dict[str, Any]
T = TypeVar("T")
S = TypeVar("S")

SHOWN = 5
"""Rows that are named of all that are at fault."""

LIST = r"""\[(?:\s*(?:,\s*)?(?:'[^']*'|"[^"]*"))+\s*]"""
OBJECT = r"""\[?\s*\{\s*(['"])\w+\1\s*:.*\}\s*]?"""
PRINTED = re.compile(f"{LIST}|{OBJECT}", re.DOTALL)
"""A list of texts or an object that a program printed into a text: ['x' 'y'], [{'role': ...}]."""

SPEAKERS = {"question": ("user", "human"), "answer": ("assistant", "gpt")}
"""Whose message holds a role's text."""
SILENT = ("role", "from", "type", "name")
"""Of a message: what is no text of it."""


def text_of(value: Any) -> str:
    """A number or a text as text: "" for a missing one; 3.0 is "3", as a column of numbers with gaps has only
    floats, and so is a decimal 3.00."""
    if value is None or (isinstance(value, float | Decimal) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        whole, point, rest = f"{value:f}".partition(".")
        return (whole + point + rest.rstrip("0")).removesuffix(".")
    return (value.decode() if isinstance(value, bytes) else str(value)).strip()


def whole_of(value: Any) -> int | None:
    """A whole number of at most nine digits; None for any other value. Its text may end in .0, as in a CSV of
    a column with gaps."""
    found = re.fullmatch(r"(-?\d{1,9})(?:\.0+)?", text_of(value))
    return int(found[1]) if found else None


def value_at(row: Mapping[str, Any], column: str | None) -> Any:
    """A column's value, None where there is none. A dotted column goes into objects and lists, as in
    messages.0.content; a column of that very name comes first."""
    if column is None or column in row:
        return row[column] if column else None
    value: Any = row
    for name in column.split("."):
        value = unpacked(value)
        if isinstance(value, list) and re.fullmatch(r"-?\d+", name):
            value = value[int(name)] if -len(value) <= int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_at(row: Mapping[str, Any], column: str | None, key: str) -> str:
    """A column's text, "" where there is none; a list of one thing is that thing.

    Args:
        key: the setting that names the column; its last part is the role, such as question.

    Raises:
        ValueError: it holds a list or an object, and names the columns inside that would do.
    """
    value = whole = value_at(row, column)
    if _is_printed(value):
        value = whole = unpacked(value)
    while isinstance(value, list) and len(value) < 2:
        value = next(iter(value), None)
    if isinstance(value, list | Mapping):
        inside = " or ".join(columns_inside(whole, str(column), key.rpartition(".")[2])[:3])
        way = f"take {key and f'{key}='}{inside}, or write it as one text" if inside else "no text is inside"
        raise ValueError(f"column {column} is {_kind(value)}, not one text; {way}")
    if _is_printed(value):
        raise ValueError(
            f"column {column}={value[:40]!r}: a list or an object, printed as text; give one text"
        )
    text = text_of(value)
    text.encode()  # raises where half a pair of surrogates is left, which no file of ours could hold
    return text


def texts_at(row: Mapping[str, Any], columns: Mapping[str, str | None], key: str) -> dict[str, str]:
    """role -> `text_at` of its column (None: there is none). Raises ValueError with all that are no text."""
    texts, faults = {}, []
    for role, column in columns.items():
        try:
            texts[role] = text_at(row, column, f"{key}.{role}")
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError("; ".join(faults))
    return texts


def _is_printed(value: object) -> bool:
    return isinstance(value, str) and PRINTED.fullmatch(value.strip()) is not None


def _kind(value: object) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else "an object"


def columns_inside(value: Any, column: str, role: str) -> list[str]:
    """The dotted columns of texts in a value; of messages those of whoever speaks in that role."""
    found = list(_texts_inside(value, column, ""))
    said = [name for name, speaker in found if speaker in SPEAKERS.get(role, ())]
    ends = said[-1:] if role == "answer" else said[:1]
    return ends or [name for name, _ in found]


def _texts_inside(value: Any, column: str, speaker: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        speaker = str(value.get("role") or value.get("from") or speaker)
    for name, one in _items(value):
        if isinstance(one, list | Mapping):
            yield from _texts_inside(one, f"{column}.{name}", speaker)
        elif text_of(one) and not (speaker and name in SILENT):
            yield f"{column}.{name}", speaker


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def unpacked(value: Any) -> Any:
    """The list or object that a text cell holds as JSON, as a CSV's does; else the value itself."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def list_of(value: Any) -> list[Any] | None:
    """A list, or one written as JSON into a cell of a CSV; None for anything else."""
    value = unpacked(value)
    return list(value) if isinstance(value, list | tuple) else None


def missing_columns(rows: Sequence[Row], columns: Mapping[str, str | None], key: str) -> list[str]:
    """A fault for every role in `columns` (role -> column; None: there is none) that no row has; `key` is
    where the settings name them."""
    there = dict.fromkeys(name for row in rows for name in row)
    some = {name: next((row[name] for row in rows if row.get(name) is not None), None) for name in there}
    inside = (columns_inside(one, name, "")[:3] if _has_names(one) else [name] for name, one in some.items())
    has = ", ".join(itertools.chain(*inside))
    return [
        f"{key}.{role}={column}: the data has no such column; it has {has}"
        for role, column in columns.items()
        if there and column is not None and column not in there
        if all(value_at(row, column) is None for row in rows)
    ]


def _has_names(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any(map(_has_names, value)))


def read_each(
    rows: Iterable[S], make: Callable[[int, S], T], source: str, id_of: Callable[[T], str] | None = None
) -> list[T]:
    """What `make` reads off each row and its number, from 0 on; it raises ValueError where one is at fault.

    Args:
        id_of: what only one row may have.

    Raises:
        Faults: the first rows that are at fault, and how many more are.
    """
    made, faults, first = [], [], dict[str, int]()
    for number, row in enumerate(rows):
        try:
            made.append(make(number, row))
            if id_of and (twin := first.setdefault(id_of(made[-1]), number)) != number:
                raise ValueError(f"the id {id_of(made[-1])!r} of row {twin + 1} again")
        except ValueError as error:
            faults.append(f"{source}: row {number + 1}: {error}")
    if len(faults) > SHOWN:
        faults[SHOWN:] = [f"{source}: {len(faults) - SHOWN} more rows like these"]
    if faults:
        raise Faults(faults)
    return made
