"""Engines in Ray actors: an actor hosts one replica, and says when its engine has died.

Between it and a shard (lines.py) go batches, not calls: what a shard asks in one turn of its loop is one
message, and so is all that is finished meanwhile.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ttc.cluster.logs import Log
from ttc.cluster.metrics import Meter
from ttc.settings import extensions
from ttc.settings.own import OwnFile
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.types import (
    EngineDied,
    EngineStats,
    Interrupted,
    OutOfMemory,
    TooLong,
    TransientError,
    UserError,
    in_a_line,
)

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
    """One replica of an engine; what it and its processes print goes to the log of that name (logs.py).
    Async: hundreds of calls wait in it at once."""

    def __init__(self, log: str, home: str, extend: Sequence[OwnFile] = ()) -> None:
        self._log, self._extend = Log(log, home), extend
        role, _, replica = Path(log).stem.rpartition("-")  # policy-0.log
        self._meter = Meter(role=role, replica=replica)
        self._engine: Any = None
        self._stopped = False
        self._ready = asyncio.Event()
        self._dead = asyncio.Event()
        self._why: EngineDied | None = None
        self._mail: defaultdict[str, Mailbox] = defaultdict(Mailbox)
        self._running: set[asyncio.Task[None]] = set()

    async def serve(self, config: PolicyConfig | PrmConfig) -> NoReturn:
        """Loads the model, and answers until its engine dies: an engine wants to be made inside the loop that
        uses it.

        Raises:
            UserError: the model does not fit its part.
            EngineDied: it did not start, or is gone; OutOfMemory where the log says so.
        """
        from ttc.models import start

        try:
            extensions.load(self._extend)
            if self._engine is None:  # else only the driver had lost sight of it
                self._engine = await start(config)
            if self._dead.is_set():  # and its process is not ended yet
                raise self._why or EngineDied("the engine has died")
            self._ready.set()
            await self._dead.wait()
            raise self._why or EngineDied("the engine has died")
        except EngineDied as error:
            if self._log.tells_of_memory:
                raise OutOfMemory(str(error)) from None
            raise

    async def there(self) -> bool:
        """The process is."""
        return True

    async def ready(self) -> None:
        """Returns once the engine answers."""
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
        self._log.rotate()  # now and then
        stats: EngineStats = await self._engine.stats()
        self._meter.engine(stats, len(self._running))
        return stats

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
        if not self._ready.is_set():  # asked by a shard that had no call open when the last process died
            mail.put((number, None, EngineDied("it is not up")))
            return
        try:
            if self._stopped:
                raise Interrupted
            value = await getattr(self._engine, verb)(*arguments)
        except asyncio.CancelledError:
            error = Interrupted()
        except Exception as raised:
            error = raised
            if isinstance(raised, EngineDied):
                self._why = raised
                self._ready.clear()
                self._dead.set()
            if not isinstance(raised, OURS):  # the other side may not know its class
                traceback.print_exc()
                error = RuntimeError(f"{type(raised).__name__}: {in_a_line(raised)}")
        mail.put((number, value, error))
