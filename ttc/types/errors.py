"""What goes wrong, by name: each is caught in one place; and words that its lines share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ttc.types.secrets import mask


class Told(Exception):
    """One whose words people read, here or in a file: they show no secret."""

    def __init__(self, message: str = "") -> None:
        super().__init__(mask(message))


class TransientError(Told):
    """A call failed in a way that another try may mend. `spent`: tokens that it had made by then."""

    def __init__(self, message: str = "", spent: int = 0) -> None:
        super().__init__(message)
        self.spent = spent


class TooLong(Exception):
    """A problem, or what a conversation has become, does not fit the policy's context."""


class Cut(Exception):
    """A search is past one of its limits."""


class Interrupted(Exception):
    """The run is being stopped: hand over what is finished."""


class UserError(Told):
    """The user's mistake: printed as it is, without a traceback; exit code 2."""


class Unwritable(UserError):
    """The results folder takes no file: its disk is full, read-only or gone."""


class Faults(UserError):
    """Everything that is wrong with the input, one line each; from another process it comes as one text."""

    def __init__(self, lines: list[str] | str) -> None:
        listed = lines.splitlines() if isinstance(lines, str) else lines
        self.lines = list(dict.fromkeys(map(mask, listed)))
        super().__init__("\n".join(self.lines))


class EngineDied(Told):
    """A model's engine is gone; nothing it was asked can be answered."""


class OutOfMemory(EngineDied):
    """The device had no memory left for it: a smaller one may live."""


class TooManyFailures(Exception):
    """The same fault came again and again."""


def did_you_mean(word: str, names: Iterable[str], prefix: str = "") -> str:
    """`; did you mean strategy.width?` of the name that is nearest; "" where none is near."""
    near = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""


def in_a_line(error: BaseException) -> str:
    """What an error says, or what it is where it says nothing."""
    return " ".join(mask(str(error)).split())[:300] or type(error).__name__
