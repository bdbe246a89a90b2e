"""What a person sees while a sweep runs: the plan, the progress, the refusal. Plain lines off a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from ttc.plan.estimate import Expected
from ttc.plan.jobs import Plan, PlannedCell
from ttc.run.launch import Report
from ttc.types import EngineStats, UserError

PLAIN_SECONDS = 15.0
"""Between two lines of progress where there is no terminal."""


def make_console() -> Console:
    return Console(
        highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 100
    )


def refuse(error: UserError) -> None:
    """Every fault on a line of its own, on stderr."""
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)


def print_plan(console: Console, plan: Plan, notes: Sequence[str], expected: Expected) -> None:
    """Cells, searches, what is shared, what is done already, and what the rest will cost."""
    jobs_of: dict[str, list[int]] = {}
    for job in plan.jobs:
        if not job.stored:
            jobs_of.setdefault(job.family, []).append(job.n)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("search", "n", "paths a problem", "searches", "to do"):
        table.add_column(name, justify="left" if name in ("search", "n") else "right")
    for title, cells in _grouped(plan.cells):
        units_of = {planned.family: planned.unit for planned in cells}
        searches = sum(key[0] in units_of for key in plan.wanted)
        paths = sum(
            max((units * unit for key, units in plan.wanted.items() if key[0] == family), default=0)
            for family, unit in units_of.items()
        )
        todo = sum(len(jobs_of.get(id_, ())) for id_ in units_of)
        ns = ",".join(map(str, sorted({planned.record.n for planned in cells})))
        table.add_row(title, ns, str(paths), str(searches), str(todo))
    problems = len(
        {(planned.record.dataset, problem.id) for planned in plan.cells for problem in planned.problems}
    )
    seeds = len({seed for planned in plan.cells for seed in planned.cell.seeds})
    count = f"{problems} problems, {seeds} seed{'s' * (seeds > 1)}"
    settings = "".join(f", {word}" for word in _shared(plan.cells))
    console.print(f"[bold]{len(plan.cells)} cells[/] on {count}{settings}")
    console.print(table)
    for note in (*_sharing(plan.cells), *notes):
        console.print(f"  {note}", style="dim")
    console.print(expected.sentence())


def _grouped(cells: Sequence[PlannedCell]) -> list[tuple[str, list[PlannedCell]]]:
    groups: dict[str, list[PlannedCell]] = {}
    shared = _shared(cells)
    for planned in cells:
        own = " ".join(word for word in planned.record.variant.split() if word not in shared)
        title = planned.record.strategy + (f" ({own})" if own else "")
        groups.setdefault(title, []).append(planned)
    return list(groups.items())


def _shared(cells: Sequence[PlannedCell]) -> list[str]:
    """The words that stand in the variant of every cell: said once, not in every line."""
    first, *others = [planned.record.variant.split() for planned in cells]
    return [word for word in first if all(word in other for other in others)]


def _sharing(cells: Sequence[PlannedCell]) -> Iterable[str]:
    for title, group in _grouped(cells):
        units = [planned.record.unit for planned in group]
        if len(group) > 1 and units[0] == 1:
            yield f"{title}: one pool of {max(w.record.n for w in group)} paths serves every n and every vote"
        elif len(group) > 1 and units[0]:
            yield f"{title}: the subtrees of n={max(w.record.n for w in group)} serve every smaller n"
        elif len(group) > 1:
            yield f"{title}: a search of its own for each n"


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
            self._console.print(f"engines ready after {time.monotonic() - self._start:.0f} s")
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
            rate = self._seen[name].rate
            words += [f"{title} {rate:,.0f} tok/s"] if rate is not None else []
        if self._done:
            words.append(f"{duration(elapsed / self._done * (self._total - self._done))} left")
        return "  ".join(words)


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
