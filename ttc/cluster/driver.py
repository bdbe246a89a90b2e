"""The driver's side of Ray: join or start it, host the engines, fan the searches out, hear the shards."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import RayError

from ttc.cluster.couriers import Couriers
from ttc.cluster.fan import Fan
from ttc.cluster.placement import Placement, has_gpu_vllm, place
from ttc.cluster.replicas import Replicas
from ttc.models import parts_of
from ttc.plan.plan import Plan
from ttc.run.launch import Launch, Report
from ttc.run.stopping import Stop
from ttc.settings.schema import EngineConfig
from ttc.store.provenance import gpu_memory
from ttc.types import EngineDied, UserError, in_a_line

GRACE = 12.0
"""Seconds that shards get to hand over what is finished after an interruption."""

OBJECT_STORE = 200 * 2**20
"""Bytes: completions go to Parquet, so only summaries pass through it."""


def run(launch: Launch, plan: Plan, on_report: Callable[[Report], None], stop: Stop) -> None:
    """Runs the plan's jobs on the engines of `launch`, hosted as actors. The first report says that they are
    up. Asked to stop, it reports what is finished and returns.

    Raises:
        EngineDied: an engine did not start.
        UserError: the cluster is too small, or the Ray at RAY_ADDRESS does not answer.
    """
    logs = launch.folder.local("logs")
    with _join() as address:
        placement = _place(launch)
        launch = replace(launch, **placement.engines)  # type: ignore[arg-type]
        with (
            Couriers(logs) as couriers,
            Replicas(placement, launch.cluster.restarts, logs, launch.extend) as replicas,
        ):
            # they import what they need while the engines start, and wait for them
            fan = Fan(launch, plan, placement, replicas)
            for said in replicas.await_first():
                on_report(Report(notes=[said]))
            on_report(Report(ready=True, ray_address=address, placement=placement.describe()))
            with stop.gently():
                _listen(fan, replicas, couriers, on_report, stop)


def _place(launch: Launch) -> Placement:
    """The rule, on what this Ray has."""
    named = {"policy": launch.policy, "prm": launch.prm}
    engines: dict[str, EngineConfig] = {role: config for role, config in named.items() if config}
    parts = [part for config in engines.values() for part in parts_of(config)]
    gpu_vllm = any(part.engine == "vllm" for part in parts) and has_gpu_vllm()
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
    fan: Fan, replicas: Replicas, couriers: Couriers, on_report: Callable[[Report], None], stop: Stop
) -> None:
    """Passes on what shards report, and what happens to the engines, until the shards end. Asked to stop, it
    stops the engines, and so the shards."""
    deadline: float | None = None
    while fan.tasks and (deadline is None or time.monotonic() < deadline):
        if stop.why and deadline is None:
            deadline = time.monotonic() + GRACE
            replicas.stop()
        couriers.send()
        for ref in ray.wait([*fan.tasks, *replicas.watch()], num_returns=1, timeout=0.5)[0]:
            try:
                if ref in fan.tasks:
                    on_report(fan.hear(ref))
                elif said := replicas.tend(ref):
                    on_report(Report(notes=[said]))
            except EngineDied as error:
                stop.ask(error)
        if why := replicas.hopeless():
            stop.ask(EngineDied(why))


@contextlib.contextmanager
def _join() -> Iterator[str]:
    """The Ray at RAY_ADDRESS where that is set, else a local one for the time of the sweep; its host:port.

    The local one listens on loopback (__init__.py) and answers nobody without this launch's token, which only
    its processes' environment holds; Ray itself would leave one in ~/.ray for every user to read.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = os.environ.get("RAY_ADDRESS")
    started = not ray.is_initialized()
    try:
        if started and address:
            ray.init(address=address, **quiet)
        elif started:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            ray.init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet)
    except Exception as error:  # of Ray's: a busy machine on which nothing answered in time raises a bare one
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
