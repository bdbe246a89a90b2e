"""How long a readout of an article-sized pool takes: 500 problems x 256 paths x 5 seeds, nine budgets.

Makes the folder once, under the system's temporary folder, and times `read_out`: all votes, aggregations and
subsets of every budget. Answers are plain numbers and a share of fractions, roots and texts, as in MATH. The
grader remembers nothing (TTC_CACHE=off).

    uv run python benchmarks/readout.py [problems [paths [seeds]]]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from lines import peak, say

from ttc.readout import read_out
from ttc.store import Folder, seal
from ttc.store.records import CellRecord
from ttc.store.schema import table_schema

FAMILY, VERIFIER, STEPS = "best_of_n-bench", "bench", 6
SHAPES = ("{}", "\\frac{{{}}}{{7}}", "{}\\sqrt{{3}}", "x={}")


def make(folder: Folder, problems: int, paths: int, seeds: int) -> None:
    """A committed pool; a problem's right answer is 0, the wrong ones thin out with their number."""
    random = np.random.default_rng(0)
    for part in range(problems):
        count = paths * seeds
        ease = random.beta(0.8, 0.8)
        wrong = random.geometric(0.25, count)
        answer = np.where(random.random(count) < ease, 0, wrong)
        shape = SHAPES[0] if random.random() < 0.7 else SHAPES[random.integers(1, len(SHAPES))]
        texts = [None if random.random() < 0.03 else shape.format(value + part) for value in answer.tolist()]
        index = np.tile(np.arange(paths), seeds)
        common = {
            "family": [FAMILY] * count,
            "problem_key": [f"p{part}"] * count,
            "problem_id": [f"p{part}"] * count,
            "seed": np.repeat(np.arange(seeds), paths),
            "path": [f"{part}/{row}" for row in range(count)],
        }
        tokens = pa.array(random.integers(20, 90, (count, STEPS)).tolist(), pa.list_(pa.int32()))
        scores = np.clip(0.6 + 0.2 * (answer == 0)[:, None] + 0.3 * random.normal(size=(count, STEPS)), 0, 1)
        costs = {name: np.full(count, 400) for name in ("prm_tokens", "prm_context_sum", "prm_prompt_tokens")}
        rows = {
            "paths": common
            | {"unit": index, "address": index.astype(str), "step_tokens": tokens, "copy": [0] * count},
            "grades": common
            | {"grader": ["math_verify"] * count, "extract": ["boxed"] * count}
            | {"answer": texts, "verdict": answer == 0},
            "scores": common | {"verifier": [VERIFIER] * count, "scores": scores.tolist()} | costs,
            "searches": {name: common[name][::paths] for name in common if name != "path"}
            | {"unit_first": [0] * seeds, "units": [paths] * seeds, "status": ["done"] * seeds},
        }
        tables = {}
        for table, columns in rows.items():
            tables[table] = _table(columns, table)
        folder.commit(seal(tables))
    cells = [cell(n, seeds) for n in (2**k for k in range(paths.bit_length())) if n <= paths]
    selection = [[f"p{part}", f"p{part}", 1 + part % 5] for part in range(problems)]
    run = {"cells": [asdict(c) for c in cells], "selections": {"s": selection}}
    told = {"started": "", "status": "done", "overrides": [], "config": {}, "versions": {}}
    folder.save_runs([told | run])


def cell(n: int, seeds: int) -> CellRecord:
    columns = {
        "family": FAMILY,
        "strategy": "best_of_n",
        "policy": "policy",
        "prm": "prm",
        "dataset": "bench",
    }
    seed_range = tuple(range(seeds))
    return CellRecord(f"bench-{n}", "", n, seed_range, columns, selection="s", verifier=VERIFIER, unit=1)


def _table(columns: dict[str, object], table: str) -> pa.Table:
    schema = table_schema(table)
    count = len(next(iter(columns.values())))  # type: ignore[call-overload]
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def main(problems: int = 500, paths: int = 256, seeds: int = 5) -> None:
    folder = Folder(Path(tempfile.gettempdir()) / f"ttc-readout-{problems}-{paths}-{seeds}")
    if not folder.has("sweep.json"):
        with folder.held():
            make(folder, problems, paths, seeds)
    os.environ["TTC_CACHE"] = "off"
    start = time.monotonic()
    read_out(folder)
    say("readout, cold", time.monotonic() - start, "s")
    say("readout, memory", peak() / 1e3, "GB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
