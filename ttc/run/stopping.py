"""How a launch ends before its work is done: whoever wants it says why, and all that runs looks here."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Why a launch is to end early; None while it is not. What is finished is handed over first."""

    def __init__(self) -> None:
        self.why: BaseException | None = None

    def ask(self, why: BaseException) -> None:
        """The first reason counts."""
        self.why = self.why or why

    @contextmanager
    def gently(self) -> Iterator[None]:
        """SIGINT and SIGTERM ask for the end instead of breaking into a commit; a second one breaks in."""

        def note(signum: int, frame: object) -> None:
            if isinstance(self.why, KeyboardInterrupt):
                raise KeyboardInterrupt
            self.ask(KeyboardInterrupt())

        kept = {name: signal.signal(name, note) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for name, handler in kept.items():
                signal.signal(name, handler)
