"""Labelled solutions through a verifier: the model looked at, started, asked, ended."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File

from ttc.models import environment, shut_down, start
from ttc.models.together import together
from ttc.report.console import redirect
from ttc.run.tries import retry
from ttc.settings.schema import PrmConfig
from ttc.types import Query
from ttc.verify.data import Labelled

AT_ONCE = 64
"""Solutions that are judged side by side."""


@dataclass(frozen=True)
class Judged:
    """A solution and what the verifier said: one score per step, None where it gave none."""

    solution: Labelled
    scores: tuple[float | None, ...]
    raw: tuple[float | None, ...] | None


@contextlib.contextmanager
def engine_log(file: File) -> Iterator[None]:
    """What an engine and its processes write to standard error goes to `file`, not between the tables."""
    # in a sweep an engine's whole output is a file; here its logging shares standard output with the tables
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as log, redirect(2, to=log.fileno()):
        yield


async def judge(config: PrmConfig, solutions: Sequence[Labelled], done: Callable[[], None]) -> list[Judged]:
    """Every solution judged, in order; `done` is called after each. The verifier is ended in any case.

    Raises:
        UserError: the verifier does not pass its own check.
        TransientError: a call failed too often.
        EngineDied: the engine is gone.
    """
    os.environ.update(environment([config]))
    verifier = await start(config)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(solution: Labelled) -> Judged:
        async with places:
            query = Query(solution.question, solution.steps, answer=solution.answer)
            (judgement,) = await retry(lambda: verifier.judge([query]))
        done()
        # a NaN is no score, whatever engine let it through
        scores = tuple(None if score is None or math.isnan(score) else score for score in judgement.scores)
        return Judged(solution, scores, judgement.raw)

    try:
        return await together(one(solution) for solution in solutions)
    finally:
        await shut_down(verifier)
