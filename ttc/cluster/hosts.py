"""Engines in Ray actors, and the handles that make them look like engines again.

An actor hosts one replica. The handle is what a shard holds: it sends a problem always to the same replica,
so that its prefixes stay cached, and turns Ray's errors into ours. Between the two go batches, not calls:
what a shard asks in one turn of its loop is one message, and so is all that is finished meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4
from zlib import crc32

from ray.exceptions import RayActorError

from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.types import (
    Draw,
    EngineDied,
    EngineStats,
    Interrupted,
    Judgement,
    Query,
    Sample,
    Sampling,
    TooLong,
    TransientError,
    UserError,
    in_a_line,
    total,
)

T = TypeVar("T")

OURS = (EngineDied, Interrupted, TooLong, TransientError, UserError)

GATHERING = 0.002
"""Seconds that a message waits for more to come along: a message costs as much as ten calls in it, and an
engine's step takes longer."""

Answer = tuple[int, Any, Exception | None]
"""The number of a call, what it gave, what it raised."""


@dataclass
class Mailbox:
    """What is finished of one shard's calls and not fetched yet."""

    answers: list[Answer] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.news.set()


class Host:
    """One replica of an engine; what it and its processes print goes to the file `log`. Async: hundreds of
    calls wait in it at once."""

    def __init__(self, config: PolicyConfig | PrmConfig, log: str) -> None:
        redirect_output(log)
        self._config = config
        self._engine: Any = None
        self._stopped = False
        self._ready = asyncio.Event()
        self._mail: defaultdict[str, Mailbox] = defaultdict(Mailbox)
        self._running: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Loads the model: an engine wants to be made inside the loop that uses it."""
        from ttc.models import start

        self._engine = await start(self._config)
        self._ready.set()

    async def ready(self) -> None:
        """Returns once `start` is through."""
        await self._ready.wait()

    async def ask(self, shard: str, calls: Sequence[tuple[int, str, tuple[Any, ...]]]) -> None:
        """Begins calls: (number, verb, arguments) each. What comes of them goes to `answers`."""
        for call in calls:
            task = asyncio.create_task(self._answer(self._mail[shard], *call))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def answers(self, shard: str) -> list[Answer]:
        """What is finished of this shard's calls, once something is."""
        mail = self._mail[shard]
        await mail.news.wait()
        await asyncio.sleep(GATHERING)
        mail.news.clear()
        answers, mail.answers = mail.answers, []
        return answers

    async def stats(self) -> EngineStats:
        return await self._engine.stats()

    async def stop(self) -> None:
        """From now on every call, waiting or new, ends with Interrupted: so the shards learn of it."""
        self._stopped = True
        for task in self._running:
            task.cancel()

    async def shutdown(self) -> None:
        """Ends the engine's own processes, where it has any."""
        from ttc.models import shut_down

        await shut_down(self._engine)

    async def _answer(self, mail: Mailbox, number: int, verb: str, arguments: tuple[Any, ...]) -> None:
        value: Any = None
        error: Exception | None = None
        try:
            if self._stopped:
                raise Interrupted
            value = await getattr(self._engine, verb)(*arguments)
        except asyncio.CancelledError:
            error = Interrupted()
        except Exception as raised:
            error = raised
            if not isinstance(raised, OURS):  # the other side may not know its class
                traceback.print_exc()
                error = RuntimeError(f"{type(raised).__name__}: {in_a_line(raised)}")
        mail.put((number, value, error))


class Line:
    """Calls to one actor. Make it in the event loop that uses it."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self._name, self._numbers = uuid4().hex, itertools.count()
        self._outgoing: list[tuple[int, str, tuple[Any, ...]]] = []
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._fetching: asyncio.Task[None] | None = None

    async def ask(self, verb: str, *arguments: Any) -> Any:
        """What the engine's method gives, or raises."""
        loop, number = asyncio.get_running_loop(), next(self._numbers)
        if not self._outgoing:
            loop.call_later(GATHERING, self._send)
        self._outgoing.append((number, verb, arguments))
        future = self._open[number] = loop.create_future()
        return await future

    def _send(self) -> None:
        calls, self._outgoing = self._outgoing, []
        self.actor.ask.remote(self._name, calls)
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        """Fetches answers while calls are open. Where that fails, all of them have failed."""
        try:
            while self._open:
                for number, value, error in await _answer(self.actor.answers.remote(self._name)):
                    future = self._open.pop(number)
                    if future.cancelled():
                        continue
                    if error:
                        future.set_exception(error)
                    else:
                        future.set_result(value)
        except Exception as error:
            lost, self._open = self._open, {}
            for future in lost.values():
                if not future.done():
                    future.set_exception(error)
        finally:
            self._fetching = None


class Handle:
    """The replicas of one engine as a PolicyModel or a VerifierModel. Once the actor is gone, every call
    raises EngineDied. Make it in the event loop that uses it."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._lines = [Line(actor) for actor in actors]

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        return await self._line(draws[0].question).ask("generate", sampling, draws)

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return await self._line(queries[0].question).ask("judge", queries)

    async def check(self) -> None:
        """Waits until all replicas are up: every host checks its engine at its start."""
        await asyncio.gather(*(_answer(line.actor.ready.remote()) for line in self._lines))

    async def stats(self) -> EngineStats:
        """Of all replicas together. A busy second is one of the engine: replicas do not add theirs up."""
        all_ = await asyncio.gather(*(_answer(line.actor.stats.remote()) for line in self._lines))
        return EngineStats(
            computed_tokens=total(stats.computed_tokens for stats in all_),
            cached_tokens=sum(stats.cached_tokens for stats in all_),
            requests=sum(stats.requests for stats in all_),
            busy_seconds=max(stats.busy_seconds for stats in all_),
        )

    def _line(self, question: str) -> Line:
        return self._lines[crc32(question.encode()) % len(self._lines)]


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
