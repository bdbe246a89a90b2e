"""The driver's side of the engines: their actors started, watched, started again when they die, and ended.

Ray starts the process of a dead actor again (`max_restarts`), and what happens then is decided here: the
engine is loaded once more, smaller where the device had no memory left for it, and after some deaths in a
row the replica is given up. Shards find out by themselves (lines.py).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from ttc.cluster.hosts import Host
from ttc.cluster.logs import node
from ttc.cluster.placement import Placement
from ttc.models import environment
from ttc.settings.own import OwnFile
from ttc.settings.schema import AT_ONCE, EngineConfig
from ttc.types import EngineDied, OutOfMemory, UserError, in_a_line

CALLS = 100_000
"""Calls that may wait in an engine actor at once; Ray's default of 1,000 would stall large sweeps."""

PROVEN = 60.0
"""Seconds that an engine has to live before its next death is the first in a row."""

PAUSE = 0.5
"""Seconds after which a process is asked again that Ray has not started yet: it may see only after a while
that a node is gone."""

PATIENCE = 1800.0
"""Seconds that a launch waits for a model of which no replica is up."""

LOST = 60.0
"""Seconds after which a process that Ray has still not started is a death more."""

FAREWELL = 10.0
"""Seconds that engines get to end their own processes."""


@dataclass(eq=False)
class Replica:
    """One replica of an engine.

    Attributes:
        there, serving, ready: references of its calls; `ready` is None once it has said something.
        due: when its process is asked again; `serving` is None until then.
        since: when it came up, or began to.
        up: it answers; `proven`: it did once.
        deaths: in a row.
        gone: it is given up.
    """

    role: str
    number: int
    config: EngineConfig
    log: str
    actor: Any
    there: Any = None
    serving: Any = None
    ready: Any = None
    due: float = math.inf
    since: float = field(default_factory=time.monotonic)
    up: bool = False
    proven: bool = False
    deaths: int = 0
    gone: bool = False

    @property
    def name(self) -> str:
        return f"{self.role} {self.number}"

    def serve(self) -> None:
        self.there, self.serving = self.actor.there.remote(), self.actor.serve.remote(self.config)
        self.ready, self.due, self.up = self.actor.ready.remote(), math.inf, False

    def was_there(self) -> bool:
        """Was there a process that has heard of its last `serve`?"""
        try:
            return bool(ray.get(self.there, timeout=0))
        except RayError:
            return False

    def wait(self) -> None:
        """Asks again in a moment, when Ray has seen that the process is gone."""
        self.serving, self.ready, self.up = None, None, False
        self.due = time.monotonic() + PAUSE

    def give_up(self) -> None:
        self.gone, self.up = True, False
        ray.kill(self.actor, no_restart=True)


