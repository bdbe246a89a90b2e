"""`Worker`: a `python -m ttc.grading.worker` process and its pipes; `WorkerPool`: some, under a limit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

START_LIMIT = 120.0
"""Seconds for a worker to import math-verify: 0.4 on a quiet machine."""


class Worker:
    """A process that answers one request at a time. Left out on purpose: retries, a cache."""

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
            await asyncio.wait_for(worker._reply(), START_LIMIT)
        except (EOFError, TimeoutError) as error:
            await worker.kill()
            raise RuntimeError("the grading worker did not start: python -m ttc.grading.worker") from error
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def ask(self, request: dict) -> dict:
        """The worker's reply. Raises EOFError where it died of the request."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # a dead worker's pipe: _reply says so
            await self._process.stdin.drain()
        return await self._reply()

    async def _reply(self) -> dict:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return json.loads(line)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class WorkerPool:
    """Workers that are started when they are needed, and killed where a request takes too long or breaks one.

    Args:
        limit: seconds that a request may take; a worker's start is not in it.
        workers: how many run at once.
    """

    def __init__(self, limit: float, workers: int = 2) -> None:
        self._limit = limit
        self._slots = asyncio.Semaphore(workers)
        self._idle: list[Worker] = []

    async def ask(self, **request: str) -> dict:
        """What a worker replies to {"gold", "answer"} or {"text"}.

        Raises:
            TimeoutError: it took longer than the limit.
            EOFError: the worker died of it.
        """
        async with self._slots:
            worker = self._idle.pop() if self._idle else await Worker.start()
            try:
                reply = await asyncio.wait_for(worker.ask({**request, "limit": self._limit}), self._limit)
            except BaseException:  # cancelled, too: its reply would be taken for the next request's
                await worker.kill()
                raise
            self._idle.append(worker)
            return reply

    async def close(self) -> None:
        for worker in self._idle:
            await worker.kill()
        self._idle.clear()
