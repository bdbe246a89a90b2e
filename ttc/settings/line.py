"""A launch's words, sorted: flags, and overrides that Hydra reads (compose.py)."""

from __future__ import annotations

from collections.abc import Sequence
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
    return Line(multirun, values.get("folder"), values.get("config", PRIMARY), overrides)
