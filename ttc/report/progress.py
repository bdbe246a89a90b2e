"""What a person sees while a sweep runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn

from ttc.report.formats import duration, rate
from ttc.types import EngineStats

if TYPE_CHECKING:  # the bars are for commands without a run, too
    from ttc.run.launch import Report

PLAIN_SECONDS = 15.0
"""Between two lines of progress where there is no terminal."""


@dataclass
class _Seen:
    """Of one engine: its last count of tokens, and its rate since the one before."""

    title: str
    stats: EngineStats | None = None
    at: float = 0.0
    rate: float | None = None

    def measure(self, stats: EngineStats | None) -> None:
        now = time.monotonic()
        if not stats or (self.stats and now - self.at < 2):
            return
        before = self.stats.computed_tokens if self.stats else None
        after = stats.computed_tokens
        if before is not None and after is not None:
            self.rate = (after - before) / (now - self.at)
        self.stats, self.at = stats, now


def _bar(console: Console, title: str, told: ProgressColumn) -> Progress:
    """On a terminal; nothing off it."""
    columns = TextColumn(title), BarColumn(bar_width=24), told
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


class SweepProgress(ExitStack):
    """Searches done, tokens/s of both engines, time left: live on a terminal, else a line now and then."""

    def __init__(self, console: Console, total: int) -> None:
        super().__init__()
        self._console, self._total = console, total
        self._done = self._failed = 0
        self._start = self._line = time.monotonic()
        self._policy, self._prm = _Seen("policy"), _Seen("verifier")
        self._live = _bar(console, "[bold]searches[/]", TextColumn("{task.description}"))
        self._task = self._live.add_task("starting the engines", total=max(total, 1))
        self.enter_context(self._live)

    def ready(self) -> None:
        """The engines are up: from here on time is the searches'."""
        if not self._console.is_terminal:
            self._console.print(f"engines ready after {duration(time.monotonic() - self._start)}")
        self._start = self._line = time.monotonic()

    def update(self, report: Report) -> None:
        for note in report.notes:
            self._console.print(note, markup=False)
        self._done = min(self._total, self._done + report.done)  # a shard that died says some twice
        self._failed += len(report.failed)
        self._policy.measure(report.policy)
        self._prm.measure(report.prm)
        text = self._text()
        self._live.update(self._task, completed=self._done, description=text)
        if not self._console.is_terminal and time.monotonic() - self._line >= PLAIN_SECONDS:
            self._line = time.monotonic()
            self._console.print(text)

    @property
    def counts(self) -> dict[str, int]:
        """For a tracker. Tokens are those that the engines have computed, as far as they tell."""
        seen = {"policy_tokens": self._policy.stats, "verifier_tokens": self._prm.stats}
        tokens = {name: stats.computed_tokens for name, stats in seen.items() if stats}
        counts = {"searches_done": self._done, "searches_failed": self._failed, **tokens}
        return {name: count for name, count in counts.items() if count is not None}

    def _text(self) -> str:
        elapsed = time.monotonic() - self._start
        words = [f"{self._done}/{self._total}"]
        words += [f"{self._failed} failed"] * bool(self._failed)
        for seen in (self._policy, self._prm):
            words += [f"{seen.title} {rate(seen.rate)}"] if seen.rate is not None else []
        if self._done:
            words.append(f"{duration(elapsed / self._done * (self._total - self._done))} left")
        return "  ".join(words)


@contextmanager
def count_up(console: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, and nothing off it; call what it gives for each one that is done."""
    with _bar(console, "[bold]{task.description}[/]", MofNCompleteColumn()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
