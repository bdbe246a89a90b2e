"""How big a model is, from its configuration and the headers of its weights; no weight is read.

`ModelFacts` is what costs are computed from (semantics, "Axes and FLOPs"), `Size` what an engine's memory is
planned with. Where the weights are not here yet (a model of the Hub, before its engine has downloaded it)
both are computed from the configuration, by the shapes of a Llama: Mistral and Qwen2 have the same.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttc.types import ModelFacts, UserError

WRITES = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
"""How the architectures of language models end."""
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Size:
    """What a model takes of a device's memory.

    Attributes:
        weights: how many numbers they are; bytes per number are the engine's choice (`dtype`).
        cache: numbers that the cache keeps per token.
        bytes: per number, as the checkpoint says.
        heads: of attention: what layers can be split into.
    """

    weights: int
    cache: int
    bytes: int = 2
    heads: int = 0

    def gib(self, numbers: int, dtype: str = "auto") -> float:
        return numbers * BYTES.get(dtype, self.bytes) / 2**30


def measure(folder: Path, config: dict[str, Any]) -> tuple[ModelFacts, Size | None]:
    """Sizes for FLOPs and for memory; None where neither the headers nor the configuration tell.

    `params` leaves out the input embedding and counts the output head, once where the two are tied; of
    a mixture's experts it counts those that a token uses. Of quantised weights nothing is known.
    """
    heads, layers = config.get("num_attention_heads"), config.get("num_hidden_layers")
    size, shared = _head_size(config), config.get("num_key_value_heads") or heads
    counts = {name: math.prod(shape) for name, shape in _shapes(folder)}
    quantised = "quantization_config" in config
    facts = ModelFacts(
        params=None if quantised else _params(counts, config),
        attention=layers * heads * size if layers and heads and size else None,
        context=config.get("max_position_embeddings"),
    )
    weights = sum(counts.values()) or _llama_weights(config)
    if quantised or not (layers and size and shared and weights):
        return facts, None
    dtype = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
    return facts, Size(weights, 2 * layers * shared * size, BYTES.get(dtype, 2), int(heads or 0))


def _head_size(config: dict[str, Any]) -> int:
    heads = config.get("num_attention_heads")
    return int(config.get("head_dim") or (config.get("hidden_size", 0) // heads if heads else 0))


def _params(counts: dict[str, int], config: dict[str, Any]) -> int | None:
    if not counts:
        whole = _llama_weights(config)
        tied = config.get("tie_word_embeddings") and _writes(config)
        return whole - (0 if tied else config["vocab_size"] * config["hidden_size"]) if whole else None
    embedding = sum(count for name, count in counts.items() if "embed_tokens" in name or "wte" in name)
    experts = sum(count for name, count in counts.items() if ".experts." in name)
    total = next(
        (config[key] for key in ("num_local_experts", "num_experts", "n_routed_experts") if key in config), 1
    )
    idle = experts - experts * config.get("num_experts_per_tok", total) // total
    # no head among the weights of a language model: it is the embedding, and stays in the count
    headless = _writes(config) and not any("lm_head" in name for name in counts)
    tied = headless and config.get("tie_word_embeddings", True)
    return sum(counts.values()) - idle - (0 if tied else embedding)


def _llama_weights(config: dict[str, Any]) -> int | None:
    """All weights of a dense model of Llama's shape; None for other shapes."""
    names = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    mixture = any("expert" in key for key in config)
    if mixture or not all(isinstance(config.get(name), int) for name in names):
        return None
    words, width, inner, layers, heads = (int(config[name]) for name in names)
    shared = config.get("num_key_value_heads") or heads
    attention = 2 * width * _head_size(config) * (heads + shared)
    whole = layers * (attention + 3 * width * inner + 2 * width) + words * width + width
    tied = config.get("tie_word_embeddings") or not _writes(config)
    return whole if tied else whole + words * width


def _writes(config: dict[str, Any]) -> bool:
    """Has it a head for words? A reward model has one number there, or two: nothing beside the rest."""
    names = config.get("architectures") or ["ForCausalLM"]
    return any(name.endswith(WRITES) for name in names)


def _shapes(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Names and shapes of all tensors, from the files' headers (8 bytes of length, then JSON)."""
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with file.open("rb") as stream:
                (length,) = struct.unpack("<Q", stream.read(8))
                if length > file.stat().st_size:
                    raise ValueError("too short")
                header = json.loads(stream.read(length))
        except (struct.error, ValueError):
            raise UserError(
                f"{file}: cut short or no safetensors file (a Git LFS pointer? `git lfs pull` fetches it)"
            ) from None
        yield from ((name, entry["shape"]) for name, entry in header.items() if name != "__metadata__")
