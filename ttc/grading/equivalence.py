"""Groups of equal answers, and equality of one pair for whoever has no event loop."""

from __future__ import annotations

import asyncio
import atexit
import functools
import threading
from collections.abc import Sequence

from ttc.grading.graders import Grader, MathVerify
from ttc.grading.worker.forms import Form, decide, normal_form


async def group(answers: Sequence[str | None], grader: Grader) -> list[int]:
    """Which answers are equal: for each its group's number, -1 for no answer (semantics, "Scores and votes").

    A group is known by its first-seen answer; an answer joins the first group whose representative equals
    it. So the order matters, and must be the address order of the whole pool.
    """
    groups: list[int] = []
    seen: dict[Form, int] = {}  # normal form -> group: equal forms never ask again
    firsts: list[tuple[Form, str]] = []
    for answer in answers:
        if answer is None or not answer.strip():
            groups.append(-1)
            continue
        form = normal_form(answer)
        if form not in seen:
            for number, (first_form, first) in enumerate(firsts):
                if decide(first_form, form) is None and await grader.same(first, answer):
                    seen[form] = number
                    break
            else:
                seen[form] = len(firsts)
                firsts.append((form, answer))
        groups.append(seen[form])
    return groups


def equivalent(gold: str, answer: str) -> bool:
    """Is `answer` equal to `gold`? By math-verify, under the hard limit; a running loop is no hindrance."""
    sure = decide(normal_form(gold), normal_form(answer)) if answer.strip() else False
    if sure is not None:
        return sure
    loop, grader = _background()
    return asyncio.run_coroutine_threadsafe(grader.grade(gold, answer), loop).result().correct


@functools.cache
def _background() -> tuple[asyncio.AbstractEventLoop, Grader]:
    """A loop in a thread of its own, with a grader that keeps its workers until the interpreter ends."""
    loop, grader = asyncio.new_event_loop(), MathVerify()
    threading.Thread(target=loop.run_forever, name="ttc-grading", daemon=True).start()
    atexit.register(lambda: asyncio.run_coroutine_threadsafe(grader.close(), loop).result())
    return loop, grader
