"""Solutions by a policy, in plain transformers, every step labelled by the world: the verifier's lessons."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice

import tokenizer
import torch
from examples import prompt
from lessons import first_error, training_stories
from transformers import LlamaForCausalLM

from ttc.nano.world import STEP_END, Solution, Story

MAX_TOKENS = 104
"""Room for ten steps of 9 tokens and the answer."""


@torch.inference_mode()
def sample(
    model: LlamaForCausalLM, stories: Sequence[Story], temperature: float
) -> Iterator[tuple[Story, Solution]]:
    """One solution of every story, in batches of like length; T = 0 is greedy. Unfinished ones drop out."""
    words = tokenizer.build()
    order = sorted(stories, key=lambda story: len(story.events))
    for first in range(0, len(order), 512):
        batch = order[first : first + 512]
        asked = [prompt(story.question) for story in batch]
        width = max(map(len, asked))
        ids = torch.tensor([[words.pad_token_id] * (width - len(row)) + row for row in asked])
        choice = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
        said = model.generate(  # type: ignore[misc]  # transformers types self as a protocol
            ids,
            attention_mask=(ids != words.pad_token_id).long(),
            max_new_tokens=MAX_TOKENS,
            **(choice if temperature else {"do_sample": False}),
        )[:, width:]
        for story, row in zip(batch, said.tolist(), strict=True):
            if words.eos_token_id in row:
                text = str(words.decode(row[: row.index(words.eos_token_id)]))
                yield story, judged(story, text.split(STEP_END))


def judged(story: Story, steps: Sequence[str]) -> Solution:
    return Solution(tuple(steps), first_error(story, steps))


def training_samples(
    model: LlamaForCausalLM, count: int, each: int, temperature: float, seed: int
) -> list[tuple[Story, Solution]]:
    """`count` solutions of training stories, `each` of a story."""
    torch.manual_seed(seed)
    stories = list(islice(training_stories(random.Random(seed)), count // each))
    return list(sample(model, [story for story in stories for _ in range(each)], temperature))
