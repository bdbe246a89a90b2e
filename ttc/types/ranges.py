"""Types that say what is valid: a setting or a strategy's parameter is declared with one, and checked by it.

Nothing is checked when an object is made; `settings.build` does, with all faults at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from pydantic import AllowInfNan, Strict

from ttc.types.errors import UserError
from ttc.types.places import place_of

INT, LONG = Le(2**31 - 1), Le(2**63 - 1)
"""What columns of whole numbers hold."""

Count = Annotated[int, Strict(), Ge(1), INT]
Natural = Annotated[int, Strict(), Ge(0), LONG]
Steps = Annotated[int, Strict(), Ge(0), INT]
Share = Annotated[float, Strict(), Ge(0), Le(1)]
PositiveShare = Annotated[float, Strict(), Gt(0), Le(1)]
Positive = Annotated[float, Strict(), AllowInfNan(False), Gt(0)]
NotNegative = Annotated[float, Strict(), AllowInfNan(False), Ge(0)]
Naturals = Annotated[tuple[Natural, ...], Strict(False)]
Names = Annotated[tuple[str, ...], Strict(False)]


def either(names: Iterable[object]) -> str:
    """`a, b or c`."""
    *others, last = map(str, names)
    return f"{', '.join(others)} or {last}" if others else last


def _schema(fits: Callable[[str], object], what: Callable[[], str]) -> Any:
    """For pydantic: a text that `fits`, else a fault that says `what` it must be."""
    from pydantic_core import PydanticCustomError, core_schema

    def check(value: str) -> str:
        if not fits(value):
            raise PydanticCustomError("text", "must be {what}", {"what": what()})
        return value

    return core_schema.no_info_after_validator_function(check, core_schema.str_schema(strict=True))


@dataclass(frozen=True, eq=False)
class OneOf:
    """A name of a registry, as the registry is when the setting is checked: entries may have been added."""

    registry: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return _schema(self.registry.__contains__, lambda: either(map(repr, self.registry)))


@dataclass(frozen=True)
class Spelled:
    """A text that the whole of `pattern` matches; `what` tells a person what that is."""

    pattern: str
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return _schema(re.compile(self.pattern).fullmatch, lambda: self.what)


class _File:
    """A file's text: the value is what it holds, so a change of it is a change of the setting."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import PydanticCustomError, core_schema

        def read(value: str) -> str:
            if value.lstrip().startswith("{"):
                return value  # read already
            try:
                return place_of(value).read_text("utf-8")
            except (OSError, UnicodeDecodeError, UserError) as error:
                raise PydanticCustomError(
                    "file", "must be a file to read ({why})", {"why": str(error)}
                ) from None

        return core_schema.no_info_after_validator_function(read, core_schema.str_schema(strict=True))


Contents = Annotated[str, _File()]

TAG = "a tag's name, or how it opens and how it closes, with a blank between"
Tags = Annotated[tuple[Annotated[str, Spelled(r"[^\s<>]+|\S+ \S+", TAG)], ...], Strict(False)]

Words = Annotated[str, Spelled(r"(?s).*\S.*", "a text that says something")]

FOLDER = "one folder name: letters, digits, '.', '_' and '-', beginning with a letter or digit"
FolderName = Annotated[str, Spelled(r"[A-Za-z0-9][A-Za-z0-9._-]*", FOLDER)]
