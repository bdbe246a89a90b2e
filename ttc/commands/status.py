"""`ttc status FOLDER`: what of its cells is there, what has failed, what nobody reads, and who is at work."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from ttc.report.console import say, show
from ttc.report.formats import counted, duration
from ttc.report.tables import Table, column
from ttc.report.view import name
from ttc.store import CellRecord, Folder
from ttc.store.schema import STATES
from ttc.types import MASK, NOT_KEPT, Ending, Faults, UserError

PERIOD = 2.0
"""Seconds between two looks of --watch."""

Key = tuple[str, str, int]
"""(family, problem_key, seed)"""

CELLS = (
    column("cell", "text", "line"),
    column("n", "whole", "n"),
    column("searches", "count", "searches"),
    *(column(state.replace("_", " "), "count", state) for state in STATES),
)
LAUNCHES = (
    column("launch", "text", "started"),
    column("status", "text", "status"),
    column("searches", "count", "searches"),
    column("command", "text", "command"),
    column("ttc", "text", "ttc"),
    column("commit", "text", "revision"),
)
UNREAD = (
    column("not read", "text", "line"),
    column("searches", "count", "searches"),
    column("of a launch that had", "text", "differences"),
)
FAULTS = (column("fault", "text", "reason"), column("searches", "count", "searches"))


def status(folder: Folder, words: Sequence[str], console: Console) -> None:
    """Prints what stands in the folder; `--watch`: again and again, until Ctrl-C.

    Raises:
        UserError: no results there, or a word that is none of this command's.
    """
    if faults := [
        f"{word}: status takes a results folder, and --watch" for word in words if word != "--watch"
    ]:
        raise Faults(faults)
    if not folder.runs():
        raise UserError(f"{folder}: no results here (no sweep.json)")
    _show(folder, console)
    while words:
        time.sleep(PERIOD)
        console.clear()
        _show(folder, console)


def _show(folder: Folder, console: Console) -> None:
    runs, holder = folder.runs(), folder.holder()
    (cells, selections), found = folder.cells(), Found(folder)
    rows = [_cell(record, selections[record.selection], found) for record in cells]
    todo = sum(row["missing"] + row["failed"] for row in rows)
    left = seconds_left(folder, runs[-1]) if holder and runs[-1]["status"] == "running" else None
    facts = {"holder": holder, "launches": len(runs), "seconds_left": left}
    title = f"{folder}: {f'in use by {holder}' if holder else 'nobody is at work'}"
    title += f", about {duration(left)} left" if left else ""
    show(Table("status", CELLS, rows, title, facts=facts), console)
    if faults := [{"reason": reason, "searches": times} for reason, times in found.faults.most_common()]:
        show(Table("faults", FAULTS, faults), console)
    wanted = {key for record in cells for key in _keys(record, selections[record.selection])}
    if others := list(_unread(runs, cells, wanted, found)):
        note = "Of two cells of one name the later is read; another name= keeps both."
        show(Table("unread", UNREAD, others, notes=[note]), console)
    launches = [_launch(run, holder) for run in runs]
    notes = [NOT_KEPT] if any(MASK in launch["command"] for launch in launches) else []
    show(Table("launches", LAUNCHES, launches, notes=notes), console)
    say(
        console,
        f"{counted(todo, 'search(es)')} missing or failed: the same line does them" if todo else "complete",
    )


def seconds_left(folder: Folder, run: Mapping[str, Any]) -> float | None:
    """At the pace of the launch that runs, its start included; None: it has finished nothing yet."""
    done = len(folder.read_all("searches", ["family"], after=run.get("after", 0)))
    passed = (datetime.now(UTC) - datetime.fromisoformat(run["started"])).total_seconds()
    return max(0, run.get("jobs", 0) - done) * passed / done if done and passed > 0 else None


class Found:
    """What searches/ says: the state of every unit, and the reasons of what has failed."""

    def __init__(self, folder: Folder) -> None:
        names = ["family", "problem_key", "seed", "unit_first", "units", "status", "reason", "ended"]
        self.ended: defaultdict[Key, set[str]] = defaultdict(set)
        self.units: defaultdict[Key, dict[int, str]] = defaultdict(dict)
        self.faults: Counter[str] = Counter()
        for row in folder.read("searches", names).to_pylist():
            key = (row["family"], row["problem_key"], row["seed"])
            units = self.units[key]
            self.ended[key].update(row["ended"] or ())
            for unit in range(row["unit_first"], row["unit_first"] + row["units"]):
                if row["status"] != "failed" or unit not in units:  # a success stays one
                    units[unit] = row["status"]
            if row["status"] == "failed":
                self.faults[row["reason"] or "?"] += 1

    def state(self, key: Key, units: int, ending: Ending | None) -> str:
        """Of a search of so many units, or as many as its ending wanted: the worst that is true of one."""
        have = self.units.get(key, {})
        if ending and ending.word in self.ended.get(key, ()):
            units = len(have)
        states = {have.get(unit, "missing") for unit in range(units)} or {"done"}
        return next(state for state in reversed(STATES) if state in states)


def _keys(record: CellRecord, selection: Sequence[Sequence[Any]]) -> Iterator[Key]:
    """The searches that a cell is read from."""
    return ((record.family, problem[0], seed) for seed in record.seeds for problem in selection)


def _cell(record: CellRecord, selection: Sequence[Sequence[Any]], found: Found) -> dict[str, Any]:
    states = Counter(found.state(key, record.units, record.ending) for key in _keys(record, selection))
    return {
        "cell": record.cell,
        "line": name(record.strategy, record.variant),
        "n": record.n,
        "searches": states.total(),
        **{state: states[state] for state in STATES},
    }


def _unread(
    runs: Iterable[Mapping[str, Any]], cells: Sequence[CellRecord], wanted: set[Key], found: Found
) -> Iterable[dict[str, Any]]:
    """Searches that no cell asks for any more: another meaning has taken their place."""
    left = Counter(family for family, *own in found.units if (family, *own) not in wanted)
    before = {record["columns"]["family"]: record for run in runs for record in run["cells"]}
    for family, searches in left.items():
        record = before[family]
        now = next((one for one in cells if _place(one) == _place(record)), None)
        yield {
            "line": name(record["columns"]["strategy"], record["variant"]),
            "searches": searches,
            "differences": _differences(record["columns"], now.columns) if now else "settings of its own",
        }


def _place(record: CellRecord | Mapping[str, Any]) -> tuple[Any, ...]:
    """What a cell is told apart by."""
    columns = record.columns if isinstance(record, CellRecord) else record["columns"]
    variant = record.variant if isinstance(record, CellRecord) else record["variant"]
    return (variant, *(columns[key] for key in ("strategy", "policy", "dataset")))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    differing = [key for key in before if key not in ("family", "prm") and before[key] != now.get(key)]
    words = [f"{key}={before[key]} (now {now.get(key)})" for key in differing]
    if before["family"] == now["family"]:
        return "other problems under the dataset's name"
    other = "other weights, another prompt, or another text of a user's file, under these names"
    return ", ".join(words) or other


def _launch(run: Mapping[str, Any], holder: str | None) -> dict[str, Any]:
    """A run that says it runs while nobody holds the folder was killed."""
    state = "killed" if run["status"] == "running" and not holder else run["status"]
    return {
        "started": run["started"],
        "status": state,
        "searches": (run.get("bill") or {}).get("searches"),
        "command": " ".join([run.get("command", "launch"), *run["overrides"]]),
        "ttc": run["versions"].get("ttc-sweep"),
        "revision": (run.get("revision") or "")[:8] or None,
    }
