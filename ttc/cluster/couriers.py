"""Logs of other nodes than the driver's, brought to the results folder, whether they see it or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ttc.cluster.logs import away, node, rotate

ROUND = 2.0
"""Seconds between two fetches from a node."""

LOAD = 2**20
"""Bytes that a fetch brings of one log."""

FAREWELL = 5.0
"""Seconds that the last fetch may take."""


class Couriers(contextlib.AbstractContextManager["Couriers"]):
    """A courier on every other node, on those that come later too. What it could not fetch before its node
    is gone, or before a log that fills too fast was begun anew, is lost."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._at: dict[str, Any] = {}
        self._fetching: dict[Any, Any] = {}
        self._next = 0.0

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Brings what is left, of a start that failed as well; the files there are removed."""
        if kind is KeyboardInterrupt:  # whoever presses twice waits for nothing
            return
        with contextlib.suppress(RayError):
            self._next = 0.0
            self.send()
            self._receive(FAREWELL)
            self._fetching = {one.fetch.remote(last=True): one for one in self._at.values()}
            self._receive(FAREWELL)

    def send(self) -> None:
        """Now and then; never waits."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + ROUND
        courier: Any = ray.remote(Courier)
        for name in (one["NodeID"] for one in ray.nodes() if one["Alive"]):
            if name != node() and name not in self._at:
                there = NodeAffinitySchedulingStrategy(name, soft=False)
                own = courier.options(num_cpus=0, scheduling_strategy=there).remote(str(self._logs))
                self._at[name] = own
                self._fetching[own.fetch.remote()] = own
        for own in self._receive(0):
            self._fetching[own.fetch.remote()] = own

    def _receive(self, seconds: float) -> list[Any]:
        """Writes down what is fetched; whose it was."""
        calls = list(self._fetching)
        done = []
        for ref in ray.wait(calls, num_returns=len(calls), timeout=seconds)[0] if calls else ():
            courier = self._fetching.pop(ref)
            try:
                for name, data in ray.get(ref).items():
                    self._write(self._logs / name, data)
                done.append(courier)
            except RayActorError:  # its node is gone, or another one goes there
                self._at = {name: own for name, own in self._at.items() if own is not courier}
        return done

    def _write(self, log: Path, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk: the parts will say so
            self._logs.mkdir(exist_ok=True)
            with log.open("ab") as file:
                file.write(data)
            rotate(str(log))


class Courier:
    """On another node: what its logs have that was not fetched yet."""

    def __init__(self, logs: str) -> None:
        self._there = away(os.path.join(logs, "any")).parent
        self._read: dict[str, int] = {}

    def fetch(self, last: bool = False) -> dict[str, bytes]:
        """By the log's name, up to LOAD each. last: all, and the logs are removed."""
        found = {}
        for log in sorted(self._there.glob("*.log")):
            with log.open("rb") as file:
                begin = self._read.get(log.name, 0)
                file.seek(begin if begin <= os.path.getsize(log) else 0)  # it was cut
                if data := file.read(-1 if last else LOAD):
                    found[log.name] = data
                self._read[log.name] = file.tell()
        if last:
            shutil.rmtree(self._there, ignore_errors=True)
        return found
