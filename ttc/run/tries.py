"""A call that fails in passing is made again: alone, after a pause, a few times."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ttc.types import TransientError

PAUSES = (0.1, 0.5, None)
"""Seconds after each failure, half as long to half as long again: what failed together does not come back
together. None: then the call has failed for good."""

T = TypeVar("T")


async def retry(
    call: Callable[[], Awaitable[T]], failed: Callable[[TransientError], None] = lambda error: None
) -> T:
    """The call's result, of the first try that gives one. `failed` hears of every try that does not.

    Raises:
        TransientError: of the last try.
    """
    for pause in PAUSES:
        try:
            return await call()
        except TransientError as error:
            failed(error)
            if pause is None:
                raise
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
    raise AssertionError("the last pause is None")
