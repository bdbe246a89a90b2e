"""A user's own file (`extend=[./my_search.py]`): read once, imported wherever ttc runs, its content known.

Only a file that a person's line, or the saved sweep that it names, says is ever run: what a results folder
keeps of one is for people to read. It is imported from its content and not from the disk, so that a shard on
another node runs what the launch has read; its strategies are registered by themselves, and it may add to any
registry.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from importlib.abc import InspectLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, get_type_hints

from ttc.strategies import STRATEGIES, VOTES_OF
from ttc.types import Faults, Strategy, UserError, in_a_line, place_of

REGISTRIES: Mapping[str, tuple[str, str]] = {
    "strategy": ("ttc.strategies", "STRATEGIES"),
    "aggregation": ("ttc.strategies.aggregations", "AGGREGATIONS"),
    "vote": ("ttc.readout.votes", "VOTES"),
    "heuristic": ("ttc.models.heuristics", "HEURISTICS"),
    "format": ("ttc.models.formats", "FORMATS"),
    "engine": ("ttc.models", "ENGINES"),
    "dataset": ("ttc.data.problems", "SOURCES"),
    "grader": ("ttc.grading", "GRADERS"),
    "extraction": ("ttc.grading", "EXTRACTIONS"),
    "subset": ("ttc.readout.subsets", "SUBSETS"),
    "habit": ("ttc.readout.habits", "HABITS"),
    "table": ("ttc.readout.rows", "TABLES"),
    "rule": ("ttc.readout.endings", "RULES"),
    "writer": ("ttc.models.writers", "WRITERS"),
}
"""What a file may add to: module and name, since the rooms are above this one."""


@dataclass(frozen=True)
class OwnFile:
    """A file as a line names it, and its content. It goes to other processes as it is."""

    path: str
    text: str

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def module(self) -> str:
        """Under which its classes are pickled: random.py hides no other module."""
        return f"ttc_extend_{Path(self.path).stem}"

    @property
    def content(self) -> str:
        """Names the content, as it is: a blank more is another one."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def read_files(said: Sequence[str], beside: Path | None = None) -> tuple[OwnFile, ...]:
    """The files that `extend` names, relative to `beside`; None: to where we are.

    Raises:
        Faults: one is not there or is no text, or two have one name; all at once.
    """
    files, faults = [], []
    for path in said:
        place = place_of(path)
        place = beside / place if beside else place
        if place.suffix != ".py" or not place.stem.isidentifier():
            faults.append(f"extend: {path}: must be a Python file that could be imported, as my_search.py")
            continue
        try:
            files.append(OwnFile(str(place), place.read_bytes().decode()))
        except OSError as error:
            faults.append(f"extend: {path}: {'no such file' if not place.exists() else error.strerror}")
        except ValueError:
            faults.append(f"extend: {path}: not UTF-8")
    names = [file.name for file in files]
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    faults += [f"extend: two files are called {name}: give one another name" for name in twice]
    if faults:
        raise Faults(faults)
    return tuple(files)


class _Content(InspectLoader):
    def __init__(self, file: OwnFile) -> None:
        self._file = file

    def get_source(self, fullname: str) -> str:
        return self._file.text

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self._file.text, self._file.path)


def run(file: OwnFile) -> dict[str, list[str]]:
    """Imports the file and registers its strategies; what it has added: registry -> names.

    Raises:
        Faults: it does not import, adds nothing, takes a name that there is, or has a strategy that is none;
            then nothing of it is left.
    """
    before = {kind: dict(_registry(kind)) for kind in REGISTRIES}
    try:
        faults = list(_register(_import(file)))
        added = {kind: [name for name in _registry(kind) if name not in before[kind]] for kind in before}
        faults += [
            f"{kind} {name}: there is one of that name already; take another"
            for kind, earlier in before.items()
            for name, entry in earlier.items()
            if _registry(kind).get(name) is not entry
        ]
        if not faults and not any(added.values()):
            faults = ["defines no strategy, and adds to no registry (docs/extending.md)"]
        if faults:
            raise Faults([f"{file.name}: {fault}" for fault in faults])
    except BaseException:
        for kind, earlier in before.items():
            _registry(kind).clear()
            _registry(kind).update(earlier)
        sys.modules.pop(file.module, None)
        raise
    return {kind: names for kind, names in added.items() if names}


def forget(file: OwnFile, added: Mapping[str, Sequence[str]]) -> None:
    """Takes back what `run` did."""
    for kind, names in added.items():
        for name in names:
            _registry(kind).pop(name, None)
    sys.modules.pop(file.module, None)


def names_of(kind: str) -> list[str]:
    """What a registry has."""
    return [*_registry(kind)]


def place_in(error: BaseException, paths: Sequence[str]) -> str | None:
    """The deepest line of one of these files in an error's traceback: `my_search.py, line 12`."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    own = [f"{Path(path).name}, line {line}" for path, line in frames if path in paths]
    return own[-1] if own else None


def _registry(kind: str) -> dict[str, Any]:
    module, name = REGISTRIES[kind]
    registry: dict[str, Any] = getattr(importlib.import_module(module), name)
    return registry


def _import(file: OwnFile) -> ModuleType:
    spec = spec_from_loader(file.module, _Content(file), origin=file.path, is_package=False)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    module.__file__ = file.path
    sys.modules[file.module] = module  # its dataclasses look themselves up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        at = place_in(error, [file.path])
        if isinstance(error, SyntaxError) and error.filename == file.path:
            raise UserError(f"{file.name}, line {error.lineno}: SyntaxError: {error.msg}") from None
        raise UserError(f"{at or file.name}: {type(error).__name__}: {in_a_line(error)}") from None
    return module


def _register(module: ModuleType) -> Iterator[str]:
    """Each strategy that the module defines under its name in snake case, but for one that it has registered
    itself, and for those whose name begins with _. What is wrong with one, a line each."""
    for cls in [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Strategy)]:
        if cls.__module__ != module.__name__ or cls.__name__.startswith("_"):
            continue
        yield from (f"{cls.__name__}{fault}" for fault in _faults(cls))
        if cls in STRATEGIES.values():
            continue
        name = name_of(cls)
        if name in STRATEGIES or name in VOTES_OF:
            yield f"strategy {name}: there is one of that name already; take another"
        else:
            STRATEGIES[name] = cls


def name_of(cls: type) -> str:
    """`my_search` of MySearch, `mcts_fast` of MCTSFast."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


def _faults(cls: type[Strategy]) -> Iterator[str]:
    if "search" in cls.__abstractmethods__:
        yield ": has no `search`; a class that is only there for others begins with _"
    elif not inspect.iscoroutinefunction(cls.search):
        yield ".search: must be `async def`"
    if "__dataclass_params__" not in vars(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        yield ": must be a dataclass of its own, @dataclass(frozen=True)"
        return
    try:
        get_type_hints(cls)
    except Exception as error:
        yield f": its fields' types cannot be read ({in_a_line(error)})"
    own = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    if "n" not in own:
        yield ".n: missing; the paths that it may return, as in n: int = 16"
    for name, field in own.items():
        if field.default is MISSING and field.default_factory is MISSING:
            yield f".{name}: needs a default: a strategy runs as it is"
