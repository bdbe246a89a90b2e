"""What an engine has done since it started, counted in one way whatever the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ttc.types import EngineStats, total


class Counters:
    """Tokens, requests and busy seconds of one engine, inside one event loop."""

    def __init__(self) -> None:
        self._computed: int | None = 0
        self._cached = self._requests = 0
        self._running = 0
        self._since = self._busy = 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around a request: seconds in which at least one runs are busy."""
        if not self._running:
            self._since = time.monotonic()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._busy += time.monotonic() - self._since

    def count(self, tokens: int | None, cached: int | None = None) -> None:
        """A request is done: tokens fed and generated (None: nobody counted), and how many of them the prefix
        cache held."""
        self._requests += 1
        self._computed = total([self._computed, tokens, -(cached or 0)])
        self._cached += cached or 0

    def stats(self) -> EngineStats:
        busy = self._busy + (time.monotonic() - self._since if self._running else 0.0)
        return EngineStats(self._computed, self._cached, self._requests, busy)


class OnEngine:
    """A policy or a reader on an `engine` that counts and can be stopped."""

    engine: Any

    async def stats(self) -> EngineStats:
        return self.engine.counters.stats()

    def shutdown(self) -> None:
        self.engine.shutdown()
