"""What one search may take, so that none takes the sweep: past a limit it ends as `cut`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ttc.types import Cut


@dataclass(frozen=True)
class Limits:
    """Sampled steps and tokens of one search, and seconds from its first draw on; None: no limit.

    A search that is at one may not draw again: what it has asked for by then it still gets.
    """

    steps: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    def check(self, steps: int, tokens: int | None) -> None:
        """Raises:
        Cut: nothing more may be drawn.
        """
        if self.steps is not None and steps >= self.steps:
            raise Cut(f"{steps} steps, and search_steps={self.steps}")
        if self.tokens is not None and tokens is not None and tokens >= self.tokens:
            raise Cut(f"{tokens} tokens, and search_tokens={self.tokens}")

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Around a search.

        Raises:
            Cut: its seconds are over; what it waited for is given up.
        """
        try:
            async with asyncio.timeout(self.seconds) as clock:
                yield
        except TimeoutError:
            if not clock.expired():  # somebody else's
                raise
            raise Cut(f"not over after search_seconds={self.seconds:g}") from None


UNLIMITED = Limits()
