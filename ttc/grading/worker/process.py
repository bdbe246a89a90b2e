"""`Worker`: a `python -m ttc.grading.worker` process and its pipes; `WorkerPool`: some, under a limit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

START_LIMIT = 120.0
"""Seconds for a worker to import math-verify: 0.4 on a quiet machine."""

AHEAD = 16
"""Requests that are sent before the first is answered: a worker never waits for the next."""


class Worker:
    """A process that answers one request after the other. Left out on purpose: retries, a cache."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Worker:
        """A worker that has imported math-verify.

        Raises:
            RuntimeError: the process ended, or was not ready in time, before it was asked anything.
        """
        home = str(Path(__file__).resolve().parents[3])  # a Ray task's directory is not the project's
        path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ttc.grading.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the driver: it hands over what is finished first
        )
        worker = cls(process)
        try:
            await asyncio.wait_for(worker.reply(), START_LIMIT)
        except (EOFError, TimeoutError) as error:
            await worker.kill()
            raise RuntimeError("the grading worker did not start: python -m ttc.grading.worker") from error
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def send(self, requests: Sequence[dict]) -> None:
        """Requests that it will answer in their order; `reply` has the answers."""
        assert self._process.stdin is not None
        self._process.stdin.writelines(json.dumps(request).encode() + b"\n" for request in requests)
        with contextlib.suppress(ConnectionError):  # a dead worker's pipe: `reply` says so
            await self._process.stdin.drain()

    async def reply(self) -> dict:
        """The next answer. Raises EOFError where it died of the request, or says what is no answer."""
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # a line without an end, or no JSON
            line = await self._process.stdout.readline()
            if line.endswith(b"\n") and isinstance(said := json.loads(line), dict):
                return said
        raise EOFError

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


Asked = tuple[dict, "asyncio.Future[dict]"]


class WorkerPool:
    """Workers that are started when they are needed, and killed where a request takes too long or breaks one.

    Args:
        limit: seconds that a request may take; a worker's start is not in it.
        workers: how many run at once.
    """

    def __init__(self, limit: float, workers: int = 2) -> None:
        self._limit, self._workers = limit, workers
        self._waiting: deque[Asked] = deque()
        self._serving: set[asyncio.Task[None]] = set()
        self._idle: list[Worker] = []

    async def ask(self, **request: str) -> dict:
        """What a worker replies to {"gold", "answer"} or {"text"}.

        Raises:
            TimeoutError: it took longer than the limit.
            EOFError: the worker died of it.
            RuntimeError: no worker could be started.
        """
        future: asyncio.Future[dict] = asyncio.get_running_loop().create_future()
        self._waiting.append(({**request, "limit": self._limit}, future))
        if len(self._serving) < self._workers:
            task = asyncio.create_task(self._serve())
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        return await future

    async def _serve(self) -> None:
        """One worker's turn: answers what waits, some requests ahead, until nothing does."""
        worker = self._idle.pop() if self._idle else None
        try:
            while batch := self._take():
                try:
                    worker = worker or await Worker.start()
                except RuntimeError as error:
                    for _, future in batch:
                        future.set_exception(error)
                    continue
                if not await self._answer(worker, batch):
                    broken, worker = worker, None
                    await broken.kill()
        except BaseException:  # cancelled: a late reply would be taken for the next request's
            if worker:
                await worker.kill()
            raise
        if worker:
            self._idle.append(worker)

    def _take(self) -> list[Asked]:
        """This worker's share of what waits; what nobody waits for any more is left out."""
        self._waiting = deque(asked for asked in self._waiting if not asked[1].done())
        share = min(AHEAD, -(-len(self._waiting) // self._workers))
        return [self._waiting.popleft() for _ in range(share)]

    async def _answer(self, worker: Worker, batch: list[Asked]) -> bool:
        """Hands the replies out. False: the worker broke on one; the requests behind it wait again."""
        await worker.send([request for request, _ in batch])
        for index, (_, future) in enumerate(batch):
            try:
                reply = await asyncio.wait_for(worker.reply(), self._limit)
            except (TimeoutError, EOFError) as error:
                if not future.done():
                    future.set_exception(error)
                self._waiting.extendleft(reversed(batch[index + 1 :]))
                return False
            if not future.done():
                future.set_result(reply)
        return True

    async def close(self) -> None:
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for worker in self._idle:
            await worker.kill()
        self._idle.clear()
