"""The engines that load a checkpoint here: vLLM where it can, else transformers.

Looking at a checkpoint loads none of it: a mistake is answered in a second.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from ttc.models.checkpoint import fetch, first_unknown_word, resolve
from ttc.models.formats import FORMATS, Format
from ttc.models.plain_policy import PlainPolicy
from ttc.models.plain_verifier import PlainReader
from ttc.models.provider import Identity, Model, Provider, part_of
from ttc.models.remote_code import check_code
from ttc.models.size import WRITES
from ttc.models.verifier import ModelVerifier, Reader
from ttc.models.vllm_engine import GIB, EngineOptions
from ttc.models.vllm_policy import VllmPolicy
from ttc.models.vllm_verifier import VllmReader
from ttc.models.writers import WRITERS, WritingModel, faults, shape
from ttc.settings.schema import AT_ONCE, EngineConfig, PrmConfig
from ttc.types import Problem, UserError, VerifierModel

SLOWER = (
    "transformers runs it instead of vLLM: no prefix cache, so step searches take 1.3 times as long on the "
    "embedded models (benchmarks/plain.py), and more the longer the texts"
)
HEADS = {
    "text": WRITES,
    "tags": WRITES,
    "classes": ("ForProcessRewardModel", "ForTokenClassification"),
    "reward": ("ForSequenceClassification", "RewardModel"),
}
"""How the architectures end that have what is read; a value head (Skywork) hides behind a causal name."""


def look(config: EngineConfig, problems: Sequence[Problem]) -> Model:
    """The checkpoint that a configuration names, and the engine that will run it; raises as `look_up`."""
    group, engine = part_of(config), engine_of(config)
    try:
        checkpoint = resolve(config.model or "", config.revision)
    except UserError as error:
        said = str(error)
        named = said.startswith(("model=", "revision="))
        raise UserError(f"{group}.{said}" if named else f"{group}.model={config.model}: {said}") from None
    check_code(config, checkpoint.folder)
    if fault := _misfit(config, checkpoint.architectures):
        raise UserError(f"{group}.model={config.model}: {fault}")
    context = min(config.context or checkpoint.context, checkpoint.context)
    if unknown := first_unknown_word(checkpoint.folder, (problem.question for problem in problems)):
        index, word = unknown
        raise UserError(
            f"{group}.model={config.model}: its tokenizer does not know {word!r} "
            f"(problem {problems[index].id}); take a model that can read this dataset"
        )
    heads, width = checkpoint.size.heads if checkpoint.size else 0, config.tensor_parallel or 1
    if heads % width:
        raise UserError(
            f"{group}.tensor_parallel={width}: must divide the {heads} attention heads of {config.model}"
        )
    note = SLOWER if engine == "transformers" else None
    identity = Identity(checkpoint.identity, context, shape(config))
    at = str(checkpoint.folder) if checkpoint.folder else None
    facts, size, revision = checkpoint.facts, checkpoint.size, checkpoint.revision
    return Model(identity, facts, engine, size, revision, note=note, tokenizer=at)


def engine_of(config: EngineConfig) -> str:
    """The engine that runs a model: `auto` is vLLM where it is installed and has the model's head. Raises a
    UserError where it cannot run here."""
    reads = _reads(config)
    there = importlib.util.find_spec("vllm") is not None
    if config.engine == "auto":
        return "vllm" if there and reads != "value" else "transformers"
    group = part_of(config)
    if config.engine == "vllm" and not there:
        raise UserError(
            f"{group}.engine=vllm: vllm is not installed; `uv sync` on Linux brings it. "
            f"{group}.engine=transformers runs everywhere, slower"
        )
    if config.engine == "vllm" and reads == "value":
        raise UserError(
            f"{group}.engine=vllm: vLLM has no value heads (prm.format={getattr(config, 'format', None)}); "
            f"take {group}.engine=transformers"
        )
    if config.engine == "transformers" and (config.tensor_parallel or 1) > 1:
        raise UserError(
            f"{group}.tensor_parallel={config.tensor_parallel}: {group}.engine=transformers has one device"
        )
    return config.engine


def _reads(config: EngineConfig) -> str:
    """What the model's scores are read from; "text" for a policy, and for a verifier that writes."""
    if not isinstance(config, PrmConfig) or config.format in WRITERS:
        return "text"
    if config.format not in FORMATS:
        raise UserError(f"prm.format={config.format!r}: take one of {', '.join([*FORMATS, *WRITERS])}")
    return FORMATS[config.format].reads


def _misfit(config: EngineConfig, architectures: Sequence[str]) -> str | None:
    """Why a checkpoint of these architectures cannot play its part."""
    reads = _reads(config)
    fitting = HEADS.get(reads)
    if not fitting or not architectures or any(name.endswith(fitting) for name in architectures):
        return None
    format_ = getattr(config, "format", None)
    part = f"prm.format={format_}" if format_ else "a policy"
    hint = {
        "text": "a reward model writes nothing",
        "tags": "this family asks a language model for its next word",
    }.get(reads, "a language model has no such head; prm=judge asks any language model")
    return f"it is a {', '.join(architectures)}, and {part} needs a model that ends in {fitting[0]}: {hint}"


def _verifier(
    config: PrmConfig,
    reader: Callable[[EngineOptions, Format], Reader],
    policy: Callable[[EngineOptions], WritingModel],
) -> VerifierModel:
    from transformers import AutoTokenizer

    options = _options(config)
    if config.format in WRITERS:
        return WRITERS[config.format](config, policy(options))
    # before the engine starts: a tokenizer that does not fit must not cost half a minute
    tokenizer: Any = AutoTokenizer.from_pretrained(
        options.model, revision=options.revision, trust_remote_code=options.trust_remote_code
    )
    format_ = FORMATS[config.format or ""](tokenizer)
    # to read a tag's logits vLLM generates a token, and that needs room, too
    context = options.context - (reader is VllmReader and format_.reads == "tags")
    name = f"prm.model={config.model} prm.format={config.format}"
    return ModelVerifier(name, format_, reader(options, format_), context, config.check_tags, config.dtype)


def _options(config: EngineConfig) -> EngineOptions:
    assert config.model, "checked when the grid is built"
    assert config.context, "filled in by the driver from the checkpoint"
    return EngineOptions(
        fetch(config.model),
        config.context,
        config.revision,
        config.dtype,
        max_num_seqs=config.max_num_seqs or AT_ONCE,
        memory=round(config.memory_gib * GIB) if config.memory_gib else None,
        gpu_share=config.gpu_share or EngineOptions.gpu_share,
        tensor_parallel=config.tensor_parallel or 1,
        trust_remote_code=config.trust_remote_code,
    )


MODEL = {"model": "name a folder, a Hub id or an embedded model"}
VLLM = Provider(
    look,
    lambda config: VllmPolicy(_options(config)),
    lambda config: _verifier(config, VllmReader, VllmPolicy),
    MODEL,
    faults,
    chats=True,
    floors=True,
)
TRANSFORMERS = Provider(
    look,
    lambda config: PlainPolicy(_options(config)),
    lambda config: _verifier(config, PlainReader, PlainPolicy),
    MODEL,
    faults,
    chats=True,
    floors=True,
    devices=1,
)