class Replicas(contextlib.AbstractContextManager["Replicas"]):
    """All replicas of a launch's engines, ended with the context.

    All start side by side, but for engines that share a GPU and measure the memory that is free there.
    """

    def __init__(
        self, placement: Placement, restarts: int, logs: File, extend: Sequence[OwnFile] = ()
    ) -> None:
        self._restarts = restarts
        self._all: list[Replica] = []
        self._stopped = False
        host: Any = ray.remote(Host)
        home = node()
        around = environment(placement.engines.values())
        try:
            for role, config in placement.engines.items():
                for number in range(config.replicas or 1):
                    log = str(logs / f"{role}-{number}.log")
                    actor = host.options(
                        num_cpus=0,
                        num_gpus=placement.gpus[role],
                        max_concurrency=CALLS,
                        max_restarts=-1,
                        runtime_env={"env_vars": around},
                    ).remote(log, home, extend)
                    self._all.append(Replica(role, number, config, log, actor))
                    self._all[-1].serve()
                    if 0 < placement.gpus[role] < 1 and not config.memory_gib:
                        list(self.await_first())
        except BaseException:
            self.close(FAREWELL)
            raise

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.close(0.0 if kind is KeyboardInterrupt else FAREWELL)  # whoever presses twice wants no farewell

    def actors(self, role: str) -> list[Any] | None:
        return [one.actor for one in self._all if one.role == role] or None

    def watch(self) -> list[Any]:
        """References that say something once they are there: for `tend`. Asks those again that are due."""
        for one in self._all:
            if one.due <= time.monotonic() and not one.gone:
                one.serve()
        calls = ((one.serving, one.ready) for one in self._all if not one.gone)
        return [ref for pair in calls for ref in pair if ref is not None]

    def await_first(self) -> Iterator[str]:
        """Until all are up: what happens on the way, a line each.

        Raises:
            UserError, EngineDied: one does not start.
        """
        while not all(one.up or one.gone for one in self._all):
            watched = self.watch()
            if not watched:
                time.sleep(PAUSE)
            for ref in ray.wait(watched, num_returns=1, timeout=PAUSE)[0]:
                if said := self.tend(ref):
                    yield said

    def tend(self, ref: Any) -> str | None:
        """Deals with a reference of `watch` that is there; what happened, in a line.

        Raises:
            UserError: an engine refuses its model.
            EngineDied: one has never been up, and dies for another reason than memory; or no replica of a
                model is left.
        """
        replica = next((one for one in self._all if ref in (one.serving, one.ready)), None)
        if replica is None:
            return None  # of a call before its last restart
        if ref == replica.serving:
            return self._bury(replica)
        replica.ready = None
        with contextlib.suppress(RayError):  # else `serving` tells
            ray.get(ref)
            replica.since, replica.up, replica.proven = time.monotonic(), True, True
            return f"{replica.name} is up again" if replica.deaths else None
        return None

    def hopeless(self) -> str | None:
        """Why there is no use in waiting; None where there is."""
        now = time.monotonic()
        for role in {one.role for one in self._all}:
            own = [one for one in self._all if one.role == role and not one.gone]
            if own and all(not one.up and now - one.since > PATIENCE for one in own):
                return f"no {role} has come up for {PATIENCE / 60:.0f} minutes"
        return None

    def stop(self) -> None:
        """Every call ends with Interrupted from now on, or with a death: so the shards learn of it."""
        self._stopped = True
        for one in self._all:
            if one.gone:
                continue
            if one.up:
                one.actor.stop.remote()
            else:
                one.give_up()

    def close(self, seconds: float) -> None:
        """Engines get so long to end their own processes; then they are killed."""
        with contextlib.suppress(RayError):
            ray.get([one.actor.shutdown.remote() for one in self._all if not one.gone], timeout=seconds)
        for one in self._all:
            one.give_up()

    def _bury(self, replica: Replica) -> str | None:
        """A replica's `serving` is over: starts it again, or gives it up."""
        error = _cause(replica.serving)
        if isinstance(error, UserError):
            raise error
        waited = time.monotonic() - replica.since
        if isinstance(error, ActorUnavailableError) and not replica.was_there() and waited < LOST:
            replica.wait()
            return None
        lived = time.monotonic() - replica.since if replica.up else 0.0
        said = f"{replica.name} died ({in_a_line(error)}; see {replica.log})"
        if not replica.proven and not isinstance(error, OutOfMemory):
            raise EngineDied(f"an engine did not start: {in_a_line(error)}; see {replica.log}")
        replica.deaths = 1 if lived > PROVEN else replica.deaths + 1
        if self._stopped or replica.deaths > self._restarts:
            replica.give_up()
            if not self._stopped and all(one.gone for one in self._all if one.role == replica.role):
                raise EngineDied(f"{said}; cluster.restarts={self._restarts} in a row, and none is left")
            return f"{said}, {replica.deaths} times in a row: it is given up"
        if isinstance(error, OutOfMemory):
            replica.config, smaller = shrunk(replica.config)
            said += f", out of memory: {smaller}"
        if not isinstance(error, RayActorError):  # the process is still there
            ray.kill(replica.actor, no_restart=False)
        replica.since = time.monotonic()
        replica.wait()
        return f"{said}; started again"


def shrunk(config: EngineConfig) -> tuple[EngineConfig, str]:
    """The configuration of an engine that takes less memory, and what is less in it."""
    at_once = config.max_num_seqs or AT_ONCE
    less: dict[str, Any] = {"max_num_seqs": max(1, at_once // 2)}
    if config.memory_gib:
        less["memory_gib"] = round(config.memory_gib * 0.8, 3)
    elif config.gpu_share:
        less["gpu_share"] = round(config.gpu_share * 0.9, 3)
    before = {"max_num_seqs": at_once, "memory_gib": config.memory_gib, "gpu_share": config.gpu_share}
    words = (f"{name} {before[name]} -> {value}" for name, value in less.items())
    return replace(config, **less), ", ".join(words)


def _cause(ref: Any) -> Exception:
    """Why a call has ended: our own error, or Ray's."""
    try:
        ray.get(ref)
    except RayTaskError as error:
        cause: Exception = error.cause
        return cause
    except RayError as error:
        return error
    return EngineDied("it ended by itself")
