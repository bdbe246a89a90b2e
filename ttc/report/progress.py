"""What a person sees while a sweep runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ttc.report.formats import duration, rate
from ttc.types import EngineStats

if TYPE_CHECKING:  # the bars are for commands without a run, too
    from ttc.run.search import Report

PLAIN_SECONDS = 15.0
"""Between two lines of progress where there is no terminal."""


@dataclass
class _Seen:
    stats: EngineStats | None = None
    at: float = 0.0
    rate: float | None = None


class SweepProgress:
    """Searches done, tokens/s of both engines, time left: live on a terminal, else a line now and then."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        self._done = self._failed = 0
        self._start = self._line = time.monotonic()
        self._seen = {"policy": _Seen(), "prm": _Seen()}
        self._live = Progress(
            TextColumn("[bold]searches[/]"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._live.add_task("starting the engines", total=max(total, 1))

    def __enter__(self) -> SweepProgress:
        self._live.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def ready(self) -> None:
        """The engines are up: from here on time is the searches'."""
        if not self._console.is_terminal:
            self._console.print(f"engines ready after {duration(time.monotonic() - self._start)}")
        self._start = self._line = time.monotonic()

    def update(self, report: Report) -> None:
        self._done += report.done
        self._failed += len(report.failed)
        for name, stats in (("policy", report.policy), ("prm", report.prm)):
            self._measure(self._seen[name], stats)
        text = self._text()
        self._live.update(self._task, completed=self._done, description=text)
        if not self._console.is_terminal and time.monotonic() - self._line >= PLAIN_SECONDS:
            self._line = time.monotonic()
            self._console.print(text)

    def _measure(self, seen: _Seen, stats: EngineStats | None) -> None:
        now = time.monotonic()
        if stats and seen.stats and now - seen.at >= 2:
            seen.rate = (stats.computed_tokens - seen.stats.computed_tokens) / (now - seen.at)
        if stats and (seen.stats is None or now - seen.at >= 2):
            seen.stats, seen.at = stats, now

    def _text(self) -> str:
        elapsed = time.monotonic() - self._start
        words = [f"{self._done}/{self._total}"]
        words += [f"{self._failed} failed"] * bool(self._failed)
        for name, title in (("policy", "policy"), ("prm", "verifier")):
            seen = self._seen[name]
            words += [f"{title} {rate(seen.rate)}"] if seen.rate is not None else []
        if self._done:
            words.append(f"{duration(elapsed / self._done * (self._total - self._done))} left")
        return "  ".join(words)


@contextmanager
def count_up(console: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, and nothing off it; call what it gives for each one that is done."""
    bar = Progress(
        TextColumn("[bold]{task.description}[/]"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
