"""Many calls at once, as one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all calls, in order. The first failure ends the others and is raised as it is."""
    listed = [*calls]
    if len(listed) == 1:  # no task for what runs alone
        return [await listed[0]]
    tasks = [asyncio.ensure_future(call) for call in listed]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
