"""A launch in a process of its own, what can be done to it, and whether it finds the same undisturbed."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil

from tests.conftest import stored
from ttc.store.schema import KEYS

REPO = Path(__file__).parents[2]
MARK = "TTC_FAULTS"
"""An environment variable: all processes of a launch have its value, however they were started."""

GRID = ("-m", "strategy=best_of_n,beam", "n=4", "seed=0,1", "dataset.limit=150")
"""600 searches: ten parts."""

FAKES = (
    *("policy=fake", "prm=fake", "policy.latency=0.05", "prm.latency=0.02", "policy.replicas=2"),
    *("cluster.shards=2", "cluster.paths=24"),
)

AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Where a driver, a GCS or a raylet was killed, these two try for a minute to tell it somebody (Ray's
publish_error_to_driver), and end."""

ALIKE = 0.95
"""Share of a real policy's texts that two launches have in common at least."""

VOLATILE = {
    *("seconds", "policy_rate", "prm_rate", "prm_cached", "prm_shared", "prm_computed", "prompt_cached"),
    *("prompt_computed", "retries", "cached_tokens", "prm", "status_"),
}
"""Columns that tell of the engines and the clock, not of what was found."""


class Launch:
    """A launch of a line into `folder`; more words and environment as a fault wants them."""

    def __init__(
        self,
        folder: Path,
        *words: str,
        line: tuple[str, ...] = (*GRID, *FAKES),
        log: Path | None = None,
        **environment: str,
    ) -> None:
        self.folder = folder
        self.mark = environment.setdefault(MARK, secrets.token_hex(8))
        self.log = log or folder.with_suffix(".out")
        self._line = [*line, f"results_dir={folder.parent}", f"name={folder.name}", *words]
        self._environment = environment
        self.start()

    def start(self) -> None:
        around = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.door", *self._line],
                cwd=REPO,
                env=around | {"TTC_CACHE": "off"} | self._environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def parts(self) -> int:
        return len(self._parts())

    def wait_for_parts(self, count: int, seconds: float = 240) -> None:
        """Until so many are committed, or the launch is over."""
        wait_for(lambda: self.parts >= count or self.process.poll() is not None, seconds)

    def wait_for_a_new_part(self) -> None:
        """Or until the launch is over."""
        known = self._parts()
        wait_for(lambda: bool(self._parts() - known) or self.process.poll() is not None, 240)

    def _parts(self) -> set[str]:
        return {file.name for file in (self.folder / "searches").glob("*.parquet")}

    def of(self, role: str) -> list[psutil.Process]:
        """Its processes that write the log of a role (`policy`, `prm`, `shard`), or are called so."""
        return [one for one in self.alive() if role in (_name(one), _log_role(one))]

    def alive(self) -> list[psutil.Process]:
        return list(_marked(self.mark))

    def end(self, seconds: float = 240) -> int:
        return self.process.wait(seconds)

    def finish(self, before: Callable[[], object] = lambda: None, tries: int = 3) -> int:
        """The same line at once again until it is through; how often it was. before: each time."""
        for again in range(tries):
            if self.end() == 0:
                return again
            assert "Traceback" not in self.log.read_text(), self.log.read_text()[-3000:]
            before()
            self.start()
        raise AssertionError(f"not through after {tries} tries: {self.log.read_text()[-3000:]}")

    def leftovers(self, seconds: float = 20, but: tuple[str, ...] = ()) -> list[str]:
        """What still runs some time after the launch's end, but those of some names."""
        deadline = time.monotonic() + seconds
        while found := [_name(one) for one in self.alive() if _name(one) not in but]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return found

    def kill_all(self) -> None:
        for one in self.alive():
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                one.kill()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _marked(mark: str) -> Iterator[psutil.Process]:
    for one in psutil.process_iter():
        try:
            if one.environ().get(MARK) == mark and one.status() != psutil.STATUS_ZOMBIE:
                yield one
        except psutil.Error:
            continue


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _log_role(process: psutil.Process) -> str:
    """`policy` where it writes logs/policy-0.log."""
    try:
        return Path(os.readlink(f"/proc/{process.pid}/fd/1")).name.rpartition("-")[0]
    except OSError:
        return ""


def results(folder: Path) -> dict[str, pd.DataFrame]:
    """What was found, by table; without what tells of engines and clocks."""
    found = {}
    for table in KEYS:
        rows = stored(folder, table)
        found[table] = rows.drop(columns=[name for name in rows.columns if name in VOLATILE])
    return found


def assert_equal(folder: Path, undisturbed: dict[str, pd.DataFrame]) -> None:
    for table, rows in results(folder).items():
        pd.testing.assert_frame_equal(rows, undisturbed[table], obj=table)


def assert_part_of(folder: Path, undisturbed: dict[str, pd.DataFrame]) -> None:
    """Something was found, and nothing else than undisturbed."""
    for table, rows in results(folder).items():
        whole = {*undisturbed[table].astype(str).itertuples(index=False, name=None)}
        assert rows.size, table
        assert whole.issuperset(rows.astype(str).itertuples(index=False, name=None)), table


def assert_alike(folder: Path, undisturbed: dict[str, pd.DataFrame]) -> None:
    """What real engines promise: the same searches, each with as many paths, and of those that no score has
    steered the same addresses, with the same texts but where another batch has rounded otherwise."""
    found = results(folder)
    searches = ["family", "problem_key", "seed", "unit_first", "units", "status", "paths"]
    pd.testing.assert_frame_equal(found["searches"][searches], undisturbed["searches"][searches])
    ours, theirs = (
        rows["paths"].query("strategy == 'best_of_n'").reset_index(drop=True) for rows in (found, undisturbed)
    )
    place = ["family", "problem_key", "seed", "address", "copy"]
    pd.testing.assert_frame_equal(ours[place], theirs[place])
    same = (ours["steps"] == theirs["steps"]).mean()
    assert same >= ALIKE, same


def kill(process: psutil.Process) -> None:
    process.send_signal(signal.SIGKILL)
