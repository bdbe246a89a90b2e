"""Calls that may be tried again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ttc.types import TransientError

TRIES = 3
"""A call is tried so often; then its search has failed."""

T = TypeVar("T")


async def retry(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result; a transient error is followed by another try, up to TRIES."""
    for _ in range(TRIES - 1):
        try:
            return await call()
        except TransientError:
            continue
    return await call()
