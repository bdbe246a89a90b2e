"""A launch's words, sorted: flags, and overrides that Hydra reads (compose.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ttc.types import UserError

PRIMARY = "config"
"""The config that is composed where no line names another."""


@dataclass(frozen=True)
class Line:
    """The grid's flag, the folder and the name of the primary config, and the overrides."""

    multirun: bool
    folder: str | None
    config: str
    overrides: list[str]
    extend: list[str] | None = None
    """The files that `extend=[...]` names; None: it is not said."""

    def __str__(self) -> str:
        return " ".join(self.overrides) or "the line" if self.config == PRIMARY else f"-cn {self.config}"


def read_line(arguments: Sequence[str]) -> Line:
    """Refuses a flag that is not known, or one without its value."""
    values: dict[str, str] = {}
    names = {"-cd": "folder", "--config-dir": "folder", "-cn": "config", "--config-name": "config"}
    multirun, overrides, words = False, [], iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if word in ("-m", "--multirun"):
            multirun = True
        elif flag in names:
            given = value if equals else next(words, None)
            if not given:
                raise UserError(f"{flag}: expected one argument; see --help")
            values[names[flag]] = given
        elif word.startswith("-"):
            raise UserError(f"unrecognized arguments: {word}; see --help")
        elif not flag.lstrip("+~"):
            raise UserError(f"{word!r}: settings read key=value")
        else:
            overrides.append(word)
    folder, config = values.get("folder"), values.get("config", PRIMARY)
    return Line(multirun, folder, config, overrides, read_extend(overrides))


def read_extend(words: Iterable[str]) -> list[str] | None:
    """The files that a command's `extend=[a.py,b.py]` names, which have to be known before anything else of
    it is; None: it is not said.

    Raises:
        UserError: it is no list, or said twice.
    """
    said = [word for word in words if says_extend(word)]
    if len(said) > 1:
        raise UserError(f"{said[1]}: said twice; a list may hold several: extend=[./a.py,./b.py]")
    for word in said:
        listed = re.fullmatch(r"\[([^\[\]]*)\]", word.partition("=")[2])
        if not listed:
            raise UserError(f"{word}: must be one list of files, as in extend=[./my_search.py]")
        return [name for one in listed[1].split(",") if (name := one.strip().strip("'\""))]
    return None


def says_extend(word: str) -> bool:
    return word.lstrip("+").startswith("extend=")
