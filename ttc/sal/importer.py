"""`ttc import sal FILE...`: runs made elsewhere become a results folder that every readout knows.

settings.py reads the words, sal.py the files, belonging.py sees whether completions stand with their
problems, rows.py lays the rows out. All files are checked before the folder is touched.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path as File
from typing import Any

from ttc.readout import read_out
from ttc.report.console import Console, say
from ttc.report.summary import print_readout
from ttc.sal.belonging import check_belonging
from ttc.sal.grades import grade_by_rules
from ttc.sal.rows import Run, rows_of
from ttc.sal.settings import ImportTask, parse
from ttc.sal.source import Source, read_source
from ttc.store import Folder, PartWriter
from ttc.store.provenance import now, revision, versions
from ttc.types import UserError


def import_sal(words: Sequence[str], console: Console) -> File:
    """Imports search-and-learn's completions; prints what was found and returns the results folder.

    Raises:
        UserError: what is wrong with the words, a file or the folder. Then nothing has been written.
    """
    task = parse(words)
    runs = read_runs(task)
    for run in runs:
        for line in run.notes():
            say(console, f": {line}", bold=run.source.name)
    store_runs(task, runs)
    rows = read_out(Folder(task.folder), task.readout)["readout"].to_pandas()
    cells = {record.cell for run in runs for record in run.records()}
    print_readout(rows[rows["cell"].str.split("@").str[0].isin(cells)], console)
    where = os.path.relpath(task.folder) if task.folder.is_relative_to(File.cwd()) else str(task.folder)
    say(console, f"results: {where}")
    return task.folder


def read_runs(task: ImportTask) -> list[Run]:
    """The files, checked one by one and together."""
    runs = []
    for place, source in enumerate(task.sources):
        read = read_source(source, task.settings.config, task.settings.split)
        if task.settings.check:
            check_belonging(read)
        runs.append(Run(read, task.origin(place, read)))
    _refuse_clashes(runs)
    return runs


def _refuse_clashes(runs: Sequence[Run]) -> None:
    seeds: dict[tuple[str, int], str] = {}
    selections: dict[str, tuple[str, str]] = {}
    for run in runs:
        name, seed = run.source.name, run.origin.seed
        twin = seeds.setdefault((run.family, seed), name)
        if twin is not name:
            raise UserError(f"{name}: seed {seed}, as {twin}; give each file its own: seeds=[0,1,...]")
        first, keys = selections.setdefault(run.line, (name, run.selection))
        if keys != run.selection:
            raise UserError(
                f"{name}: other problems than {first}, so they are no seeds of one run; import them apart, "
                "or name their data: dataset=..."
            )


def store_runs(task: ImportTask, runs: Sequence[Run]) -> None:
    """Grades the paths and commits everything at once, each file as a part."""
    # by search-and-learn's own rule, too, so that its votes can be read at once
    rules = list(dict.fromkeys([task.readout.extract, "sal"]))
    tables = asyncio.run(_tables(task, runs, rules))
    with Folder(task.folder).held() as folder:
        parts = []
        for rows in tables:
            writer = PartWriter(folder)
            writer.add(rows)
            parts.append(writer.flush())
        for part in filter(None, parts):
            folder.commit(part)
        folder.save_runs([*folder.runs(), _entry(task, runs)])


async def _tables(task: ImportTask, runs: Sequence[Run], rules: Sequence[str]) -> list[dict[str, list[dict]]]:
    return [rows_of(run, await grade_by_rules(run.source, rules, task.readout)) for run in runs]


def _entry(task: ImportTask, runs: Sequence[Run]) -> dict[str, Any]:
    """The import as sweep.json remembers it: a run without engines."""
    when = now()
    return {
        "started": when,
        "finished": when,
        "status": "done",
        "command": "import",
        "overrides": list(task.words),
        "config": {"readout": asdict(task.readout)},
        "cells": [asdict(record) for run in runs for record in run.records()],
        "models": [],
        "selections": {run.selection: run.problems() for run in runs},
        "versions": versions(),
        "revision": revision(),
        "sources": [
            {"file": run.source.name, "sha256": _hash(run.source), "origin": asdict(run.origin)}
            for run in runs
        ],
        "bill": None,
        "failed": [],
    }


def _hash(source: Source) -> str | None:
    return hashlib.sha256(source.path.read_bytes()).hexdigest() if source.path else None
