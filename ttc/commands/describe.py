"""Settings as lines of help: `key=default`, its range, and what it is, read off the dataclasses."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le

from ttc.commands.settings import ExportSettings, PushSettings, RegradeSettings, ShowSettings
from ttc.sal.settings import SalSettings
from ttc.settings.line import PRIMARY
from ttc.settings.options import CONF, SWEEPS
from ttc.settings.options import options as options_of
from ttc.settings.schema import GROUPS, Config
from ttc.strategies import STRATEGIES, VOTES_OF, parameters
from ttc.studies.settings import CompareSettings, OptimalSettings, ReportSettings
from ttc.types import INT, LONG, Names, Naturals, OneOf, Prompt, Spelled, Tags, either
from ttc.verify.settings import FolderSettings, LabelSettings

WIDTH = 110
KEY = 30
"""Columns for the key and its default."""


def describe_command(command: str) -> Iterator[str]:
    """Its key=value words."""
    match command:
        case "run" | "plan":
            yield from describe_launch()
        case "optimal":
            yield "settings:"
            yield from describe(OptimalSettings)
        case "compare":
            yield "settings:"
            yield from describe(CompareSettings)
        case "report":
            yield "settings:"
            yield from describe(ReportSettings)
        case "show":
            yield "settings (not said: a guided search before others, its largest n, its first seed):"
            yield from describe(ShowSettings)
        case "export":
            yield "settings:"
            yield from describe(ExportSettings)
        case "import":
            said = "what is not said is taken from a file's name, else it is search-and-learn's default"
            yield f"settings ({said}):"
            yield from describe(SalSettings)
            yield "  readout=default|sal, readout.*   as in `ttc run --help`"
        case "regrade":
            yield "settings (at least one):"
            yield from describe(RegradeSettings)
        case "push":
            yield "settings:"
            yield from describe(PushSettings)
        case "rescore":
            yield "settings (prm is a must; all else is as it was when the paths were sampled):"
            for group in ("prm", "cluster", "readout"):
                yield from options(group)
            yield "  prm.*, cluster.*, readout.*   as in `ttc run --help`"
        case "verify":
            yield "settings, for labelled steps:"
            yield from options("prm")
            yield "  prm.*   as in `ttc run --help`"
            yield from describe(LabelSettings)
            yield "settings, for a results folder:"
            yield from describe(FolderSettings)


def describe_launch() -> Iterator[str]:
    """All that a launch can be told."""
    chosen = dict(re.findall(r"^  - (\w+): (\S+)", (CONF / f"{PRIMARY}.yaml").read_text(), re.MULTILINE))
    yield f"strategies (strategy={chosen['strategy']}), and their parameters:"
    for name, strategy in STRATEGIES.items():
        yield f"  strategy={name}"
        for parameter in parameters(strategy).values():
            yield from _line(strategy, parameter, "strategy.", indent=4)
    for vote, name in VOTES_OF.items():
        yield f"  strategy={vote}: {name}, and the vote is its headline"
    yield f"saved sweeps: {', '.join(sorted(file.stem for file in SWEEPS.glob('*.yaml')))}"
    yield "settings of a launch:"
    for field in fields(Config):
        if is_dataclass(field.default):
            yield from describe(type(field.default), f"{field.name}.")  # type: ignore[arg-type]
        elif field.default is not MISSING:
            yield from _line(Config, field)
    for group in ("prompt", *GROUPS):
        yield f"{group}:"
        yield from options(group, chosen.get(group, "..."))
        yield from describe(GROUPS.get(group, Prompt), f"{group}.")


def options(group: str, default: str = "...") -> list[str]:
    """`prm=nano   acemath-7b-rm, fake, ...`: the options of a group."""
    return _fill(f"{group}={default}", ", ".join(options_of(group)))


def describe(cls: type, prefix: str = "") -> Iterator[str]:
    """A line or more for each setting of a dataclass, with those of the dataclasses inside it."""
    hints = get_type_hints(cls)
    for field in fields(cls):  # type: ignore[arg-type]
        if is_dataclass(inner := hints[field.name]):
            yield from describe(inner, f"{prefix}{field.name}.")  # type: ignore[arg-type]
        elif not (prefix and field.name == "name"):  # an option's own
            yield from _line(cls, field, prefix)


def _line(cls: type, field: Field, prefix: str = "", indent: int = 2) -> list[str]:
    hint = get_type_hints(cls, include_extras=True)[field.name]
    said = [_range(hint), _docs(cls).get(field.name, "")]
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return _fill(f"{prefix}{field.name}={_written(default)}", "; ".join(filter(None, said)), indent)


def _fill(key: str, text: str, indent: int = 2) -> list[str]:
    head, margin = " " * indent + key, " " * (KEY + 4)
    alone = not text or len(head) > KEY + 2
    first = margin if alone else f"{head:{KEY + 4}}"
    lines = textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=margin, break_on_hyphens=False)
    return [head, *lines] if alone else lines


def _written(value: Any) -> str:
    if value is MISSING:
        return "..."
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, separators=(",", ":")).replace('"', "")


# --- Ranges ----------------------------------------------------------------------------------------------

KINDS = {int: "whole number", float: "number", bool: "true or false"}


def _range(hint: Any) -> str:
    """`whole number >= 1`; `keep or compete`; nothing for a text."""
    if hint in (Naturals, Names, Tags):
        return f"a list, as {'[0,1]' if hint == Naturals else '[a,b]'}"
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(filter(None, (_range(one) for one in get_args(hint) if one is not type(None))))
    if get_origin(hint) is Literal:
        return either(get_args(hint))
    if get_origin(hint) is Annotated:
        return _bounds(*get_args(hint))
    return KINDS.get(hint, "")


def _bounds(kind: Any, *marks: Any) -> str:
    words = [_range(kind)]
    for mark in marks:
        match mark:
            case OneOf():
                words = [either(mark.registry)]
            case Spelled():
                words = [mark.what]
            case Ge():
                words.append(f">= {mark.ge}")
            case Gt():
                words.append(f"> {mark.gt}")
            case Le() if mark not in (INT, LONG):
                words.append(f"<= {mark.le}")
    return " ".join(filter(None, words))


# --- What a setting is -----------------------------------------------------------------------------------


def _docs(cls: type) -> dict[str, str]:
    """Of each field: the text below it, or its line under `Attributes:`."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if is_dataclass(base):
            docs |= _listed(base.__doc__ or "") | _below(base)
    return docs


def _listed(doc: str) -> dict[str, str]:
    section = inspect.cleandoc(doc).partition("Attributes:\n")[2]
    entries = re.split(r"\n(?=    \w)", f"\n{section}")
    return {
        name: " ".join(text.split())
        for names, _, text in (entry.strip().partition(": ") for entry in entries)
        for name in names.split(", ")
        if text
    }


def _below(cls: type) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    docs = {}
    for node, after in zip(tree.body, tree.body[1:], strict=False):
        text = after.value if isinstance(after, ast.Expr) else None
        if isinstance(node, ast.AnnAssign) and isinstance(text, ast.Constant):
            docs[ast.unparse(node.target)] = " ".join(str(text.value).split())
    return docs
