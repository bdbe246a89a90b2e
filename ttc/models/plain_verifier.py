"""A verifier's scores on transformers alone: batches without a cache.

All families are causal, so one pass over a text holds the scores of every text that it begins with: the steps
of a solution that are asked for together cost one pass over the solution.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

from ttc.models.formats import Format, Reads
from ttc.models.formats.common import Ids
from ttc.models.plain import Batcher, load
from ttc.models.verifier import Reader, Reward, classify, two_way
from ttc.models.vllm_engine import EngineOptions
from ttc.types import UserError

BATCH_TOKENS = 16_384
"""Tokens of one batch, padding included; a longer text is a batch of its own."""


class PlainReader(Reader):
    """`Reader` on transformers. Make it inside the event loop that uses it.

    Raises:
        UserError: the checkpoint has not the head that `format` reads.
    """

    def __init__(self, options: EngineOptions, format: Format) -> None:
        self.options = options
        self.tags = format.tags
        self.scorer = Scorer(format.reads, options)
        self.engine: Batcher[Ids, Reward] = Batcher(self._compute, cost=lambda reward: reward.computed)

    async def read(self, ids: Ids) -> Reward:
        return await self.engine.ask(ids)

    def _compute(self, requests: Sequence[Ids]) -> list[Reward]:
        rewards: dict[int, Reward] = {}
        for batch in batches(requests, chains(requests), self.options.max_num_seqs):
            rewards |= self._read(requests, batch)
        return [rewards[index] for index in range(len(requests))]

    def _read(self, requests: Sequence[Ids], batch: Sequence[Sequence[int]]) -> dict[int, Reward]:
        """One pass: a row for the last, longest request of every chain."""
        import torch

        # padded on the right, where a causal model's scores do not see it: so no mask is needed
        texts = [torch.tensor(requests[chain[-1]]) for chain in batch]
        ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True).to(self.scorer.model.device)
        rows = [row for row, chain in enumerate(batch) for _ in chain]
        columns = [len(requests[index]) - 1 for chain in batch for index in chain]
        with torch.inference_mode():
            scores = iter(self._scores(self.scorer.at(ids, rows, columns)))
        rewards = {}
        for chain in batch:
            paid = 0  # by the shorter ones in the chain
            for index in chain:
                rewards[index] = Reward(*next(scores), computed=len(requests[index]) - paid)
                paid = len(requests[index])
        return rewards

    def _scores(self, values: Any) -> list[tuple[float | None, float | None, float | None]]:
        """(score, raw, mass) of every row of (places, width)."""
        if self.tags:
            rows = values.log_softmax(-1)[:, list(self.tags)].tolist()
            return [(two_way(good, bad), None, math.exp(good) + math.exp(bad)) for good, bad in rows]
        outcome = self.scorer.reads != "classes"
        return [(*classify(logits, outcome), None) for logits in values.tolist()]


def chains(requests: Sequence[Ids]) -> list[list[int]]:
    """The requests' indices, so that in each list every text begins the next one. Equal texts share one."""
    made: list[list[int]] = []
    # in this order what a text begins with stands in front of it
    for index in sorted(range(len(requests)), key=lambda index: requests[index]):
        last = requests[made[-1][-1]] if made else None
        if last is None or requests[index][: len(last)] != last:
            made.append([])
        made[-1].append(index)
    return made


def batches(requests: Sequence[Ids], chains: Sequence[list[int]], most: int) -> Iterator[list[list[int]]]:
    """Chains of like length together, the longest first: at most `most` and BATCH_TOKENS a batch."""
    ordered = sorted(chains, key=lambda chain: -len(requests[chain[-1]]))
    while ordered:
        count = max(1, min(most, BATCH_TOKENS // len(requests[ordered[0][-1]])))
        yield ordered[:count]
        ordered = ordered[count:]


class Scorer:
    """A loaded model and the head that scores are read from (`Reads` in formats/common.py).

    Raises:
        UserError: the checkpoint is not of the kind that `reads` needs; names what is missing.
    """

    def __init__(self, reads: Reads, options: EngineOptions) -> None:
        self.reads = reads
        self.model, head = _load(reads, options)
        # in 16 bits logits would be rounded to three digits before their difference is taken. A copy: the
        # head of a language model may be its embedding, too
        self.head: Any = copy.deepcopy(head).float()
        self._places: tuple[list[int], list[int]] = ([], [])
        if reads == "tags":
            # inside the model's own forward, as some models scale or bend what their head says
            self.model.set_output_embeddings(self.head)
            self.head.register_forward_pre_hook(lambda _, inputs: (self._pick(inputs[0]),))

    def at(self, ids: Any, rows: list[int], columns: list[int]) -> Any:
        """What the head says at (row, column) of ids (rows, longest), padded on the right: (places, width),
        float32."""
        self._places = rows, columns
        if self.reads == "tags":
            return self.model(input_ids=ids, use_cache=False).logits
        return self.head(self._pick(self.model.base_model(input_ids=ids, use_cache=False)[0]))

    def _pick(self, hidden: Any) -> Any:
        return hidden[self._places].float()


def _load(reads: Reads, options: EngineOptions) -> tuple[Any, Any]:
    """The model and its head."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    if reads == "tags":
        model = load(AutoModelForCausalLM, options)
        return model, model.get_output_embeddings()
    if reads == "classes":
        model = load(_qwen2("Qwen2ForProcessRewardModel"), options)
        return model, model.score
    if reads == "value":
        model = load(_qwen2("Qwen2ForPrmModel"), options)
        return model, model.v_head.summary
    model = load(AutoModelForSequenceClassification, options)
    if not hasattr(model, "score") or model.config.num_labels > 2:
        raise UserError(
            f"{options.model}: a reward model is a decoder with one or two classes, this is "
            f"{type(model).__name__} with {model.config.num_labels}"
        )
    return model, model.score


def _qwen2(name: str) -> Any:
    """A class for a Qwen2 with a head that is not in transformers. The head is a line, so the code that comes
    with its checkpoints is neither needed nor run; only the weights' names must be theirs."""
    from torch import nn
    from transformers import Qwen2Model, Qwen2PreTrainedModel

    def make(self: Any, config: Any) -> None:
        Qwen2PreTrainedModel.__init__(self, config)
        self.model, width = Qwen2Model(config), config.hidden_size
        if name == "Qwen2ForPrmModel":  # trl's value head, whose weights stand beside the model's in one file
            self.v_head = nn.Module()
            self.v_head.summary = nn.Linear(width, 1)
        else:  # two layers that end in two classes
            self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
        self.post_init()
        self._keys_to_ignore_on_load_unexpected = {"lm_head"}

    return type(name, (Qwen2PreTrainedModel,), {"__init__": make})
