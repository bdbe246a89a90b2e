"""`ttc import sal FILE...`: runs made elsewhere become a results folder that every readout knows.

settings.py reads the words, source.py the files, belonging.py sees whether completions stand with their
problems, rows.py lays the rows out. All files are checked before the folder is touched.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path as File
from typing import Any

from ttc.data.problems import key_of
from ttc.grading import make_grader
from ttc.plan.done import check_answers
from ttc.readout import read_out
from ttc.report.console import Console, relative, say
from ttc.report.summary import print_readout
from ttc.run.rows import Row
from ttc.sal.belonging import check_belonging
from ttc.sal.rows import Run, make_rows
from ttc.sal.settings import ImportTask, parse
from ttc.sal.source import read_source
from ttc.store import Folder, PartWriter
from ttc.store.problems import add_problems
from ttc.store.provenance import now, revision, versions
from ttc.types import Faults, UserError


def import_sal(words: Sequence[str], console: Console) -> File:
    """Imports search-and-learn's completions; prints what was found and returns the results folder.

    Raises:
        UserError: what is wrong with the words, a file or the folder. Then nothing has been written.
    """
    task = parse(words)
    runs = read_runs(task)
    first: dict[tuple[str, tuple[str, ...]], Run] = {}
    for run in runs:
        texts = tuple(one.text for row in run.source.rows for one in row.completions)
        twin = first.setdefault((run.family, texts), run)
        copied = [f"the same completions as {twin.source.name}, counted twice"] if twin is not run else []
        for line in [*run.notes(), *copied]:
            say(console, f": {line}", bold=run.source.name)
    store_runs(task, runs)
    rows = read_out(Folder(task.folder), task.readout)["readout"].to_pandas()
    cells = {record.cell for run in runs for record in run.records()}
    print_readout(rows[rows["cell"].str.split("@").str[0].isin(cells)], console, vars(task.readout.doubts))
    say(console, f"results: {relative(task.folder)}")
    return task.folder


def read_runs(task: ImportTask) -> list[Run]:
    """The files, checked one by one, together, and against what the folder holds."""
    runs, faults = [], []
    for place, name in enumerate(task.sources):
        try:
            source = read_source(name, task.settings.config, task.settings.split, task.settings.scores)
            if task.settings.check:
                check_belonging(source)
            runs.append(Run(source, task.origin(place, source)))
        except UserError as error:
            faults += str(error).splitlines()
    if faults:
        raise Faults(faults)
    seeds: dict[tuple[str, int], Run] = {}
    lines: dict[str, Run] = {}
    for run in runs:
        name, seed = run.source.name, run.origin.seed
        twin = seeds.setdefault((run.family, seed), run)
        if twin is not run:
            faults.append(
                f"{name}: seed {seed}, as {twin.source.name}; give each file its own: seeds=[0,1,...]"
            )
        first = lines.setdefault(run.line, run)
        golds = [[row.problem.answer for row in one.source.rows] for one in (first, run)]
        if first.selection != run.selection or golds[0] != golds[1]:
            faults.append(
                f"{name}: other problems or gold answers than {first.source.name}, so they are no seeds of "
                "one run; import them apart, or name their data: dataset=..."
            )
    if faults:
        raise Faults(faults)
    for run in runs:
        problems = {key_of(row.problem): row.problem for row in run.source.rows}
        check_answers(Folder(task.folder), problems, {run.family}, "FILE")
    return runs


def store_runs(task: ImportTask, runs: Sequence[Run]) -> None:
    """Grades the paths and commits everything at once, each file as a part."""
    tables = asyncio.run(_make_tables(task, runs))
    with Folder(task.folder).held() as folder:
        writer, parts = PartWriter(), []
        for rows in tables:
            writer.add(rows)
            parts.append(writer.flush())
        for part in filter(None, parts):
            folder.commit(part)
        asked = ((run.origin.dataset, row.problem) for run in runs for row in run.source.rows)
        add_problems(folder, ((dataset, key_of(problem), problem) for dataset, problem in asked))
        folder.save_runs([*folder.runs(), _entry(task, runs)])


async def _make_tables(task: ImportTask, runs: Sequence[Run]) -> list[dict[str, list[Row]]]:
    # by search-and-learn's own rule, too, so that its votes can be read at once
    rules = list(dict.fromkeys([task.readout.reading, "sal"]))
    grader = make_grader(task.readout.grader, task.readout.grade_timeout)
    try:
        return [await make_rows(run, rules, grader) for run in runs]
    finally:
        await grader.close()


def _entry(task: ImportTask, runs: Sequence[Run]) -> dict[str, Any]:
    """The import as sweep.json remembers it: a run without engines."""
    when = now()
    sources = []
    for run in runs:
        path = run.source.path
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path else None
        sources.append({"file": run.source.name, "sha256": digest, "origin": asdict(run.origin)})
    return {
        "started": when,
        "finished": when,
        "status": "done",
        "command": "import",
        "overrides": list(task.words),
        "config": {"readout": asdict(task.readout)},
        "cells": [asdict(record) for run in runs for record in run.records()],
        "models": [],
        "selections": {run.selection: run.problems for run in runs},
        "versions": versions(),
        "revision": revision(),
        "sources": sources,
        "bill": None,
        "failed": [],
    }
