"""Every measure beside its goal: `make bench`, alone on the machine, 40 minutes at most.

A measure script is a file of this folder that prints a line of JSON for each of its figures (lines.py), and
is run in a process of its own, as often as SCRIPTS says. The table has the median and the spread of the
runs; the file has every line that was printed, with versions and hardware. A new measure is an entry of
SCRIPTS and one of GOALS, if it has a goal.

    uv run python benchmarks/bench.py [SCRIPT ...] [--repeat 3] [--out FILE]      # as in: bench.py store cli
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ttc.store.provenance import hardware, now, revision, versions

REPO = Path(__file__).parents[1]


@dataclass(frozen=True)
class Script:
    """A file of this folder, and how often it is run: slow ones once."""

    file: str
    repeat: int
    words: tuple[str, ...] = ()
    limit: int = 600
    """Seconds that a run may take."""


@dataclass(frozen=True)
class Goal:
    """What a measure is to reach: at most, or at least."""

    unit: str
    most: float | None = None
    least: float | None = None

    def met(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        return f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"


SCRIPTS: dict[str, Script] = {
    "cli": Script("cli.py", 3),
    "store": Script("store.py", 1),
    "readout": Script("readout.py", 1),
    "adding": Script("adding.py", 1),
    "own_cost": Script("own_cost.py", 3, ("paths",)),
    "searches": Script("own_cost.py", 1, ("searches",)),
    "start": Script("start.py", 3, ("first",)),
    "readme": Script("start.py", 1, ("readme",)),
    "stack": Script("stack.py", 3, ("nano",)),
    "guided": Script("stack.py", 1, ("guided", "steps")),
    "smollm2": Script("stack.py", 1, ("smollm2",)),
    "grid": Script("grid.py", 1),
    "death": Script("death.py", 1),
    "page": Script("page.py", 1),
}
"""What `make bench` runs, by the names that choose among them."""

FLOOR = Goal("", least=0.80)
GOALS: dict[str, Goal] = {
    # the stack against the bare engine
    "best_of_n against bare vLLM, smollm2": Goal("", least=0.95),
    "best_of_n against bare vLLM, nano": Goal("", least=0.85),
    # guided searches, n = 16 and 64, against the same requests, step by step, on bare engines
    "beam and dvts against their floor": FLOOR,
    # on one H100, by the kit
    "H100: the article's grid against its floor": FLOOR,
    "H100: GPU busy until the last tenth": Goal("%", least=90),
    "H100: Enter to first token, empty compile cache": Goal("s", most=90),
    "H100: Enter to first token, filled compile cache": Goal("s", most=50),
    # against search-and-learn's schedule: `make bench-rival`
    "rival beam": Goal("times", least=25),
    "rival dvts": Goal("times", least=5.5),
    "rival best_of_n": Goal("times", least=1.4),
    # verifier tokens computed, steps of 60 tokens and more at block 16
    "verifier tokens per new token": Goal("", most=1.2),
    # the article's grid against its five rows one after another
    "grid: paths against five rows": Goal("", most=0.50),
    "grid: times faster than five rows": Goal("", least=1.7),
    "verifier tokens beyond new ones a request": Goal("tokens", most=32),
    "verifier tokens beyond new ones a request, guided": Goal("tokens", most=32),
    # our own cost with fakes of zero latency
    "own cost per child path, one process": Goal("µs", most=120),
    "own cost per child path, Ray": Goal("µs", most=300),
    "time of 10^5 searches, of 10 times 10^4": Goal("x", most=1.1),
    "memory of 10^5 searches, of 10^4": Goal("x", most=2),
    # fakes in a real Ray
    "lost to one death among 4, of a quarter of its absence": Goal("x", most=2),
    # the start
    "Enter to first token, nano on CPU": Goal("s", most=25),
    "README's line": Goal("s", most=150),
    # the command line
    "ttc --help": Goal("s", most=1),
    "ttc run --help": Goal("s", most=1),
    "ttc plan --help": Goal("s", most=1),
    "ttc compare --help": Goal("s", most=1),
    "launch.py --help": Goal("s", most=1),
    "plan of 12 points": Goal("s", most=2),
    "plan of 12 points that are there": Goal("s", most=2),
    "ttc compare": Goal("s", most=2),
    "ttc compare, three cells": Goal("s", most=2),
    "ttc status": Goal("s", most=2),
    # what is added to a finished sweep
    "adding seeds: searches and paths too many or too few": Goal("", most=0),
    "adding n: searches and paths too many or too few": Goal("", most=0),
    "adding votes: searches and paths too many or too few": Goal("", most=0),
    "adding votes: models loaded": Goal("", most=0),
    "adding aggregations: searches and paths too many or too few": Goal("", most=0),
    "adding aggregations: models loaded": Goal("", most=0),
    # readout and store
    "readout, cold": Goal("s", most=60),
    "report": Goal("s", most=60),
    "report: memory": Goal("MB", most=2000),
    "report: size": Goal("MB", most=10),
    "report: opens": Goal("s", most=2),
    "store: write": Goal("s", most=60),
    "store: scan": Goal("s", most=5),
    "store: scan, memory": Goal("MB", most=500),
}
"""Issue 11, "What to reach". What is measured and has no goal is reported; a goal that nothing was measured
for is a line without a value, where everything is run."""


def run(name: str, repeat: int) -> list[dict[str, Any]]:
    """The lines that a script printed, each with its script and the number of its run; and its faults."""
    script, lines = SCRIPTS[name], []
    command = [sys.executable, str(REPO / "benchmarks" / script.file), *script.words]
    paths = os.pathsep.join(filter(None, [str(REPO), os.environ.get("PYTHONPATH")]))
    around = os.environ | {"PYTHONPATH": paths}
    for number in range(repeat):
        start = time.monotonic()
        try:
            done = subprocess.run(
                command, cwd=REPO, env=around, stdout=subprocess.PIPE, text=True, timeout=script.limit
            )
            fault = f"exit code {done.returncode}" if done.returncode else None
            lines += [row | {"script": name, "run": number} for row in results_in(done.stdout)]
        except subprocess.TimeoutExpired:
            fault = f"stopped after {script.limit} s"
        if fault:
            lines.append({"script": name, "run": number, "fault": fault})
        print(f"{name}, run {number + 1}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return lines


def results_in(text: str) -> list[dict[str, Any]]:
    """The result lines of what a script printed."""
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"measure"')]


def table_of(lines: Iterable[dict[str, Any]], unmeasured: bool) -> tuple[Table, bool]:
    """In the order of GOALS, then what has no goal; and whether all that was measured meets its goal.

    unmeasured: a line for goals without a value, too.
    """
    values: dict[str, list[float]] = {measure: [] for measure in GOALS} if unmeasured else {}
    units: dict[str, str] = {measure: goal.unit for measure, goal in GOALS.items()}
    faults = [line for line in lines if "fault" in line]
    for line in lines:
        if "measure" in line:
            values.setdefault(line["measure"], []).append(line["value"])
            units[line["measure"]] = line["unit"]
    table, all_met = Table("measure", "value", "spread", "goal", "met", box=None), not faults
    order = sorted(values, key=lambda measure: [*GOALS, measure].index(measure))
    for measure in order:
        seen, goal = values[measure], GOALS.get(measure)
        if not seen:
            table.add_row(measure, "-", "", str(goal), "not measured", style="dim")
            continue
        value, unit = statistics.median(seen), units[measure]
        spread = f"{min(seen):.3g} to {max(seen):.3g}" if seen[1:] else ""
        met = goal is None or goal.met(value)
        all_met = all_met and met
        said = "" if goal is None else "met" if met else "[red]missed[/]"
        table.add_row(measure, f"{value:.3g} {unit}".strip(), spread, str(goal or ""), said)
    for fault in faults:
        table.add_row(fault["script"], "-", "", "", f"[red]{fault['fault']}[/]")
    return table, all_met


def main(names: Sequence[str], repeat: int | None, out: Path) -> int:
    """Runs, prints and writes; returns 1 where a goal is missed or a script failed."""
    lines: list[dict[str, Any]] = []
    head = {"started": now(), "revision": revision(), "versions": versions(), "hardware": hardware()}
    out.parent.mkdir(parents=True, exist_ok=True)
    for name in names or SCRIPTS:
        lines += run(name, repeat or SCRIPTS[name].repeat)
        out.write_text(json.dumps(head | {"lines": lines}, indent=1), encoding="utf-8")
    table, met = table_of(lines, unmeasured=not names)
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    print(f"every line: {os.path.relpath(out)}")
    return 0 if met else 1


if __name__ == "__main__":
    words = argparse.ArgumentParser(description="Every measure beside its goal.")
    words.add_argument("names", nargs="*", metavar="SCRIPT", help=f"of {', '.join(SCRIPTS)}; none: all")
    words.add_argument("--repeat", type=int, help="how often each is run; else each as often as is its own")
    words.add_argument(
        "--out", type=Path, default=REPO / "results" / "bench" / time.strftime("%Y-%m-%d-%H%M%S.json")
    )
    given = words.parse_args()
    if unknown := [name for name in given.names if name not in SCRIPTS]:
        words.error(f"{', '.join(unknown)}: there is {', '.join(SCRIPTS)}")
    sys.exit(main(given.names, given.repeat, given.out))
