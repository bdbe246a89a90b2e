"""sweep.json: one entry per launch, written at its start and completed at its end.

It says what was asked (configuration, overrides, cells), on what (versions, revision, hardware, Ray), when,
and what was really paid. Readouts find the folder's cells here.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ttc.data.problems import key_of, name_of
from ttc.models.provider import Model
from ttc.plan.inputs import Inputs
from ttc.plan.jobs import PlannedCell
from ttc.run.launch import Failure, Report
from ttc.settings import extensions
from ttc.settings.schema import EngineConfig
from ttc.store import Folder
from ttc.store.problems import Named, add_problems
from ttc.store.provenance import hardware, now, revision, versions
from ttc.types import NOT_KEPT, EngineDied, TooManyFailures, Unwritable, UserError, mask_all

BILL = ("generated_tokens", "prompt_computed", "prompt_cached", "prm_computed", "prm_cached", "prm_shared")

ENDS: dict[type[BaseException], str] = {
    EngineDied: "engine died",
    Unwritable: "no room",
    UserError: "refused",  # only Ray knows how large it is
    TooManyFailures: "too many failures",
    KeyboardInterrupt: "interrupted",
}


class LaunchLog:
    """This launch's entry. The folder is held."""

    def __init__(self, folder: Folder, inputs: Inputs, line: Sequence[str], jobs: int = 0) -> None:
        self._folder = folder
        self._runs = folder.runs()
        self._first_part = folder.commits
        self._mark = self._heard = time.monotonic()
        self._starting = self._searching = 0.0
        self.failed: list[Failure] = []
        self._faults: Counter[str] = Counter()
        shared = asdict(inputs.grid.launch)
        del shared["n"], shared["strategy"]  # what differs between points stands in the cells
        self._entry: dict[str, Any] = {
            "started": now(),
            "after": self._first_part,
            "jobs": jobs,
            "finished": None,
            "status": "running",
            "command": line[0],
            "overrides": list(line[1:]),
            "config": shared,
            "extend": extensions.records(),
            "cells": [asdict(planned.record) for planned in inputs.cells],
            "models": [_model(config, model) for config, model in inputs.models.items()],
            "selections": {planned.record.selection: _selection(planned) for planned in inputs.cells},
            "versions": versions(),
            "revision": revision(),
            "hardware": hardware(),
            "ray_address": None,
            "placement": None,
            "bill": None,
            "failed": [],
            "notes": [f"{now()} {NOT_KEPT}"] if mask_all(line) != [*line] else [],
        }
        # a line that only scores may be from before golds were corrected
        add_problems(folder, _problems(inputs), keep="earlier" if inputs.grid.stored else "later")
        folder.save_runs([*self._runs, self._entry])

    @contextlib.contextmanager
    def entry(self) -> Iterator[None]:
        """The launch: how it ends is written down."""
        status = "crashed"
        try:
            yield
            status = "failed" if self.failed else "done"
        except tuple(ENDS) as error:
            status = next(name for kind, name in ENDS.items() if isinstance(error, kind))
            raise
        finally:
            failed = [f"{one.search}: {one.reason}" for one in self.failed]
            done = {"finished": now(), "status": status, "failed": failed, "bill": self._bill()}
            self._folder.save_runs([*self._runs, self._entry | done])

    @contextlib.contextmanager
    def engines(self) -> Iterator[None]:
        """The time of one pair of engines: until they are ready, and then until they are last heard of."""
        self._mark = self._heard = time.monotonic()
        try:
            yield
        finally:
            self._searching += self._heard - self._mark

    def hear(self, report: Report) -> None:
        """A report has come, and what it brought is committed."""
        self._heard = time.monotonic()
        self.failed += report.failed
        self._entry["notes"] += [f"{now()} {note}" for note in report.notes]
        for failure in report.failed:
            self._faults[kind_of_fault(failure.reason)] += 1

    def too_many(self, most: int) -> str | None:
        """A fault that has come `most` times; None: none has."""
        return next((one for one, times in self._faults.items() if times >= most), None)

    def engines_ready(self, ray_address: str | None, placement: dict[str, str] | None) -> None:
        self._entry |= {"ray_address": ray_address, "placement": placement}
        self._starting += time.monotonic() - self._mark
        self._mark = self._heard = time.monotonic()

    def _bill(self) -> dict[str, Any]:
        """What the engines really did for this launch; null where they do not tell. A search that failed and
        was made again counts twice: it was paid twice.

        `seconds` run from the engines' being ready to the last commit, `start_seconds` before that.
        """
        rows = self._folder.read_all("searches", [*BILL, "paths"], after=self._first_part)
        told = {name: rows[name].drop_null() for name in (*BILL, "paths")}
        # added up where they lie: as Python's own numbers, 10^5 searches take tens of MB
        sums = {name: int(one.to_numpy().sum()) if len(one) else None for name, one in told.items()}
        # every search has some: the sum of a part is not what was paid
        if len(told["generated_tokens"]) < len(rows):
            sums["generated_tokens"] = None
        return {"searches": len(rows), "paths": sums.pop("paths") or 0, **sums} | {
            "seconds": round(self._searching, 2),
            "start_seconds": round(self._starting, 2),
        }


def kind_of_fault(reason: str) -> str:
    """What faults that differ in their numbers only have in common."""
    return re.sub(r"\d+", "#", reason)


def _model(config: EngineConfig, model: Model) -> dict[str, Any]:
    """Which weights answered, and on what engine."""
    ran = model.runs(config)
    names = (
        *("name", "model", "revision", "trust_remote_code", "engine", "context", "dtype"),
        *("tensor_parallel", "replicas"),
    )
    identity = model.identity
    more = {"more": identity.more} if identity.more else {}
    return {name: getattr(ran, name) for name in names} | {"identity": identity.model, **more}


def _problems(inputs: Inputs) -> Iterable[Named]:
    datasets = {planned.cell.dataset: planned.problems for planned in inputs.cells}
    return (
        (name_of(dataset), key_of(problem), problem)
        for dataset, problems in datasets.items()
        for problem in problems
    )


def _selection(planned: PlannedCell) -> list[tuple[str, str, int | None]]:
    return [(key_of(problem), problem.id, problem.level) for problem in planned.problems]
