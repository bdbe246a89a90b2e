"""Providers of engines, by name: a literal dict. An engine is one module here and one line below."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ttc.config import EngineConfig, PolicyConfig, PrmConfig
from ttc.types import PolicyModel, VerifierModel

if TYPE_CHECKING:
    from ttc.models.vllm_engine import EngineOptions

GIB = 2**30


def _fake_policy(config: PolicyConfig) -> PolicyModel:
    from ttc.models.fake import FakePolicy

    return FakePolicy(config.latency, config.fail_rate, config.context)


def _fake_verifier(config: PrmConfig) -> VerifierModel:
    from ttc.models.fake import FakeVerifier

    return FakeVerifier(config.latency, config.fail_rate, config.context)


def _vllm_policy(config: PolicyConfig) -> PolicyModel:
    from ttc.models.vllm_policy import VllmPolicy

    return VllmPolicy(_options(config))


def _vllm_verifier(config: PrmConfig) -> VerifierModel:
    from ttc.models.vllm_verifier import VllmVerifier

    return VllmVerifier(_options(config), config.format or "")


def _options(config: EngineConfig) -> EngineOptions:
    from ttc.models.checkpoint import fetch
    from ttc.models.vllm_engine import EngineOptions

    assert config.model, "checked when the grid is built"
    assert config.context, "filled in by the driver from the checkpoint"
    return EngineOptions(
        model=fetch(config.model),
        context=config.context,
        revision=config.revision,
        dtype=config.dtype,
        max_num_seqs=config.max_num_seqs,
        memory=round(config.memory_gib * GIB) if config.memory_gib else None,
        gpu_share=config.gpu_share,
        tensor_parallel=config.tensor_parallel,
    )


POLICIES: dict[str, Callable[[PolicyConfig], PolicyModel]] = {"vllm": _vllm_policy, "fake": _fake_policy}
VERIFIERS: dict[str, Callable[[PrmConfig], VerifierModel]] = {"vllm": _vllm_verifier, "fake": _fake_verifier}
"""Made inside the event loop that uses them."""
