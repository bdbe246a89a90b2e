"""What is asked of a model once and remembered: searches share a tree, so they ask the same again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Running(Generic[T]):
    """An answer that is being computed, and how many calls wait for it."""

    task: asyncio.Task[T]
    waiting: int = 0


class Shared(Generic[T]):
    """Answers by key: the latest `kept` of them, and those that are being computed."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._known: OrderedDict[bytes, T] = OrderedDict()
        self._running: dict[bytes, _Running[T]] = {}

    async def get(self, key: bytes, ask: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """The answer, and whether this call is the one that asked for it."""
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key], False
        own = key not in self._running
        if own:
            self._running[key] = _Running(asyncio.create_task(self._ask(key, ask)))
        running = self._running[key]
        running.waiting += 1
        try:
            # shielded: a call that gives up must not take the answer from those who still wait for it
            return await asyncio.shield(running.task), own
        finally:
            running.waiting -= 1
            if not running.waiting and not running.task.done():
                self._forget(key, running.task)
                running.task.cancel()

    async def _ask(self, key: bytes, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            answer = await ask()
        finally:
            self._forget(key, asyncio.current_task())
        self._known[key] = answer
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return answer

    def _forget(self, key: bytes, task: asyncio.Task[T] | None) -> None:
        # a cancelled task ends after its successor has begun
        if key in self._running and self._running[key].task is task:
            del self._running[key]
