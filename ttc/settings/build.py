"""`build`: a plain mapping becomes a settings object, or a list of clear faults.

`read` does it with a command's `key=value` words; there is no other reader of such words but Hydra.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ttc.types import Faults

T = TypeVar("T")

# every point of a grid is of the same few classes
_adapter: Callable[[Any], TypeAdapter[Any]] = functools.cache(TypeAdapter)


def build(cls: type[T], mapping: Mapping[str, Any], prefix: str = "") -> T:
    """`mapping` as a `cls`.

    Raises:
        Faults: every unknown key, missing key, wrong type and value out of range, one line each.
    """
    known, faults = _sort_keys(cls, mapping, prefix)
    try:
        value: T = _adapter(cls).validate_python(known)
    except ValidationError as error:
        faults += [_line(fault, prefix) for fault in error.errors()]
    faults += _unwritable(known, prefix)
    if faults:
        raise Faults(faults)
    return value


def read(cls: type[T], words: Iterable[str]) -> T:
    """The words `key=value` and `group.key=value` as a `cls`.

    Raises:
        Faults: every word that is no setting, and all that `build` finds, one line each.
    """
    given = sort_words(words)
    faults = [f"{word}: settings read key=value" for word in given.names]
    try:
        value = build(cls, _mapping(cls, given.own))
    except Faults as error:
        faults += error.lines
    if faults:
        raise Faults(faults)
    return value


@dataclass(frozen=True)
class Words:
    """A command's words: names (no key=), settings of its own, and those of groups that Hydra composes."""

    names: tuple[str, ...]
    own: tuple[str, ...]
    composed: tuple[str, ...]


def sort_words(words: Iterable[str], groups: Sequence[str] = ()) -> Words:
    """`groups`: the first parts of keys that are composed, as `prm` of prm=nano and prm.model=x."""
    words = list(words)
    pairs = [word for word in words if word.find("=") > 0]
    composed = tuple(word for word in pairs if section(word) in groups)
    own = tuple(word for word in pairs if section(word) not in groups)
    return Words(tuple(word for word in words if word not in pairs), own, composed)


def section(word: str) -> str:
    """`prm` of `prm=x`, `prm.model=y` and `+prm.model=y`; a flag is its own."""
    return word.lstrip("+~").partition("=")[0].partition(".")[0]


def _mapping(cls: type, pairs: Iterable[str]) -> dict[str, Any]:
    """For `build`: texts stay as they are where the field is one, all else is read as JSON where it is some;
    null is null."""
    sections, own = _sections(cls), get_type_hints(cls)
    values: dict[str, Any] = {}
    for word in pairs:
        key, _, text = word.partition("=")
        group, _, inner = key.partition(".")
        if group in own and group not in sections:
            inner = ""  # a dot behind what is no group: the whole word is unknown
        hints = get_type_hints(sections.get(group, object)) if inner else own
        inside = values.setdefault(group, {}) if inner else values
        if isinstance(inside, dict):
            inside[inner or key] = _read(text, hints.get(inner or key))
    return values


def _read(text: str, hint: Any) -> Any:
    if text == "null":
        return None
    if hint is str or (get_origin(hint) is not tuple and str in get_args(hint)):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # names need no quotes in a list, as on a launch's line
        listed = text.startswith("[") and text.endswith("]")
        return [name.strip() for name in text[1:-1].split(",")] if listed else text


def _sections(cls: type) -> dict[str, type]:
    """The fields of `cls` that are dataclasses themselves."""
    hints = get_type_hints(cls).items()
    return {name: kind for name, kind in hints if isinstance(kind, type) and is_dataclass(kind)}


def _sort_keys(cls: type, mapping: Mapping[str, Any], prefix: str) -> tuple[dict[str, Any], list[str]]:
    """What `cls` knows of the mapping, and a fault for every other key."""
    names = [f.name for f in fields(cls)]
    sections = _sections(cls)
    known, faults = {}, []
    for key, value in mapping.items():
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(_keys(cls))}"
            faults.append(f"{prefix}{key}: unknown key; {hint}")
        elif key in sections and isinstance(value, Mapping):
            known[key], inner = _sort_keys(sections[key], value, f"{prefix}{key}.")
            faults += inner
        else:
            known[key] = value
    return known, faults


def _unwritable(value: Any, key: str) -> list[str]:
    """Texts with half a pair of surrogates, as words that are not UTF-8 have: no file of ours can hold
    them."""
    if isinstance(value, Mapping):
        inner = key and f"{key.removesuffix('.')}."
        return [line for name, one in value.items() for line in _unwritable(one, f"{inner}{name}")]
    if isinstance(value, list | tuple):
        return [line for one in value for line in _unwritable(one, key)]
    wrong = isinstance(value, str) and re.search(r"[\ud800-\udfff]", value)
    return [f"{key}={value!r}: not UTF-8"] if wrong else []


def _keys(cls: type) -> list[str]:
    inner = {name: [f"{name}.{key}" for key in _keys(kind)] for name, kind in _sections(cls).items()}
    return [key for f in fields(cls) for key in inner.get(f.name, [f.name])]  # type: ignore[arg-type]


def _line(fault: Any, prefix: str) -> str:
    """pydantic's fault as `key=value: what would be right`; what a `__post_init__` says stands for itself."""
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    # an index inside a list and the name of a union's member are not part of a key
    key = prefix + ".".join(part for part in map(str, fault["loc"]) if part.isidentifier())
    if fault["type"] == "dataclass_type":
        return f"{key}={fault['input']!r}: must be said key by key: {key}.KEY=VALUE"
    if fault["type"] == "missing":
        return f"{key}: missing"
    if fault["type"] == "tuple_type":
        return f"{key}={fault['input']!r}: must be a list: {key}=[{str(fault['input']).strip('[]')}]"
    if fault["type"] == "string_type" and isinstance(fault["input"], bool | int | float):
        # a launch's line reads it as a number; the shell takes the outer quotes
        text = f"'{json.dumps(fault['input'])}'"
        listed = any(isinstance(part, int) for part in fault["loc"])
        return f'{key}={fault["input"]!r}: must be a text: "{key}={f"[{text}]" if listed else text}"'
    message = fault["msg"].replace("Input should be", "must be")
    if isinstance(fault["input"], list | tuple):
        values = ",".join(map(str, fault["input"]))
        message += f"; several are a grid: -m {key}={values}"
    return f"{key}={fault['input']!r}: {message}"
