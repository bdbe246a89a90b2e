"""The store at a million paths: the time to write them, then what a launch pays to find all of it done.

Writes the rows of a pool of best_of_n through PartWriter and commit, as a shard and its driver do: paths of 8
steps with about 60 tokens each, their texts and token ids, and a row in grades/ and in scores/ for each. Only
these calls are timed, not the making of the rows. A process of its own then looks at the folder as the start
of a launch of the same line does, and says how long that took and how much memory it had at most, Python and
its libraries included.

    uv run python benchmarks/store.py [--paths 1000000] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lines import peak, say

from ttc.grading import Verdict, make_grader
from ttc.plan.cells import Grid, read_grid
from ttc.plan.done import check_gold, plan_missing
from ttc.plan.estimate import estimate
from ttc.plan.inputs import look_up_all
from ttc.plan.jobs import Job, PlannedCell
from ttc.plan.plan import Plan
from ttc.run.rows import Grade, Row, grade_row, path_key, path_row
from ttc.store import Folder, PartWriter
from ttc.types import Path as Drawn
from ttc.types import Step

N, PROBLEMS, STEPS = 256, 200, 8
VOCABULARY = 128_256
CHARACTERS = 4
"""Of a token, about."""


def grid(paths: int) -> Grid:
    """The line whose pool has so many paths, or a few more."""
    seeds = list(range(-(-paths // (N * PROBLEMS))))
    engines = ["policy=fake", "prm=fake", "cluster=none", f"dataset.limit={PROBLEMS}"]
    return read_grid(["strategy=best_of_n", f"n={N}", f"seeds={seeds}", *engines])


class Writings:
    """Paths that nobody drew, of token ids as uneven as a language's, and of words. There are 4096 different
    ones, so that none comes again before compression has forgotten it."""

    def __init__(self) -> None:
        self._random = chance = random.Random(0)
        self._ids = [int(VOCABULARY ** chance.random()) for _ in range(1_000_000)]
        words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(1, 9))) for _ in range(20_000)]
        self._text = " ".join(words[int(len(words) ** chance.random())] for _ in range(1_000_000))
        ends = ["step"] * (STEPS - 1) + ["eos"]
        self._paths = [tuple(map(self._step, ends)) for _ in range(4096)]

    def steps(self) -> tuple[Step, ...]:
        return self._random.choice(self._paths)

    def _step(self, end: str) -> Step:
        count, start = self._random.randint(30, 90), self._random.randrange(900_000)
        ids = tuple(self._ids[start : start + count])
        return Step(self._text[start : start + CHARACTERS * count], ids, end)  # type: ignore[arg-type]


def rows_of(planned: PlannedCell, job: Job, written: Writings) -> dict[str, list[Row]]:
    """What one search of N paths leaves, as ttc.run writes it."""
    grader, rows = make_grader(), dict[str, list[Row]](paths=[], grades=[], scores=[])
    for index in range(N):
        path = Drawn(job.problem, written.steps(), address=(index,))
        grade = Grade("7", Verdict(index % 3 == 0, "ok"))
        rows["paths"].append(path_row(job, path, grade))
        rows["grades"].append(grade_row(job, path, grade, grader, "boxed"))
        scores = {"verifier": planned.verifier, "prm": "fake", "scores": [index / N] * STEPS, "status": "ok"}
        costs = {"prm_tokens": 520, "prm_context_sum": 140_000, "prm_prompt_tokens": 40}
        rows["scores"].append(job.columns | {"path": path_key(job, path)} | scores | costs)
    counts = {"n": N, "unit_first": 0, "units": N, "status": "done", "paths": N, "generated_tokens": 480 * N}
    rows["searches"] = [job.columns | counts | {"prm_computed": 520 * N, "seconds": 9.0}]
    return rows


def searches(planned: PlannedCell) -> Iterator[dict[str, list[Row]]]:
    written = Writings()
    for job in Plan((planned,)).jobs():
        yield rows_of(planned, job, written)


def write(folder: Folder, paths: int) -> float:
    """Seconds in the writer and in commits."""
    [planned] = look_up_all(grid(paths)).cells
    writer, seconds = PartWriter(), 0.0
    with folder.held():
        for rows in searches(planned):
            start = time.monotonic()
            writer.add(rows)
            if writer.due:
                hand_over(folder, writer)
            seconds += time.monotonic() - start
        start = time.monotonic()
        hand_over(folder, writer)
    return seconds + time.monotonic() - start


def hand_over(folder: Folder, writer: PartWriter) -> None:
    if part := writer.flush():
        folder.commit(part)


def scan(folder: Folder, paths: int) -> tuple[float, float]:
    """Seconds of a launch's start on a folder where nothing is missing, and the most memory so far, in MB."""
    inputs = look_up_all(grid(paths))
    start = time.monotonic()
    with folder.held():
        check_gold(folder, inputs.cells)
        plan = plan_missing(folder, inputs.cells, stored=False)
        estimate(folder, plan)
    seconds = time.monotonic() - start
    assert not plan.size, f"{plan.size} searches seem to be missing"
    return seconds, peak()


def main(paths: int, where: Path) -> None:
    folder = Folder(where)
    if not folder.has("written"):
        say("store: write", write(folder, paths), "s")
        folder.write_text("written", str(paths))
    command = [sys.executable, __file__, "--paths", str(paths), "--scan", str(where)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, memory = json.loads(done.stdout)
    say("store: scan", seconds, "s")
    say("store: scan, memory", memory, "MB")


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--paths", type=int, default=1_000_000)
    words.add_argument("--keep", type=Path, help="a folder that stays, and is read where it is there")
    words.add_argument("--scan", type=Path, help="only look at this folder")
    given = words.parse_args()
    if given.scan:
        print(json.dumps(scan(Folder(given.scan), given.paths)))
    elif given.keep:
        main(given.paths, given.keep)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(given.paths, Path(scratch))
