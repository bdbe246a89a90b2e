"""What a shard holds of the engines in actors: they look like engines again, and outlive their deaths.

A problem goes always to the same replica, so that its prefixes stay cached. Where that one is gone its open
calls, and only they, go to the next one that lives, under the same seeds; until it is back.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any
from uuid import uuid4
from zlib import crc32

from ray.exceptions import ActorDiedError, RayActorError

from ttc.cluster.hosts import GATHERING
from ttc.types import Draw, EngineDied, EngineStats, Judgement, Query, Sample, Sampling, total

DEATHS = 3
"""Engines that may die under one call; then it has failed: it may be what kills them."""

PAUSE = 0.5
"""Seconds between two questions whether a dead replica is back."""


class Line:
    """Calls to one actor. Make it in the event loop that uses it.

    Attributes:
        up: the replica answers.
        gone: it is dead and will not come back.
    """

    def __init__(self, actor: Any, changed: asyncio.Event) -> None:
        self.actor = actor
        self.up, self.gone = True, False
        self._changed = changed
        self._name, self._numbers = uuid4().hex, itertools.count()
        self._outgoing: list[tuple[int, str, tuple[Any, ...]]] = []
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._fetching: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None

    async def ask(self, verb: str, *arguments: Any) -> Any:
        """What the engine's method gives, or raises.

        Raises:
            EngineDied: the replica is gone, and nobody knows what became of the call.
        """
        loop, number = asyncio.get_running_loop(), next(self._numbers)
        if not self._outgoing:
            loop.call_later(GATHERING, self._send)
        self._outgoing.append((number, verb, arguments))
        future = self._open[number] = loop.create_future()
        return await future

    async def wait(self) -> None:
        """Until the replica is up, or gone."""
        while not self.gone:
            try:
                await self.actor.ready.remote()
            except ActorDiedError:
                self.gone = True
            except RayActorError:  # it is being started again
                await asyncio.sleep(PAUSE)
            else:
                self.up = True
                break
        self._changed.set()

    def _send(self) -> None:
        calls, self._outgoing = self._outgoing, []
        if not calls:
            return  # they are lost already
        self.actor.ask.remote(self._name, calls)
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        """Fetches answers while calls are open. Where that fails, all of them have failed."""
        try:
            while self._open:
                answers = await self.actor.answers.remote(self._name)
                for number, value, error in answers:
                    future = self._open.pop(number, None)
                    if future is None or future.done():  # given up
                        continue
                    if error:
                        future.set_exception(error)
                    else:
                        future.set_result(value)
                if death := next((error for _, _, error in answers if isinstance(error, EngineDied)), None):
                    self._lose(death)
        except Exception as error:
            died = isinstance(error, RayActorError)
            self._lose(EngineDied(f"an engine died: {str(error).splitlines()[0]}") if died else error)
        finally:
            self._fetching = None

    def _lose(self, error: Exception) -> None:
        """The replica is down, and with it all that it was asked."""
        self.up = False
        lost, self._open, self._outgoing = self._open, {}, []
        for future in lost.values():
            if not future.done():
                future.set_exception(error)
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.create_task(self.wait())


class Handle:
    """The replicas of one engine as a PolicyModel or a VerifierModel. Once none will come back, every call
    raises EngineDied. Make it in the event loop that uses it."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._changed = asyncio.Event()
        self._lines = [Line(actor, self._changed) for actor in actors]

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        return await self._ask(draws[0].question, "generate", sampling, draws)

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return await self._ask(queries[0].question, "judge", queries)

    async def compare(self, queries: Sequence[Query]) -> list[Judgement]:
        return await self._ask(queries[0].question, "compare", queries)

    async def check(self) -> None:
        """Waits until all replicas are up, or gone: every host checks its engine at its start."""
        await asyncio.gather(*(line.wait() for line in self._lines))

    async def stats(self) -> EngineStats:
        """Of all replicas that are up, together. A busy second is one of the engine: replicas do not add
        theirs up."""
        up = [line for line in self._lines if line.up]
        all_: list[EngineStats] = await asyncio.gather(*(line.actor.stats.remote() for line in up))
        return EngineStats(
            computed_tokens=total(stats.computed_tokens for stats in all_),
            cached_tokens=sum(stats.cached_tokens for stats in all_),
            requests=sum(stats.requests for stats in all_),
            busy_seconds=max(stats.busy_seconds for stats in all_),
        )

    async def _ask(self, question: str, verb: str, *arguments: Any) -> Any:
        for _ in range(DEATHS):
            line = await self._living(question)
            try:
                return await line.ask(verb, *arguments)
            except EngineDied as error:
                death = error
        raise RuntimeError(f"{DEATHS} engines died under one call: {death}")

    async def _living(self, question: str) -> Line:
        """The question's own replica, else the next one that is up, once one is."""
        first = crc32(question.encode()) % len(self._lines)
        ranked = [*self._lines[first:], *self._lines[:first]]
        while True:
            for line in ranked:
                if line.up:
                    return line
            if all(line.gone for line in ranked):
                raise EngineDied("no replica of an engine is left")
            self._changed.clear()
            await self._changed.wait()
