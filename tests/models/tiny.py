"""A tiny random checkpoint: a Llama of two layers, a word-level tokenizer, a chat template."""

from __future__ import annotations

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


def checkpoint(folder: Path, context: int = 128) -> Path:
    """Random weights, spread out enough that scores differ from step to step; few words, so that random text
    has blank lines and ends."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizer()
    words.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=context,
        tie_word_embeddings=False,
        eos_token_id=[words.eos_token_id, words.convert_tokens_to_ids("<turn_end>")],
        bos_token_id=None,
        pad_token_id=1,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).float().save_pretrained(folder)
    return folder
