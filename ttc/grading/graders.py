"""The graders by name, and how math-verify is asked: in processes, under a hard limit, each pair once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal, Protocol

from ttc.grading.cache import Cache, cache_file
from ttc.grading.worker.forms import Form, decide, normal_form
from ttc.grading.worker.process import WorkerPool

Status = Literal["ok", "no_answer", "parse_error", "timeout"]

LIMIT = 5.0
"""Seconds that one math-verify call may take."""

LONGEST, DEEPEST = 2_000, 40
"""Characters and open brackets; a longer or deeper text is no answer that anybody would compare."""

RULES = "3"
"""The version of our own rules: normal forms, and what `ttc.grading.worker` adds to math-verify."""


@dataclass(frozen=True)
class Verdict:
    """`status` says why an answer is not right where that is not its value (semantics, "Grading")."""

    correct: bool
    status: Status = "ok"


RIGHT, WRONG = Verdict(True), Verdict(False)
NO_ANSWER, UNREADABLE, TIMEOUT = (Verdict(False, s) for s in ("no_answer", "parse_error", "timeout"))


class Grader(Protocol):
    """Compares an answer with the gold answer; the gold comes first. `close` ends what it started."""

    name: str
    version: str

    async def grade(self, gold: str, answer: str | None) -> Verdict: ...

    async def same(self, a: str, b: str) -> bool: ...  # do two paths give one answer? `a` was seen first

    async def close(self) -> None: ...


class Plain:
    """A grader that needs no process: it compares normal forms."""

    version = RULES

    def __init__(self, name: str, compare: Callable[[Form, Form], Verdict]) -> None:
        self.name = name
        self._compare = compare

    async def grade(self, gold: str, answer: str | None) -> Verdict:
        if answer is None or not answer.strip():
            return NO_ANSWER
        return self._compare(normal_form(gold), normal_form(answer))

    async def same(self, a: str, b: str) -> bool:
        return (await self.grade(a, b)).correct

    async def close(self) -> None:
        pass


def exact(gold: Form, answer: Form) -> Verdict:
    """Plain numbers by value, all else by text."""
    return RIGHT if gold == answer else WRONG


def numeric(gold: Form, answer: Form) -> Verdict:
    """Plain numbers within a relative 1e-6; an answer that is no plain number cannot be read."""
    if isinstance(gold, str) or isinstance(answer, str):
        return UNREADABLE
    return RIGHT if abs(gold - answer) * 10**6 <= max(abs(gold), abs(answer)) else WRONG


def readable(text: str) -> bool:
    """Not so long or so deep that a grammar would only waste its time on it."""
    if len(text) > LONGEST:
        return False
    opened = itertools.accumulate((mark in "([{") - (mark in ")]}") for mark in text)
    return max(opened, default=0) <= DEEPEST


class MathVerify:
    """math-verify in killable processes, asked only where normal forms do not decide; remembered by text."""

    name: str = "math_verify"

    def __init__(self, limit: float = LIMIT, workers: int = 2) -> None:
        self.version = f"{version('math-verify')}+{RULES}"
        engines = [f"{name} {version(name)}" for name in ("sympy", "latex2sympy2_extended")]
        self._cache = Cache(cache_file(), self.name, self.version, *engines)
        self._pool = WorkerPool(limit, workers)
        self._asked: dict[tuple[str, str], asyncio.Task[Verdict]] = {}

    async def grade(self, gold: str, answer: str | None) -> Verdict:
        if answer is None or not answer.strip():
            return NO_ANSWER
        sure = decide(normal_form(gold), normal_form(answer))
        if sure is not None:
            return RIGHT if sure else WRONG
        if not (readable(gold) and readable(answer)):
            return UNREADABLE
        key = (gold, answer)
        known = self._asked.get(key)
        if known is None or (known.done() and (known.cancelled() or known.exception())):
            self._asked[key] = asyncio.create_task(self._ask(*key))
        # One caller's cancellation must not take the verdict from the others who wait for the same pair.
        return await asyncio.shield(self._asked[key])

    async def same(self, a: str, b: str) -> bool:
        return (await self.grade(a, b)).correct

    async def close(self) -> None:
        running = [task for task in self._asked.values() if not task.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._pool.close()
        self._asked.clear()
        self._cache.close()

    async def _ask(self, gold: str, answer: str) -> Verdict:
        if known := self._cache.get(gold, answer):
            return Verdict(*known)  # type: ignore[arg-type]
        try:
            reply = await self._pool.ask(gold=gold, answer=answer)
        except TimeoutError:  # not remembered, nor is a death: both may be the machine's, not the pair's
            return TIMEOUT
        except EOFError:  # it died of this pair: out of memory, or sympy's recursion
            return UNREADABLE
        self._cache.put(gold, answer, reply["correct"], reply["status"])
        return Verdict(reply["correct"], reply["status"])


GRADERS: dict[str, Callable[[float], Grader]] = {
    "math_verify": MathVerify,
    "exact": lambda limit: Plain("exact", exact),
    "numeric": lambda limit: Plain("numeric", numeric),
}


def make_grader(name: str = "math_verify", limit: float = LIMIT) -> Grader:
    """The grader of that name. `limit`: seconds one grading may take, then its process is killed."""
    return GRADERS[name](limit)
