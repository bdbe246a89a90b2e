"""A policy on transformers alone: batches of draws, a token at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ttc.models.confidence import LIKELIEST
from ttc.models.plain import Batcher, load
from ttc.models.policy import Continuation, TokenPolicy
from ttc.models.steps import StepRule
from ttc.models.vllm_engine import EngineOptions
from ttc.types import Draw, Sampling, Watch

BELOW_ONE = 1 - 2**-22
"""Keeps a uniform number times a total below the total, in float32 too."""


@dataclass(eq=False)
class LiveDraw:
    """One draw while it is written.

    Attributes:
        ids: the input.
        left: tokens it may have at most.
        ends: whether the tokens sampled so far are all of them.
        noise: the uniform number that decides each token: the draw's own, so that its text does not depend
            on its batch.
        watch: over its floor.
        gone: nobody waits for it any more.
        unsure: it fell below the floor, and would have gone on.
    """

    ids: list[int]
    left: int
    sampling: Sampling
    ends: Callable[[list[int]], bool]
    noise: list[float]
    watch: Watch | None = None
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    gone: bool = False
    unsure: bool = False

    @property
    def over(self) -> bool:
        return self.gone or self.unsure or len(self.tokens) >= self.left or self.ends(self.tokens)

    def note(self, token: int, logprobs: Sequence[float], confidences: Sequence[float]) -> None:
        """The next token, with what was asked for of it."""
        self.tokens.append(token)
        self.logprobs += logprobs
        self.confidences += confidences
        if self.watch and not self.over:
            self.unsure = self.watch.broken(confidences)


class PlainPolicy(TokenPolicy):
    """`PolicyModel` on transformers. Make it inside the event loop that uses it."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options.model, options.revision, options.context, options.trust_remote_code)
        from transformers import AutoModelForCausalLM

        self.options = options
        self.model = load(AutoModelForCausalLM, options)
        self.engine = Batcher(self._compute, cost=lambda row: len(row.ids) + len(row.tokens))

    async def _continue(
        self, ids: list[int], sampling: Sampling, draw: Draw, rule: StepRule, left: int
    ) -> Continuation:
        def ends(tokens: list[int]) -> bool:
            return tokens[-1] in self._eos or (not draw.whole and rule.ends(tokens, 0, len(tokens)))

        noise = _noise(draw.seed, left) if sampling.temperature else []
        row = LiveDraw(ids, left, sampling, ends, noise, Watch(draw.floor) if draw.floor else None)
        try:
            await self.engine.ask(row)
        except asyncio.CancelledError:
            row.gone = True  # the thread sees it after its next token
            raise
        return Continuation(
            row.tokens,
            row.logprobs if sampling.logprobs else None,
            end="unsure" if row.unsure else None,
            confidences=row.confidences if sampling.confidence else None,
        )

    def _compute(self, rows: Sequence[LiveDraw]) -> Sequence[LiveDraw]:
        """Writes all rows to their ends, at most `max_num_seqs` at once, those of like length together."""
        most = self.options.max_num_seqs
        ordered = sorted(rows, key=lambda row: len(row.ids))
        for start in range(0, len(ordered), most):
            write(self.model, ordered[start : start + most])
        return rows


def write(model: Any, rows: Sequence[LiveDraw]) -> None:
    """Samples every row's tokens to its end, in one batch that loses the rows which are over."""
    import torch

    with torch.inference_mode():
        ids, mask = _pad(rows, model.device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        cache = None
        while True:
            output = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = output.past_key_values
            tokens = _sample(output.logits[:, -1].float(), rows)
            live = [index for index, row in enumerate(rows) if not row.over]
            if not live:
                return
            if len(live) < len(rows):
                kept = torch.tensor(live, device=mask.device)
                rows = [rows[index] for index in live]
                cache.batch_select_indices(kept)
                tokens, mask, positions = tokens[kept], mask[kept], positions[kept]
            ids = tokens[:, None]
            mask = torch.cat([mask, torch.ones_like(ids)], 1)
            positions = positions[:, -1:] + 1


def _pad(rows: Sequence[LiveDraw], device: Any) -> tuple[Any, Any]:
    """Ids and mask, (rows, longest) each, filled up on the left: so that all go on at the same place."""
    import torch

    ids = [torch.tensor(row.ids) for row in rows]
    pad = partial(torch.nn.utils.rnn.pad_sequence, batch_first=True, padding_side="left")
    return pad(ids).to(device), pad([torch.ones_like(one) for one in ids]).to(device)


def _sample(logits: Any, rows: Sequence[LiveDraw]) -> Any:
    """The next token of every row, (rows,), from float32 logits (rows, vocabulary); also noted in them."""
    import torch

    chosen = logits.argmax(-1)
    if any(row.sampling.temperature for row in rows):
        noise = [row.noise[len(row.tokens)] if row.noise else 0.0 for row in rows]
        temperature = [row.sampling.temperature for row in rows]
        top_p = [row.sampling.top_p for row in rows]
        columns = torch.tensor([noise, temperature, top_p], device=logits.device)[..., None]
        warm = columns[1, :, 0] > 0
        chosen = torch.where(warm, _pick(logits, *columns), chosen)
    logprobs: list[float] = []
    confidences: list[float] = []
    if any(row.sampling.logprobs for row in rows):
        logprobs = logits.log_softmax(-1).gather(-1, chosen[:, None])[:, 0].tolist()
    if any(row.sampling.confidence for row in rows):
        likeliest = logits.log_softmax(-1).topk(min(LIKELIEST, logits.shape[-1])).values
        confidences = (-likeliest.mean(-1)).tolist()
    for index, (row, token) in enumerate(zip(rows, chosen.tolist(), strict=True)):
        row.note(token, logprobs[index : index + 1], confidences[index : index + 1])
    return chosen


def _pick(logits: Any, noise: Any, temperature: Any, top_p: Any) -> Any:
    """Tokens drawn from rows of logits; the other arguments are columns, (rows, 1).

    The token is where the cumulated probabilities pass the noise. In the vocabulary's order, not in that of
    the probabilities: there two tokens that are nearly equal would change places with the batch's rounding.
    """
    import torch

    # the largest logit is 0 now, so that a tiny temperature gives no infinities; of a row without
    # temperature the result is thrown away
    weights = ((logits - logits.amax(-1, keepdim=True)) / temperature.clamp(min=1e-6)).softmax(-1)
    if bool((top_p < 1).any()):
        sorted_, order = weights.sort(-1, descending=True)
        # the smallest set that weighs top_p: what stands in front of its last token weighs less
        outside = (sorted_.cumsum(-1) - sorted_ >= top_p) & (top_p < 1)
        outside[:, 0] = False
        weights = weights.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), 0.0)
    cumulated = weights.cumsum(-1)
    point = noise * BELOW_ONE * cumulated[:, -1:]
    return torch.searchsorted(cumulated, point, right=True)[:, 0]


def _noise(seed: int, count: int) -> list[float]:
    """Uniform numbers in [0, 1). On the CPU whatever the device: so they are the same on all."""
    import torch

    generator = torch.Generator().manual_seed(seed & (2**63 - 1))
    return torch.rand(count, generator=generator).tolist()
