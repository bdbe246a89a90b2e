"""Engines in Ray actors, and the handles that make them look like engines again.

An actor hosts one replica. The handle is what a shard holds: it sends a problem always to the same replica,
so that its prefixes stay cached, and turns Ray's errors into ours.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar
from zlib import crc32

from ray.exceptions import RayActorError

from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.types import Draw, EngineDied, EngineStats, Interrupted, Judgement, Query, Sample, Sampling, total

T = TypeVar("T")


class Host:
    """One replica of an engine; what it and its processes print goes to the file `log`. Async: hundreds of
    calls wait in it at once."""

    def __init__(self, config: PolicyConfig | PrmConfig, log: str) -> None:
        redirect_output(log)
        self._config = config
        self._engine: Any = None
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Loads the model: an engine wants to be made inside the loop that uses it."""
        from ttc.models import start

        self._engine = await start(self._config)

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        return await self._unless_stopped(self._engine.generate(sampling, draws))

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return await self._unless_stopped(self._engine.judge(queries))

    async def stats(self) -> EngineStats:
        return await self._engine.stats()

    async def stop(self) -> None:
        """From now on every call, waiting or new, ends with Interrupted: so the shards learn of it."""
        self._stopped.set()

    async def shutdown(self) -> None:
        """Ends the engine's own processes, where it has any."""
        from ttc.models import shut_down

        await shut_down(self._engine)

    async def _unless_stopped(self, call: Awaitable[T]) -> T:
        work, stop = asyncio.ensure_future(call), asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Interrupted
            return work.result()
        finally:
            stop.cancel()
            work.cancel()


class Handle:
    """The replicas of one engine as a PolicyModel or a VerifierModel. Once the actor is gone, every call
    raises EngineDied."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._actors = list(actors)

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        return await _answer(self._replica(draws[0].question).generate.remote(sampling, draws))

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return await _answer(self._replica(queries[0].question).judge.remote(queries))

    async def check(self) -> None:
        """Every host has checked its engine at its start."""

    async def stats(self) -> EngineStats:
        """Of all replicas together. A busy second is one of the engine: replicas do not add theirs up."""
        all_ = await asyncio.gather(*(_answer(actor.stats.remote()) for actor in self._actors))
        return EngineStats(
            computed_tokens=total(stats.computed_tokens for stats in all_),
            cached_tokens=sum(stats.cached_tokens for stats in all_),
            requests=sum(stats.requests for stats in all_),
            busy_seconds=max(stats.busy_seconds for stats in all_),
        )

    def _replica(self, question: str) -> Any:
        return self._actors[crc32(question.encode()) % len(self._actors)]


async def _answer(ref: Awaitable[T]) -> T:
    try:
        return await ref
    except RayActorError as error:
        raise EngineDied(f"an engine died: {str(error).splitlines()[0]}") from None


def redirect_output(log: str) -> None:
    """Sends this process's output, and that of the processes it starts, to the file `log`."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "a") as file:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
