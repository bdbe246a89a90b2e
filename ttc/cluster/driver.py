"""The driver's side of Ray: join or start it, host the engines, fan the searches out, hear the shards."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from ttc.cluster import shards
from ttc.cluster.hosts import Host
from ttc.cluster.placement import Placement, has_gpu_vllm, place
from ttc.models import environment
from ttc.plan.jobs import Job
from ttc.run.launch import Launch, Report
from ttc.settings.schema import EngineConfig
from ttc.store.provenance import gpu_memory
from ttc.types import EngineDied, UserError, in_a_line

CALLS = 100_000
"""Calls that may wait in an engine actor at once; Ray's default of 1,000 would stall large sweeps."""

GRACE = 60.0
"""Seconds that shards get to hand over what is finished after an interruption."""

OBJECT_STORE = 200 * 2**20
"""Bytes: completions go to Parquet, so only summaries pass through it."""


def run(launch: Launch, jobs: Sequence[Job], on_report: Callable[[Report], None]) -> None:
    """Runs `jobs` on the engines of `launch`, hosted as actors. The first report says that they are up.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came; what was finished has been reported.
        EngineDied: an engine did not start or died; likewise.
        UserError: the cluster is too small, or the Ray at RAY_ADDRESS does not answer.
    """
    logs = launch.folder.local("logs")
    with _interruptible() as interrupted, _join() as address:
        placement = _place(launch)
        launch = replace(launch, **placement.engines)  # type: ignore[arg-type]
        with _host(placement, logs) as (actors, starts):
            policy, prm = actors.get("policy"), actors.get("prm")
            room = max(1, launch.room // placement.at_once)
            start = shards.run.options(runtime_env={"env_vars": {"CUDA_VISIBLE_DEVICES": ""}}).remote
            # they import what they need while the engines start, and wait for them
            tasks = [
                start(launch, part, policy, prm, room, str(logs / f"shard-{i}.log"))
                for i, part in enumerate(shards.split(jobs, placement.shards))
            ]
            _await_starts(starts)
            on_report(Report(ready=True, ray_address=address, placement=placement.describe()))
            _listen(tasks, on_report, interrupted, [host for hosts in actors.values() for host in hosts])
        if interrupted:
            raise KeyboardInterrupt


def _place(launch: Launch) -> Placement:
    """The rule, on what this Ray has."""
    named = {"policy": launch.policy, "prm": launch.prm}
    engines: dict[str, EngineConfig] = {role: config for role, config in named.items() if config}
    gpu_vllm = any(e.engine == "vllm" for e in engines.values()) and has_gpu_vllm()
    resources = ray.cluster_resources()
    sizes = dict(zip(named, launch.sizes, strict=True))
    return place(engines, sizes, launch.cluster, resources, gpu_vllm, _gpu_gib(resources))


def _gpu_gib(resources: Mapping[str, float]) -> float | None:
    """Memory of a GPU of this Ray, asked on a node that has one; None: there is none, or it does not tell."""
    if not resources.get("GPU"):
        return None
    try:
        return ray.get(ray.remote(num_gpus=0.01, max_retries=0)(gpu_memory).remote(), timeout=60)
    except RayError:
        return None


def _listen(
    tasks: list[Any], on_report: Callable[[Report], None], interrupted: list[int], hosts: Sequence[Any]
) -> None:
    """Passes the shards' reports on until they end. Interrupted: stops the engines, and so the shards."""
    deadline: float | None = None
    death: BaseException | None = None
    while tasks and (deadline is None or time.monotonic() < deadline):
        if interrupted and deadline is None:
            deadline = time.monotonic() + GRACE
            for host in hosts:
                host.stop.remote()
        ready: list[Any] = ray.wait(tasks, num_returns=1, timeout=0.5)[0]
        for task in ready:
            try:
                on_report(ray.get(next(task)))
            except StopIteration:
                tasks.remove(task)
            except EngineDied as error:
                death = error
                tasks.remove(task)
            except RayTaskError as error:
                if isinstance(error.cause, UserError):  # as a full disk
                    raise UserError(str(error.cause)) from None
                raise error.as_instanceof_cause() from None
    if death:
        raise EngineDied(str(death).splitlines()[-1])


@contextlib.contextmanager
def _interruptible() -> Iterator[list[int]]:
    """SIGINT and SIGTERM fill the list instead of breaking into a commit; a second one breaks in."""
    received: list[int] = []

    def note(signum: int, frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signum)

    kept = {name: signal.signal(name, note) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for name, handler in kept.items():
            signal.signal(name, handler)


@contextlib.contextmanager
def _join() -> Iterator[str]:
    """The Ray at RAY_ADDRESS where that is set, else a local one for the time of the sweep; its host:port."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = os.environ.get("RAY_ADDRESS")
    started = not ray.is_initialized()
    try:
        if started and address:
            ray.init(address=address, **quiet)
        elif started:
            ray.init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet)
    except (ConnectionError, RayError, RuntimeError, ValueError) as error:
        if address:
            raise UserError(f"RAY_ADDRESS={address}: {refusal(error)}") from None
        raise UserError(
            f"a local Ray did not start ({in_a_line(error)}); cluster=none runs without one"
        ) from None
    try:
        yield ray.get_runtime_context().gcs_address
    finally:
        if started:
            ray.shutdown()


def refusal(error: Exception) -> str:
    """Why Ray did not join another one, in a line. Ray's own words: its versions, then this one's."""
    versions = re.findall(r"Ray: (\S+)\s+Python: (\S+)", str(error))
    if len(versions) == 2:
        (ray_, python), (own_ray, own_python) = versions
        near = ray_ == own_ray and python.rpartition(".")[0] == own_python.rpartition(".")[0]
        way = ", or set RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL=minor" if near else ""
        return (
            f"it runs Ray {ray_} on Python {python}, and ttc here Ray {own_ray} on Python {own_python}; both "
            f"must be equal: install the cluster's versions here, or these there{way}"
        )
    hint = (
        "" if "RAY_AUTH_MODE" in os.environ else "; one that wants a token is joined by RAY_AUTH_MODE=token"
    )
    return f"no Ray answers there ({in_a_line(error)}){hint}"


@contextlib.contextmanager
def _host(placement: Placement, logs: File) -> Iterator[tuple[dict[str, list[Any]], list[tuple[str, Any]]]]:
    """The engines' actors by role, and their starts under way (log, reference); ended with the context.

    All start side by side, but for engines that share a GPU and measure the memory that is free there.
    """
    actors: dict[str, list[Any]] = {}
    starts: list[tuple[str, Any]] = []
    host: Any = ray.remote(Host)
    around = environment(placement.engines.values())
    try:
        for role, config in placement.engines.items():
            for replica in range(config.replicas or 1):
                log = logs / f"{role}-{replica}.log"
                actor = host.options(
                    num_cpus=0,
                    num_gpus=placement.gpus[role],
                    max_concurrency=CALLS,
                    runtime_env={"env_vars": around},
                ).remote(config, str(log))
                actors.setdefault(role, []).append(actor)
                starts.append((str(log), actor.start.remote()))
                if 0 < placement.gpus[role] < 1 and not config.memory_gib:
                    _await_starts(starts)
        yield actors, starts
    finally:
        all_ = [actor for replicas in actors.values() for actor in replicas]
        # engines end their own processes first: killed at once they would leave them behind
        with contextlib.suppress(RayError):
            ray.get([actor.shutdown.remote() for actor in all_], timeout=20)
        for actor in all_:
            ray.kill(actor)


def _await_starts(starts: list[tuple[str, Any]]) -> None:
    while starts:
        log, ref = starts.pop(0)
        try:
            ray.get(ref)
        except RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise UserError(str(error.cause)) from None
            died = isinstance(error.cause, EngineDied)
            said = error.cause if died else f"an engine did not start ({error.cause!r:.200})"
            raise EngineDied(f"{said}; see {log}") from None
        except RayError as error:
            raise EngineDied(f"an engine did not start ({str(error).splitlines()[0]}); see {log}") from None
