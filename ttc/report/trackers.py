"""A launch in a tracker, too: W&B, trackio or MLflow. Each is an extra, and only the driver knows of it.

Where a tracker keeps what it is told is its own business, and told by its own variables: WANDB_MODE,
WANDB_PROJECT, TRACKIO_DIR, MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from ttc.report.console import say
from ttc.report.tables import as_json
from ttc.store import Folder
from ttc.store.published import REPORT
from ttc.types import UserError, in_a_line, mask_all

if TYPE_CHECKING:  # a plan does without
    import pandas as pd

PROJECT = "ttc"
PERIOD = 15.0
"""Seconds between two looks at the progress."""
FAREWELL = 60.0
"""Seconds that a tracker may take at the end for what it has been told."""

CONFIG = ("command", "overrides", "config", "versions", "revision", "hardware")
"""Of a launch's entry in sweep.json: what a tracker gets to know."""
HEADLINE = (
    *("strategy", "variant", "n", "vote", "policy", "prm", "dataset", "prompt"),
    *("accuracy", "accuracy_low", "accuracy_high", "generated_tokens", "flops"),
)
"""Columns of readout.parquet: a row per headline."""
FILES = ("plots/accuracy.png", REPORT)


class Tracker(Protocol):
    """All of it is called in one thread; what it raises ends it."""

    def begin(self, run: str, config: Mapping[str, Any]) -> None: ...

    def log(self, values: Mapping[str, int], step: int) -> None: ...

    def show(self, table: Mapping[str, Sequence[Any]], files: Sequence[Path]) -> None:
        """A table (its columns) and files: pictures, and what else can be kept."""
        ...

    def finish(self) -> None: ...


class Wandb:
    """W&B, and what has its shape."""

    def __init__(self) -> None:
        # it would keep the line as it was typed, secrets included, and all that is printed
        os.environ |= {"WANDB_X_DISABLE_META": "true", "WANDB_CONSOLE": "off"}
        import wandb

        self._api: Any = wandb

    def begin(self, run: str, config: Mapping[str, Any]) -> None:
        self._api.init(project=os.environ.get("WANDB_PROJECT", PROJECT), name=run, config=dict(config))

    def log(self, values: Mapping[str, int], step: int) -> None:
        self._api.log(dict(values), step=step)

    def show(self, table: Mapping[str, Sequence[Any]], files: Sequence[Path]) -> None:
        rows = [list(row) for row in zip(*table.values(), strict=True)]
        shown: dict[str, Any] = {"headline": self._api.Table(columns=list(table), data=rows)}
        shown |= {file.stem: self._api.Image(str(file)) for file in files if file.suffix == ".png"}
        self._api.log(shown)
        for file in files:
            if file.suffix != ".png":
                self._api.log_artifact(str(file), name=file.name, type=file.stem)

    def finish(self) -> None:
        self._api.finish()


class Trackio(Wandb):
    def __init__(self) -> None:
        import trackio

        self._api = trackio


class Mlflow:
    def __init__(self) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow

        self._api: Any = mlflow

    def begin(self, run: str, config: Mapping[str, Any]) -> None:
        self._api.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT))
        self._api.start_run(run_name=run)
        self._api.log_dict(config, "config.json")
        params = list(_flat(config["config"]).items())
        for first in range(0, len(params), 100):  # so many go into one request
            self._api.log_params(dict(params[first : first + 100]))

    def log(self, values: Mapping[str, int], step: int) -> None:
        self._api.log_metrics(dict(values), step=step)

    def show(self, table: Mapping[str, Sequence[Any]], files: Sequence[Path]) -> None:
        self._api.log_table({name: list(column) for name, column in table.items()}, "headline.json")
        for file in files:
            self._api.log_artifact(str(file))

    def finish(self) -> None:
        self._api.end_run()


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"policy.name": "nano"}` of `{"policy": {"name": "nano"}}`."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


TRACKERS: Mapping[str, Callable[[], Tracker]] = {"mlflow": Mlflow, "trackio": Trackio, "wandb": Wandb}
"""By the name of the library and of the extra: what `track=` of a launch may be (settings/schema.py)."""


class Tracking(AbstractContextManager["Tracking"]):
    """What a launch tells the tracker of that name; None: nobody listens.

    The tracker has a thread of its own, so that one which is slow, or waits for a network, holds no sweep
    back. One that fails is told no more.

    Raises:
        UserError: it is not installed.
    """

    def __init__(self, name: str | None, console: Console) -> None:
        found = find_spec(name) if name else None
        if name and not (found and found.origin):  # a folder in which W&B keeps its files is no library
            raise UserError(
                f"track={name}: not installed; `uv sync --extra {name}`, or `pip install 'ttc-sweep[{name}]'`"
            )
        self._name, self._console = name, console
        self._calls: SimpleQueue[Callable[[Tracker], None] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._counts: Mapping[str, int] = {}
        self._next = 0.0

    def begin(self, folder: Folder) -> None:
        """The folder's newest launch begins: of what stands in sweep.json no secret is to be seen."""
        if not self._name:
            return
        try:  # imported here: in its thread it would race with what the engines import
            tracker = TRACKERS[self._name]()
        except Exception as error:
            return self._give_up(error)
        self._thread = Thread(target=self._work, args=(tracker,), name="tracker", daemon=True)
        self._thread.start()
        entry = folder.runs()[-1]
        self._tell(lambda tracker: tracker.begin(folder.name, {key: entry[key] for key in CONFIG}))

    def update(self, counts: Mapping[str, int]) -> None:
        """How far it is (SweepProgress.counts)."""
        self._counts = counts
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PERIOD
            self._tell_counts()

    def show(self, folder: Folder, rows: pd.DataFrame) -> None:
        """How it ended: of `rows` of readout.parquet the headlines, and the folder's picture and report."""
        from ttc.report.view import shown  # brings pandas, which a plan does without

        view = shown(rows)
        table = {name: mask_all(as_json(view.loc[view["headline"], name].tolist())) for name in HEADLINE}
        files = [folder.local(file) for file in FILES if folder.has(file)]
        self._tell_counts()
        self._tell(lambda tracker: tracker.show(table, files))

    def __exit__(self, *error: object) -> None:
        self._tell_counts()
        self._tell(lambda tracker: tracker.finish())
        if self._thread:
            self._calls.put(None)
            self._thread.join(FAREWELL)
            if self._thread.is_alive():
                say(self._console, f"track={self._name}: not done after {FAREWELL:.0f} s, and not waited for")

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        if self._thread:
            self._calls.put(call)

    def _tell_counts(self) -> None:
        if counts := self._counts:
            self._tell(lambda tracker: tracker.log(counts, counts["searches_done"]))
            self._counts = {}

    def _work(self, tracker: Tracker) -> None:
        try:
            for call in iter(self._calls.get, None):
                call(tracker)
        except Exception as error:  # each library raises kinds of its own
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        say(self._console, f"track={self._name}: {in_a_line(error)}; the launch goes on without it")
