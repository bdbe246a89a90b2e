"""Every figure behind "answers you can trust", beside its goal: `make answers`.

Reruns the graders' suites, the article's runs replayed, the simulations of the statistics and the time of a
large readout; fails where a goal is missed or the data folder is absent. A full run writes docs/answers.md.

    uv run python benchmarks/answers.py [quick]       # quick: a tenth of the trials, only printed
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grader
import readout
from answers_coverage import COVERAGE_GOALS, COVERAGE_HEAD, coverage_table
from answers_replay import FILES, replay
from answers_statistics import Row, answers

from ttc.grading import extract, make_grader
from ttc.readout import read_out
from ttc.store import Folder

REPO = Path(__file__).parents[1]
DATA = Path(os.environ.get("TTC_TEST_DATA", REPO / "../shared/data")).resolve()
CORE = 0.95


async def grading() -> list[Row]:
    """The suites of other graders (equivalence_cases.jsonl), asked as a sweep asks: by a killable process."""
    rows = [json.loads(line) for line in (DATA / "equivalence_cases.jsonl").read_text().splitlines()]
    judge, right, seen = make_grader(), Counter[str](), Counter[str]()
    slowest = 0.0
    try:
        for row in rows:
            start = time.monotonic()
            if row["kind"] == "pair":
                kind, answer = f"pairs, {row['flag']}", row["pred"]
            else:
                kind, answer = _read(row["pred"])
            gold = extract(row["gold"]) or row["gold"]
            found = bool(answer) and (await judge.grade(gold, answer)).correct
            slowest = max(slowest, time.monotonic() - start)
            right[kind] += found == row["equivalent"]
            seen[kind] += 1
    finally:
        await judge.close()
    core = right["pairs, core"]
    found = [Row(f"core pairs that agree, of {seen['pairs, core']}", core, 0, ">= 95 %", core >= CORE * 258)]
    for kind in sorted(set(seen) - {"pairs, core"}):
        found.append(Row(f"{kind} that agree, of {seen[kind]}", right[kind], 0, "reported", True))
    found.append(
        Row("slowest pair, seconds", slowest, 0, "<= 7 (limit 5, and a new worker's start)", slowest <= 7)
    )
    return found


def _read(text: str) -> tuple[str, str | None]:
    """The rule that an extraction row assumes, and what it reads."""
    if "boxed" in text:
        return "extraction rows with a box", extract(text)
    if "final answer is" in text.lower():
        return 'extraction rows with "final answer is"', extract(text)
    return "extraction rows with neither: what is read, else the whole text", extract(text) or text


def replayed() -> list[Row]:
    """search-and-learn's stored choices under its own rules."""
    figures, _ = replay(DATA, FILES)
    same, choices = int(figures["same"].sum()), int(figures["choices"].sum())
    rows = [
        Row(f"replayed choices that are the same, of {choices}", same, 0, ">= 99 %", same >= 0.99 * choices)
    ]
    known = figures.dropna(subset=["stored_accuracy"])
    worst = float((known["accuracy"] - known["stored_accuracy"]).abs().max())
    return [*rows, Row("furthest accuracy of a replayed vote, points", worst, 0, "<= 1", worst <= 1)]


def timed() -> list[Row]:
    """500 problems x 256 paths x 5 seeds, nine budgets, every vote, aggregation and subset; a grader."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Folder(scratch)
        with folder.held():
            readout.make(folder, 500, 256, 5)
        start = time.monotonic()
        read_out(folder)
        seconds = time.monotonic() - start
    pairs = asyncio.run(grader.cold(grader.pairs(50_000)))
    return [
        Row("readout of 500 x 256 x 5, nothing remembered, seconds", seconds, 0, "< 60", seconds < 60),
        Row("50,000 distinct pairs, nothing remembered, seconds", pairs, 0, "< 60", pairs < 60),
    ]


@dataclass
class Section:
    """A table of docs/answers.md: lines of cells, each with whether its goal is met."""

    title: str
    head: list[str]
    lines: Iterable[tuple[list[str], bool]]
    note: str = ""


def plain(title: str, rows: Iterable[Row]) -> Section:
    return Section(title, ["figure", "is", "goal", ""], map(_cells, rows))


def _cells(row: Row) -> tuple[list[str], bool]:
    error = f" ± {row.error:.2f}" if row.error else ""
    said = f"{row.figure:.2f}{error}" if row.error or row.figure % 1 else f"{row.figure:.0f}"
    return [row.what, said, row.goal, "met" if row.met else "**missed**"], row.met


def sections(quick: bool) -> Iterator[Section]:
    yield plain("Grading", asyncio.run(grading()))
    yield plain("The article's runs, replayed", replayed())
    yield plain("Readout", timed())
    coverage = coverage_table(1000 if quick else 10_000)
    yield Section("Coverage of a cell's interval", COVERAGE_HEAD, coverage, COVERAGE_GOALS)
    yield plain("Statistics, on simulated truth", answers(quick))


def main(quick: bool) -> int:
    if not (DATA / "equivalence_cases.jsonl").is_file():
        print(f"{DATA} is not here: TTC_TEST_DATA names the folder of the test data", file=sys.stderr)
        return 2
    os.environ["TTC_CACHE"] = "off"  # no figure may depend on what was graded before
    start, missed = time.monotonic(), 0
    text = [
        "# Answers you can trust: every figure beside its goal\n",
        "Made by `make answers`; do not edit. What the rules of grading are, and what is left: "
        "[grading.md](grading.md).\n",
    ]
    for section in sections(quick):
        top = [f"## {section.title}\n", *[f"{section.note}\n"] * bool(section.note)]
        top += [f"| {' | '.join(section.head)} |", "|---" * len(section.head) + "|"]
        text += top
        print(*top, sep="\n")
        for cells, met in section.lines:
            missed += not met
            text.append(f"| {' | '.join(cells)} |")
            print(text[-1], flush=True)
        text.append("")
    seconds = time.monotonic() - start
    text.append(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; all of it took "
        f"{seconds:.0f} seconds.\n"
    )
    if not quick:
        (REPO / "docs" / "answers.md").write_text("\n".join(text), encoding="utf-8")
    print(f"{missed} missed" if missed else "every goal is met", f"({seconds:.0f} s)")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main("quick" in sys.argv[1:]))
