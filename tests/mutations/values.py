"""Settings whose values or names must be refused: of every key, by its type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from random import Random
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le

from tests.mutations.common import Kind, Mutation, Place
from ttc.commands.settings import ExportSettings, RegradeSettings, ShowSettings
from ttc.sal.settings import SalSettings
from ttc.settings.schema import GROUPS, Config
from ttc.strategies import STRATEGIES, parameters
from ttc.studies.settings import OptimalSettings
from ttc.types import FolderName, Prompt, Tags
from ttc.verify.settings import FolderSettings, LabelSettings

WHOLE = ["-1", "1.5", "1e3", "x", "nan", "inf", "'4'", "true", "1" + "0" * 30, "9" * 5000, "-" + "9" * 30]
REAL = ["-1", "x", "nan", "inf", "-inf", "1e999", "'0.5'", "true", "9" * 5000]
NEVER = ["{a: 1}", "[[1]]", "[a,b]", "[null]"]
"""What no setting of one value is."""


def wrong(hint: Any) -> list[str]:
    """Values that the type forbids, as Hydra reads them."""
    options = [one for one in get_args(hint) if one is not type(None)]
    if get_origin(hint) in (Union, UnionType):
        found = [wrong(one) for one in options]
        return [value for value in found[0] if value != "null" and all(value in one for one in found)]
    kind, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    edges = [f"{mark.ge - 1}" for mark in marks if isinstance(mark, Ge)]
    edges += [f"{mark.gt}" for mark in marks if isinstance(mark, Gt)]
    edges += [f"{mark.le * 1.001}" for mark in marks if isinstance(mark, Le) if kind is float]
    if hint == Tags:  # nearly any text is one
        return ["7", "x", "{a: 1}", "''", "[7]", "[null]", "[[a]]", "['<a>']", "['']", "['a b c']"]
    if get_origin(kind) is tuple:
        (inner, *_) = get_args(kind)
        inside = [f"[{value}]" for value in wrong(inner) if value != "{a: 1}"]
        return ["7", "x", "{a: 1}", "true", "''", *inside]
    if kind is int:
        return [*WHOLE, *edges, *NEVER, "''", "null"]
    if kind is float:
        return [*REAL, *edges, *NEVER, "''", "null"]
    if kind is bool:
        return ["2", "x", "-1", "''", "nan", *NEVER, "null"]
    if get_origin(kind) is Literal or (kind is str and marks):
        return ["no!such", "''", "7", "true", *NEVER, "null", "ключ", "'a\\x00b'", "'../x'"]
    return ["7", "true", "1.5", *NEVER, "null"] if kind is str else []


def keys(cls: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a dataclass with its type; of a mapping nothing is forbidden."""
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if is_dataclass(hint):
            yield from keys(hint, f"{prefix}{name}.")  # type: ignore[arg-type]
        elif wrong(hint):
            yield f"{prefix}{name}", hint


def launch_keys() -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Key -> its type, and the words without which it is none of the launch."""
    own = {field.name for field in fields(Config) if field.default is not MISSING}
    found = {key: (hint, ()) for key, hint in keys(Config) if key.partition(".")[0] in own}
    for group, cls in (GROUPS | {"prompt": Prompt}).items():
        found |= {key: (hint, ()) for key, hint in keys(cls, f"{group}.")}
    for name, cls in STRATEGIES.items():
        hints = get_type_hints(cls, include_extras=True)
        found |= {f"strategy.{key}": (hints[key], (f"strategy={name}", "n=4")) for key in parameters(cls)}
    return found


KEYS = launch_keys()


def told(key: str) -> tuple[str, ...]:
    """How a message may name a key."""
    return f"{key}=", f"{key}:", f"{key}."


def value(chance: Random, place: Place) -> Mutation:
    key = chance.choice(list(KEYS))
    hint, words = KEYS[key]
    return Mutation(place.run(*words, f"{key}={chance.choice(wrong(hint))}"), told(key))


def command_value(chance: Random, place: Place) -> Mutation:
    """Of the commands whose words Hydra does not read."""
    file = place.here / "x.jsonl"
    file.write_text("{}\n")
    folder = str(place.whole)
    head, cls = chance.choice(
        [
            (("optimal", folder), OptimalSettings),
            (("regrade", folder, f"golds={file}"), RegradeSettings),
            (("import", "sal", str(file)), SalSettings),
            (("verify", str(file), "prm=fake"), LabelSettings),
            (("verify", folder), FolderSettings),
            (("show", folder), ShowSettings),
            (("export", folder), ExportSettings),
        ]
    )
    key, hint = chance.choice([(key, hint) for key, hint in keys(cls) if text_alone(hint) is False])
    deep = "[" * 100_000
    values = [*wrong(hint), "NaN", "-Infinity", deep]
    if hint == FolderName:
        values = [one for one in values if one not in ("7", "true", "NaN")]  # good names
    return Mutation((*head, f"{key}={chance.choice(values)}"), told(key))


def text_alone(hint: Any) -> bool:
    """Is it a text, whatever the text? `ttc optimal` and its like read such a word as it stands."""
    return hint is str or (get_origin(hint) in (Union, UnionType) and str in get_args(hint))


def misspelt(chance: Random, key: str) -> str:
    at = chance.randrange(len(key))
    return chance.choice([key[:at] + key[at + 1 :], key[:at] + key[at] + key[at:], key + "s", key.upper()])


def key(chance: Random, place: Place) -> Mutation:
    known = chance.choice(list(KEYS))
    made = misspelt(chance, known)
    while made in KEYS or made in GROUPS or made.strip(".") != made or ".." in made or not made:
        made = misspelt(chance, known)
    made = chance.choice([made, f"{made}.deeper", f"{known}.deeper", f"+{known}x", f"ключ{made}"])
    return Mutation(
        place.run(f"{made}=1"), (made.lstrip("+"), known, known.partition(".")[0], made.partition(".")[0])
    )


KINDS: dict[str, Kind] = {"a value": value, "a value of a command": command_value, "a key": key}
