"""A verifier's scores on transformers alone: batches without a cache.

All families are causal, so one pass over a text holds the scores of every text that it begins with: the steps
of a solution that are asked for together cost one pass over the solution.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ttc.models.formats import Format
from ttc.models.heads import Scorer
from ttc.models.plain import Batcher
from ttc.models.verifier import Reader, Reward, classify, two_way
from ttc.models.vllm_engine import EngineOptions

BATCH_TOKENS = 16_384
"""Tokens of one batch, padding included; a longer text is a batch of its own."""

Ids = tuple[int, ...]


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
