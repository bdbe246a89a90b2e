"""The shape of both models, how they are fitted, and how they reach the disk.

Llama's architecture, so that transformers and vLLM run them as they are. Head size 32 is the least that
vLLM's attention takes on a CPU.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tokenizer
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, LlamaForCausalLM

IGNORE = -100


@dataclass(frozen=True)
class Example:
    """A training text. `targets[i]` is the token wanted after `ids[: i + 1]`, or IGNORE; one weight each."""

    ids: Sequence[int]
    targets: Sequence[int]
    weights: Sequence[float]


def create(seed: int) -> LlamaForCausalLM:
    """An untrained model of about a million parameters (4 MB in float32)."""
    torch.manual_seed(seed)
    words = tokenizer.build()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=448,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return LlamaForCausalLM(config)


def save(model: LlamaForCausalLM, folder: Path) -> None:
    """Writes model and tokenizer beside the folder and swaps them in, so that no reader meets a half."""
    fresh, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    words = tokenizer.build()
    model.generation_config = GenerationConfig(
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id, do_sample=True, temperature=0.8
    )
    model.save_pretrained(fresh)
    words.save_pretrained(fresh)
    for file in fresh.iterdir():  # safetensors writes for the owner alone; a package is for everyone
        file.chmod(0o644)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> LlamaForCausalLM:
    return cast(LlamaForCausalLM, AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))


def batches(
    examples: Sequence[Example], tokens: int, rng: random.Random
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Examples of like length together, in random order: ids, targets, weights, each [rows, length].

    Rows are padded on the right; a causal model never looks there, so no mask is needed.
    """
    order = sorted(range(len(examples)), key=lambda index: (len(examples[index].ids), rng.random()))
    groups: list[list[int]] = [[]]
    for index in order:
        if (len(groups[-1]) + 1) * len(examples[index].ids) > tokens:
            groups.append([])
        groups[-1].append(index)
    rng.shuffle(groups)
    for group in groups:
        rows = [examples[index] for index in group]
        width = max(len(row.ids) for row in rows)
        yield (
            torch.tensor([[*row.ids, *[0] * (width - len(row.ids))] for row in rows]),
            torch.tensor([[*row.targets, *[IGNORE] * (width - len(row.ids))] for row in rows]),
            torch.tensor([[*row.weights, *[0.0] * (width - len(row.ids))] for row in rows]),
        )


def _optimizers(model: LlamaForCausalLM, muon: float, adam: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for embeddings and norms."""
    matrices = [
        weight for name, weight in model.named_parameters() if ".layers." in name and weight.ndim == 2
    ]
    held = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in held]
    return [
        torch.optim.Muon(matrices, lr=muon, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=adam, weight_decay=0.0, betas=(0.9, 0.98)),
    ]


def fit(
    model: LlamaForCausalLM,
    examples: Sequence[Example],
    rates: tuple[float, float],
    classes: Sequence[int] | None = None,
    seed: int = 0,
    tokens: int = 4000,
    note: Any = print,
) -> None:
    """One pass over the examples, learning rates (Muon, AdamW) rising for 2 % of it and then falling to 0.

    With `classes` the loss is the softmax over these token ids alone, which is how a verifier is read.
    """
    queue = list(batches(examples, tokens, random.Random(seed)))
    optimizers = _optimizers(model, *rates)
    warm = max(1, len(queue) // 50)
    column = torch.zeros(model.config.vocab_size, dtype=torch.long)
    if classes is not None:
        column[list(classes)] = torch.arange(len(classes))
    model.train()
    began, seen, recent = time.time(), 0, 0.0
    for step, (ids, targets, weights) in enumerate(queue):
        scale = min(1.0, (step + 1) / warm, (len(queue) - step) / (len(queue) - warm))
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * scale
        wanted = targets != IGNORE
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[wanted]
        logits = model.lm_head(hidden)
        goal = targets[wanted]
        if classes is not None:
            logits, goal = logits[:, list(classes)], column[goal]
        losses = functional.cross_entropy(logits, goal, reduction="none")
        loss = (losses * weights[wanted]).sum() / weights[wanted].sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += ids.numel()
        recent = loss.item() if step == 0 else 0.98 * recent + 0.02 * loss.item()
        if step % 100 == 99 or step + 1 == len(queue):
            speed = seen / (time.time() - began)
            note(f"  step {step + 1}/{len(queue)}, loss {recent:.4f}, {speed:,.0f} tokens/s")
    model.eval()
