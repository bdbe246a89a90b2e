"""A killable process that asks math-verify, `python -m ttc.grading_worker`, and `Worker`, its other end.

JSON lines over pipes: {"gold", "answer", "limit"} in, {"correct", "status"} out; one {"ready"} line after the
import. Left out on purpose: a pool, retries, a cache (all in `grading.py`), and math-verify's own timeouts,
which need Python to come back from sympy; the kernel's alarm does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import signal
import sys
from pathlib import Path

MEMORY = 4 << 30
"""Bytes of address space: `9^{9^9}` asks for all there is before it asks for time."""

START_LIMIT = 120.0
"""Seconds for a worker to import math-verify: 0.4 on a quiet machine."""

DELIMITERS = ("$", "\\boxed", "\\(", "\\[")


def delimited(text: str) -> str:
    """The text as math: math-verify reads LaTeX only between delimiters."""
    return text if any(mark in text for mark in DELIMITERS) else f"${text}$"


def judge(gold: str, answer: str) -> dict[str, object]:
    """math-verify's verdict, gold first. An answer that it cannot read is wrong and says so."""
    from math_verify import parse, verify

    parsed = [parse(delimited(text), parsing_timeout=None) for text in (gold, answer)]
    if not all(parsed):
        return {"correct": False, "status": "parse_error"}
    return {"correct": bool(verify(*parsed, timeout_seconds=None)), "status": "ok"}


def main() -> None:
    logging.disable(logging.CRITICAL)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    replies = sys.stdout
    sys.stdout = sys.stderr  # what a library prints must not look like a reply
    judge("\\frac{1}{2}", "x")  # imports and warms the parser, outside anybody's limit
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        # The parent kills at the limit. The alarm is for an orphan: its default action ends even C code.
        signal.setitimer(signal.ITIMER_REAL, 2 * request["limit"] + 1)
        try:
            verdict = judge(request["gold"], request["answer"])
        except Exception:  # sympy and the LaTeX grammar raise anything on hostile text
            verdict = {"correct": False, "status": "parse_error"}
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(verdict), file=replies, flush=True)


class Worker:
    """One `ttc.grading_worker` process and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Worker:
        """A worker that has imported math-verify.

        Raises:
            RuntimeError: the process ended, or was not ready in time, before it was asked anything.
        """
        home = str(Path(__file__).resolve().parent.parent)  # a Ray task's directory is not the project's
        path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ttc.grading_worker"),
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
            raise RuntimeError("the grading worker did not start: python -m ttc.grading_worker") from error
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def ask(self, gold: str, answer: str, limit: float) -> dict:
        assert self._process.stdin is not None
        self._process.stdin.write(
            json.dumps({"gold": gold, "answer": answer, "limit": limit}).encode() + b"\n"
        )
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


if __name__ == "__main__":
    main()
