"""A model and the head that a verifier's score is read from (`Reads` in formats/common.py).

Two of the heads are not in transformers. Both stand on a Qwen2 and are a line each, so the code that comes
with their checkpoints is neither needed nor run; only the weights' names must be theirs.
"""

from __future__ import annotations

import copy
from typing import Any

from ttc.models.formats import Reads
from ttc.models.plain import load
from ttc.models.vllm_engine import EngineOptions
from ttc.types import UserError


class Scorer:
    """A loaded model of the kind that `reads` needs.

    Raises:
        UserError: the checkpoint is not of that kind; names what is missing.
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
    """A class for a Qwen2 with a head of its own beside its body, named as its checkpoints do."""
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
