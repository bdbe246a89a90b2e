"""What an engine's configuration names, looked at without loading it: the model, what runs it, how big it is.

Library-light on purpose: no ray, no vllm, no torch, so that a mistake is answered in a second.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ttc.models.size import Size
from ttc.plan.jobs import Identity
from ttc.settings.schema import EngineConfig, PolicyConfig, PrmConfig
from ttc.types import ModelFacts, Problem, UserError

E = TypeVar("E", bound=EngineConfig)

SLOWER = (
    "no prefix cache, so step searches take 1.3 times as long on the embedded models "
    "(benchmarks/plain.py), and more the longer the texts"
)


@dataclass(frozen=True)
class Model:
    """A model that a launch names: what identifies it, what runs it, what its costs are computed from."""

    identity: Identity
    facts: ModelFacts
    engine: str
    """Which really runs it: never `auto`."""
    size: Size | None = None
    revision: str | None = None
    """The Hub's commit that was found: the engine loads this one, whatever is pushed meanwhile."""
    served: str | None = None
    """openai: the model's name on its server."""
    chats_only: bool = False
    """openai: no text can be gone on from, so no step search."""

    def runs(self, config: E) -> E:
        """The configuration as its engine gets it: nothing left to be found out."""
        return replace(
            config,
            engine=self.engine,  # type: ignore[arg-type]
            context=self.identity.context,
            model=self.served or config.model,
            revision=self.revision or config.revision,
        )

    @property
    def note(self) -> str | None:
        """What the user should know about the engine that was chosen."""
        if self.engine != "transformers":
            return None
        return f"transformers runs it instead of vLLM: {SLOWER}"


def model_of(config: EngineConfig, problems: Sequence[Problem] = ()) -> Model:
    """What an engine's configuration names, looked at without loading it.

    Raises:
        UserError: no such model, server, format or engine, or its tokenizer does not know a word of the
            problems.
    """
    if config.engine == "fake":
        return Model(Identity("fake", config.context), ModelFacts(), config.engine)
    if isinstance(config, PrmConfig) and config.engine in ("heuristic", "oracle"):
        return Model(Identity(_rule(config), None), ModelFacts(params=0, attention=0), config.engine)
    if isinstance(config, PolicyConfig) and config.engine == "openai":
        return _endpoint(config)
    return _checkpoint(config, problems)


def _rule(config: PrmConfig) -> str:
    """A verifier that is no model, by name."""
    from ttc.models.heuristics import HEURISTICS

    if config.engine == "oracle":
        return "oracle"
    if config.format not in HEURISTICS:
        raise UserError(f"prm.format={config.format!r}: take one of the heuristics {', '.join(HEURISTICS)}")
    return f"heuristic:{config.format}"


def _endpoint(config: PolicyConfig) -> Model:
    from ttc.models.endpoint import look

    found = look(config)
    # where the server stands does not name its model: it may move between two launches
    identity = Identity(f"endpoint:{found.model}:{config.revision or ''}", found.context)
    return Model(identity, ModelFacts(), config.engine, served=found.model, chats_only=found.api == "chat")


def _checkpoint(config: EngineConfig, problems: Sequence[Problem]) -> Model:
    from ttc.models.checkpoint import first_unknown_word, resolve

    group = "prm" if isinstance(config, PrmConfig) else "policy"
    engine = engine_of(config)
    checkpoint = resolve(config.model or "", config.revision)
    if fault := _misfit(config, checkpoint.architectures):
        raise UserError(f"{group}.model={config.model}: {fault}")
    context = min(config.context or checkpoint.context, checkpoint.context)
    if unknown := first_unknown_word(checkpoint, (problem.question for problem in problems)):
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
    identity = Identity(checkpoint.identity, context)
    return Model(identity, checkpoint.facts, engine, checkpoint.size, checkpoint.revision)


def engine_of(config: EngineConfig) -> str:
    """The engine that runs a model: `auto` is vLLM where it is installed and has the model's head.

    Raises:
        UserError: it cannot run here.
    """
    reads = _reads(config)
    there = importlib.util.find_spec("vllm") is not None
    if config.engine == "auto":
        return "vllm" if there and reads != "value" else "transformers"
    group = "prm" if isinstance(config, PrmConfig) else "policy"
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
    """What the model's scores are read from; "text" for a policy."""
    from ttc.models.formats import FORMATS

    if not isinstance(config, PrmConfig):
        return "text"
    if config.format not in FORMATS:
        raise UserError(f"prm.format={config.format!r}: take one of {', '.join(FORMATS)}")
    return str(getattr(FORMATS[config.format], "reads"))  # noqa: B009


HEADS = {
    "text": ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"),
    "tags": ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"),
    "classes": ("ForProcessRewardModel", "ForTokenClassification"),
    "reward": ("ForSequenceClassification", "RewardModel"),
}
"""How the architectures end that have what is read; a value head (Skywork) hides behind a causal name."""


def _misfit(config: EngineConfig, architectures: Sequence[str]) -> str | None:
    """Why a checkpoint of these architectures cannot play its part."""
    reads = _reads(config)
    fitting = HEADS.get(reads)
    if not fitting or not architectures or any(name.endswith(fitting) for name in architectures):
        return None
    part = "a policy" if reads == "text" else f"prm.format={getattr(config, 'format', None)}"
    hint = {
        "text": "a reward model writes nothing",
        "tags": "this family asks a language model for its next word",
    }.get(reads, "a language model has no such head; prm=judge asks any language model")
    return f"it is a {', '.join(architectures)}, and {part} needs a model that ends in {fitting[0]}: {hint}"
