"""Providers of engines, by name: literal dicts. An engine is one module here and one line below."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ttc.settings.schema import EngineConfig, PolicyConfig, PrmConfig
from ttc.types import EngineDied, PolicyModel, UserError, VerifierModel

if TYPE_CHECKING:
    from ttc.models.formats import Format
    from ttc.models.plain import PlainOptions
    from ttc.models.verifier import Reader
    from ttc.models.vllm_engine import EngineOptions

GIB = 2**30

ENVIRONMENT = {"GOMP_SPINCOUNT": "0", "VLLM_NO_USAGE_STATS": "1"}
"""For every process with an engine. Read when torch loads, so it must be there before the first import."""


def _fake_policy(config: PolicyConfig) -> PolicyModel:
    from ttc.models.fake import FakePolicy

    return FakePolicy(config.latency, config.fail_rate, config.context)


def _vllm_policy(config: PolicyConfig) -> PolicyModel:
    from ttc.models.vllm_policy import VllmPolicy

    return VllmPolicy(_vllm_options(config))


def _plain_policy(config: PolicyConfig) -> PolicyModel:
    from ttc.models.plain_policy import PlainPolicy

    return PlainPolicy(_plain_options(config))


def _openai_policy(config: PolicyConfig) -> PolicyModel:
    from ttc.models.openai_policy import OpenaiPolicy

    return OpenaiPolicy(config)


def _fake_verifier(config: PrmConfig) -> VerifierModel:
    from ttc.models.fake import FakeVerifier

    return FakeVerifier(config.latency, config.fail_rate, config.context)


def _vllm_verifier(config: PrmConfig) -> VerifierModel:
    from ttc.models.vllm_verifier import VllmReader

    options, format_ = _vllm_options(config), _format(config)
    # to read a tag's logits the engine generates a token, and that needs room, too
    context = options.context - (format_.reads == "tags")
    return _verifier(config, format_, VllmReader(options, format_), context)


def _plain_verifier(config: PrmConfig) -> VerifierModel:
    from ttc.models.plain_verifier import PlainReader

    options, format_ = _plain_options(config), _format(config)
    return _verifier(config, format_, PlainReader(options, format_), options.context)


def _heuristic_verifier(config: PrmConfig) -> VerifierModel:
    from ttc.models.heuristics import HEURISTICS, HeuristicVerifier

    return HeuristicVerifier(HEURISTICS[config.format or ""]())


def _oracle_verifier(config: PrmConfig) -> VerifierModel:
    from ttc.models.oracle import OracleVerifier

    return OracleVerifier()


def _verifier(config: PrmConfig, format_: Format, reader: Reader, context: int) -> VerifierModel:
    from ttc.models.verifier import ModelVerifier

    name = f"prm.model={config.model} prm.format={config.format}"
    return ModelVerifier(name, format_, reader, context, config.check_tags, config.dtype)


def _format(config: PrmConfig) -> Format:
    """Before the engine starts: a tokenizer that does not fit must not cost half a minute."""
    from transformers import AutoTokenizer

    from ttc.models.checkpoint import fetch
    from ttc.models.formats import FORMATS

    tokenizer: Any = AutoTokenizer.from_pretrained(fetch(config.model or ""), revision=config.revision)
    return FORMATS[config.format or ""](tokenizer)


def _vllm_options(config: EngineConfig) -> EngineOptions:
    from ttc.models.vllm_engine import EngineOptions

    return EngineOptions(
        **_options(config),
        memory=round(config.memory_gib * GIB) if config.memory_gib else None,
        gpu_share=config.gpu_share or EngineOptions.gpu_share,
        tensor_parallel=config.tensor_parallel or 1,
    )


def _plain_options(config: EngineConfig) -> PlainOptions:
    from ttc.models.plain import PlainOptions

    return PlainOptions(**_options(config))


def _options(config: EngineConfig) -> dict[str, Any]:
    """What every engine that loads a checkpoint must know of it."""
    from ttc.models.checkpoint import fetch

    assert config.model, "checked when the grid is built"
    assert config.context, "filled in by the driver from the checkpoint"
    same = {name: getattr(config, name) for name in ("context", "revision", "dtype", "max_num_seqs")}
    return {"model": fetch(config.model), **same}


async def start(config: PolicyConfig | PrmConfig) -> Any:
    """The engine of `config`, made in the event loop that uses it; a verifier has checked itself.

    Raises:
        UserError: the model does not fit its part.
        EngineDied: it did not start, with the line that says why; the traceback is printed.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    engine: Any = None
    try:
        if isinstance(config, PolicyConfig):
            engine = POLICIES[config.engine](config)
        else:
            engine = VERIFIERS[config.engine](config)
            await engine.check()
    except Exception as error:
        await shut_down(engine)
        if isinstance(error, UserError | EngineDied):
            raise
        traceback.print_exc()
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
        said = next((line for line in lines if "rror" in line or "must" in line), lines[0])
        raise EngineDied(f"{config.name} did not start: {type(error).__name__}: {said[:300]}") from None
    return engine


async def shut_down(engine: object) -> None:
    """Ends the processes of an engine that has any."""
    if hasattr(engine, "shutdown"):
        ending = engine.shutdown()
        if inspect.isawaitable(ending):
            await ending


POLICIES: dict[str, Callable[[PolicyConfig], PolicyModel]] = {
    "vllm": _vllm_policy,
    "transformers": _plain_policy,
    "openai": _openai_policy,
    "fake": _fake_policy,
}
VERIFIERS: dict[str, Callable[[PrmConfig], VerifierModel]] = {
    "vllm": _vllm_verifier,
    "transformers": _plain_verifier,
    "heuristic": _heuristic_verifier,
    "oracle": _oracle_verifier,
    "fake": _fake_verifier,
}
"""Made by `start`, inside the event loop that uses them."""
