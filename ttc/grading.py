"""Is this answer right? Extraction, equivalence, graders by name, groups of equal answers (spec 5 and 9).

Most answers are plain numbers, and those are decided here, exactly. Only the rest goes to math-verify, which
runs in processes of its own that can be killed: sympy can hang (`9^{9^9}`). Left out on purpose: threads,
multiprocessing (its spawn dies under `python -` and in notebooks), and any retry: a timeout is a verdict.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from typing import Literal, Protocol

from ttc.grading_worker import Worker

ExtractRule = Literal["boxed", "last_number"]
Status = Literal["ok", "no_answer", "parse_error", "timeout"]
GraderName = Literal["math_verify", "exact", "numeric"]
Form = Fraction | str  # a plain number by value, or text

LIMIT = 5.0
"""Seconds that one math-verify call may take."""

# --- Extraction ------------------------------------------------------------------------------------------

BRACES = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
FINAL = re.compile(r"final answer is\s*:?\s*", re.IGNORECASE)
NUMBER_IN_TEXT = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+")


def extract(text: str, rule: ExtractRule = "boxed") -> str | None:
    r"""The answer a solution states, or None.

    The last closed `\boxed{}`, else what follows the last "final answer is". The rule `last_number` then
    takes the last number of the text, for datasets whose solutions state no answer (spec 9).
    """
    if boxes := _boxes(text):
        start = max(boxes)
        return text[start : boxes[start]].strip() or None
    finals = list(FINAL.finditer(text))
    if finals:
        return _statement(text[finals[-1].end() :])
    if rule == "last_number" and (numbers := NUMBER_IN_TEXT.findall(text)):
        return numbers[-1]
    return None


def _boxes(text: str) -> dict[int, int]:
    """Where a box begins -> where it ends. One that never closes was cut, and states nothing."""
    boxes: dict[int, int] = {}
    open_braces: list[int | None] = []  # the start of a box, None for any other brace
    for token in BRACES.finditer(text):
        if token[0] == "}":
            start = open_braces.pop() if open_braces else None
            if start is not None:
                boxes[start] = token.start()
        elif token[0][-1] == "{" and token[0] != "\\{":  # \{ and \} are characters, not braces
            open_braces.append(None if token[0] == "{" else token.end())
    return boxes


def _statement(rest: str) -> str | None:
    """The first line's statement: between dollars where it opens with one, else up to the sentence's end."""
    line = rest.strip().split("\n", 1)[0].strip()
    if line.startswith("$") and (end := line.find("$", 1)) > 0:
        return line[1:end].strip() or None
    sentence = re.split(r"\.(?:\s|$)", line, maxsplit=1)[0]
    return sentence.strip().strip("*").strip() or None


# --- Normal forms that decide for sure ------------------------------------------------------------------

WRAPPED = re.compile(r"\\boxed\{([^{}]*)\}")
NOISE = re.compile(r"\\[,!;: ]|\\\$|\$|(?<!\d)\s|\s(?!\d)")  # a space between digits may mean something
THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?", re.ASCII)
DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
MIXED = re.compile(r"([-+]?)(\d+)(?: (\d+)/(\d+)| ?\\[dt]?frac\{(\d+)\}\{(\d+)\})", re.ASCII)
RATIO = re.compile(r"([-+]?)(?:(\d+)/(\d+)|\\[dt]?frac\{(\d+)\}\{(\d+)\}|\\[dt]?frac(\d)(\d))", re.ASCII)
PLAIN_LENGTH = 60  # a Fraction of a million digits would be no fast path


def normal_form(answer: str) -> Form:
    """A plain integer, decimal or fraction as a Fraction; any other text without its outer noise."""
    text = answer.strip()
    return _form(text) if len(text) <= PLAIN_LENGTH else text.strip("$ ")


@functools.lru_cache(maxsize=1 << 16)
def _form(text: str) -> Form:
    if wrapped := WRAPPED.fullmatch(text.strip("$ ")):
        text = wrapped[1]
    plain = NOISE.sub("", text)
    if THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "").replace(" ", "")
    if DECIMAL.fullmatch(plain):
        return Fraction(plain)
    if mixed := MIXED.fullmatch(plain):
        whole, above, below = [int(part) for part in mixed.groups()[1:] if part is not None]
        if below:
            return (whole + Fraction(above, below)) * (-1 if mixed[1] == "-" else 1)
    if ratio := RATIO.fullmatch(plain):
        above, below = [int(part) for part in ratio.groups()[1:] if part is not None]
        if below:
            return Fraction(-above if ratio[1] == "-" else above, below)
    return text.strip("$ ")


def decide(a: Form, b: Form) -> bool | None:
    """Equality of two normal forms where it is sure, else None.

    Different numbers are unequal for sure if both are integers or they lie apart; a fraction beside its
    rounded decimal is the grader's to judge.
    """
    if a == b:
        return True
    if isinstance(a, str) or isinstance(b, str):
        return None
    if a.denominator == b.denominator == 1:
        return False
    return False if abs(a - b) > max(abs(a), abs(b)) / 1000 else None


@dataclass(frozen=True)
class Verdict:
    """`status` says why an answer is not right where that is not its value: spec 9."""

    correct: bool
    status: Status = "ok"


RIGHT, WRONG = Verdict(True), Verdict(False)
NO_ANSWER, UNREADABLE, TIMEOUT = (Verdict(False, s) for s in ("no_answer", "parse_error", "timeout"))


class Grader(Protocol):
    """Compares an answer with the gold answer; the gold comes first. `close` ends what it started."""

    name: GraderName
    version: str

    async def grade(self, gold: str, answer: str | None) -> Verdict: ...

    async def same(self, a: str, b: str) -> bool: ...  # do two paths give one answer? `a` was seen first

    async def close(self) -> None: ...


class Plain:
    """A grader that needs no process: it compares normal forms."""

    version = "1"

    def __init__(self, name: GraderName, compare: Callable[[Form, Form], Verdict]) -> None:
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


class MathVerify:
    """math-verify in killable processes, asked only where normal forms do not decide; cached by text."""

    name: GraderName = "math_verify"

    def __init__(self, limit: float = LIMIT, workers: int = 2) -> None:
        self.version = f"{version('math-verify')}+1"  # +1: the version of our own normal forms
        self._limit = limit
        self._slots = asyncio.Semaphore(workers)
        self._idle: list[Worker] = []
        self._asked: dict[tuple[str, str], asyncio.Task[Verdict]] = {}

    async def grade(self, gold: str, answer: str | None) -> Verdict:
        if answer is None or not answer.strip():
            return NO_ANSWER
        sure = decide(normal_form(gold), normal_form(answer))
        if sure is not None:
            return RIGHT if sure else WRONG
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
        for worker in self._idle:
            await worker.kill()
        self._idle.clear()
        self._asked.clear()

    async def _ask(self, gold: str, answer: str) -> Verdict:
        async with self._slots:
            worker = self._idle.pop() if self._idle else await Worker.start()
            try:
                reply = await asyncio.wait_for(worker.ask(gold, answer, self._limit), self._limit)
            except TimeoutError:
                await worker.kill()
                return TIMEOUT
            except EOFError:  # it died of this pair: out of memory, or sympy's recursion
                await worker.kill()
                return UNREADABLE
            except BaseException:  # cancelled: its reply would be taken for the next pair's
                await worker.kill()
                raise
            self._idle.append(worker)
            return Verdict(reply["correct"], reply["status"])


GRADERS: dict[GraderName, Callable[[float], Grader]] = {
    "math_verify": MathVerify,
    "exact": lambda limit: Plain("exact", exact),
    "numeric": lambda limit: Plain("numeric", numeric),
}


def make_grader(name: GraderName = "math_verify", limit: float = LIMIT) -> Grader:
    """The grader of that name. `limit`: seconds one grading may take, then its process is killed."""
    return GRADERS[name](limit)


async def group(answers: Sequence[str | None], grader: Grader) -> list[int]:
    """Which answers are equal: for each its group's number, -1 for no answer (spec 5).

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
