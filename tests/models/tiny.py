"""Tiny random checkpoints, two layers each, of every architecture that ttc runs, and their tokenizers.

    tokenizer            words, for the policy and RLHFlow's format
    spiece_tokenizer     as Mistral's: "▁" for blanks and in front of every text, bytes for what is unknown
    bytes_tokenizer      as Qwen's and Llama 3's: bytes, cut by a pattern that joins ".\n\n" and " word"

`CHECKPOINTS` has one maker per family of verifiers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

WORDS = [
    "What",
    "is",
    "the",
    "sum",
    "of",
    "?",
    ".",
    "and",
    "so",
    "then",
    "we",
    "get",
    "+",
    "-",
    "=",
    r"\boxed{",
    "}",
]
PIECES = [
    "\n\n",
    "\n",
    " ",
    *WORDS,
    *(f" {word}" for word in WORDS),
    *map(str, range(13)),
    "x\n",
    ".\n\nThen",
]
SPECIALS = ["<unk>", "<pad>", "<eos>", "<turn_end>", "<|system|>", "<|user|>", "<|assistant|>"]
SPLIT = r"\.\n\nThen|x\n|\n\n|\n|\\boxed\{| ?[A-Za-z]+|\d{1,2}| ?[^\sA-Za-z0-9]|\s"
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<turn_end>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT2_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""Blank lines are one piece at the end of a text, and two pieces in front of a word."""
SPIECE_MERGES = ["к и", "▁ ки", "▁ +", "▁ -", "▁ ▁", "▁ n", "o w", "▁n ow", "▁ D"]
BYTES_MERGES = ["y e", "ye s", "n o", "Ċ Ċ", ". ĊĊ", ". Ċ", "Ġ n", "o w", "Ġn ow", "# #", "a y", "D ay"]
"""Enough for pieces to join across the places where formats cut ("Ċ" and "Ġ" stand for newline and blank)."""
CONTEXT = 1024


def tokenizer(template: str = TEMPLATE, pieces: list[str] | None = None):
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ids = {piece: index for index, piece in enumerate([*SPECIALS, *(PIECES if pieces is None else pieces)])}
    made = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    made.decoder = decoders.Fuse()
    made.add_special_tokens([AddedToken(piece, normalized=False, special=True) for piece in SPECIALS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="<eos>",
        clean_up_tokenization_spaces=False,
        name_or_path="tiny",
    )
    fast.chat_template = template
    return fast


def spiece_tokenizer(merges: list[str] = SPIECE_MERGES):
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors
    from transformers import PreTrainedTokenizerFast

    specials = ["<unk>", "<s>", "</s>"]
    letters = [chr(code) for code in range(33, 127)]
    pieces = [*specials, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "к", "и", *letters]
    pieces += [merge.replace(" ", "") for merge in merges]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    pairs = [tuple(merge.split(" ")) for merge in merges]
    made = Tokenizer(models.BPE(vocab, pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.add_special_tokens([AddedToken(piece, normalized=False, special=True) for piece in specials])
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=False,
        name_or_path="tiny",
    )


def bytes_tokenizer(
    merges: list[str] = BYTES_MERGES,
    extra: tuple[str, ...] = ("<extra_0>",),
    bos: str | None = "<|endoftext|>",
    template: str | None = CHATML,
    split: str = QWEN_SPLIT,
):
    """`extra`: special tokens besides those of the chat. `bos` is one of them all, or missing."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *extra]
    pieces = [*alphabet, *(merge.replace(" ", "") for merge in merges), *specials]
    vocab = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    made = Tokenizer(models.BPE(vocab, [tuple(merge.split(" ")) for merge in merges]))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(piece, normalized=False, special=True) for piece in specials])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        bos_token=bos,
        clean_up_tokenization_spaces=False,
        name_or_path="tiny",
    )
    fast.chat_template = template
    return fast


def checkpoint(folder: Path, context: int = 128) -> Path:
    """Llama, for the policy and RLHFlow's format: random weights, spread out enough that scores differ from
    step to step; few words, so that random text has blank lines and ends."""
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizer()
    ends = [words.eos_token_id, words.convert_tokens_to_ids("<turn_end>")]
    config = LlamaConfig(**_shape(words, context), eos_token_id=ends, bos_token_id=None, pad_token_id=1)
    return _saved(folder, words, lambda: LlamaForCausalLM(config))


def math_shepherd(folder: Path, context: int = CONTEXT) -> Path:
    from transformers import MistralConfig, MistralForCausalLM

    made = spiece_tokenizer()
    config = MistralConfig(**_shape(made, context), sliding_window=None, bos_token_id=1, eos_token_id=2)
    return _saved(folder, made, lambda: MistralForCausalLM(config))


def judge(folder: Path, context: int = CONTEXT) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    made = bytes_tokenizer()
    config = LlamaConfig(**_shape(made, context), **_ids(made))
    return _saved(folder, made, lambda: LlamaForCausalLM(config))


def orm(folder: Path, context: int = CONTEXT, labels: int = 1) -> Path:
    from transformers import LlamaConfig, LlamaForSequenceClassification

    made = bytes_tokenizer()
    config = LlamaConfig(**_shape(made, context), **_ids(made), num_labels=labels)
    return _saved(folder, made, lambda: LlamaForSequenceClassification(config))


def qwen_prm(folder: Path, context: int = CONTEXT) -> Path:
    """Keys as in Qwen2.5-Math-PRM: model.*, score.0 and score.2 (a linear layer, a ReLU, a linear layer)."""
    from torch import nn

    def head(size: int) -> dict[str, nn.Module]:
        return {"score": nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, 2))}

    return _qwen(folder, context, "Qwen2ForProcessRewardModel", head)


def skywork(folder: Path, context: int = CONTEXT) -> Path:
    """Keys as in Skywork-o1-Open-PRM: model.*, lm_head and v_head.summary."""
    from torch import nn

    def head(size: int) -> dict[str, nn.Module]:
        return {"v_head": nn.ModuleDict({"summary": nn.Linear(size, 1)})}

    return _qwen(folder, context, "Qwen2ForPrmModel", head)


def _qwen(folder: Path, context: int, architecture: str, head: Callable) -> Path:
    """A Qwen2 with `head` beside its body, under the name of an architecture that transformers lacks."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    made = bytes_tokenizer()
    config = Qwen2Config(**_shape(made, context), **_ids(made), num_labels=2)

    def model():
        whole = Qwen2ForCausalLM(config)
        for name, module in head(config.hidden_size).items():
            for weight in module.parameters():
                torch.nn.init.normal_(weight, std=0.3)
            whole.add_module(name, module)
        return whole

    _saved(folder, made, model)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "architectures": [architecture]}))
    return folder


def _shape(words, context: int) -> dict:
    return {
        "vocab_size": len(words),
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": context,
        "tie_word_embeddings": False,
        "initializer_range": 0.3,
    }


def _ids(words) -> dict:
    return {
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }


def _saved(folder: Path, words, model: Callable) -> Path:
    import torch

    words.save_pretrained(folder)
    torch.manual_seed(0)
    model().float().save_pretrained(folder)
    return folder


CHECKPOINTS: dict[str, Callable[..., Path]] = {
    "rlhflow": checkpoint,
    "math_shepherd": math_shepherd,
    "skywork": skywork,
    "qwen_prm": qwen_prm,
    "orm": orm,
    "judge": judge,
}
