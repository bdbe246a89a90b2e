"""The tokenizer of both models: one token a number, a day, a sign, or a whole event ("gets 7").

An event is one token because so small a model finds a word by its day at once, but not the number two places
on: with tokens of their own it still took another day's number in 6 % of steps after 86,000 demonstrations.

A leading space belongs to its word, so decoding is plain joining. The chat template spends one token a header
and none at the end of a turn: in a verifier's chat of short turns, they would be a tenth of the bill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lessons import all_events, vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

UNK, PAD, EOS = "<unk>", "<pad>", "<eos>"
ROLES = ("system", "user", "assistant")
EVENT = rf" (?:{'|'.join(sorted({event.word for event in all_events()}))})(?: \d+)?(?: pairs| trios| half)?\b"
PIECES = EVENT + r"|\n\n|\\boxed\{| ?Day \d+:| ?\d+| ?[A-Za-z]+| ?[^\sA-Za-z0-9]|\s"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def build() -> PreTrainedTokenizerFast:
    """The tokenizer, always the same; saved beside each model, so that AutoTokenizer finds it."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    specials = [UNK, PAD, EOS, *(f"<|{role}|>" for role in ROLES)]
    ids = {piece: index for index, piece in enumerate([*specials, *vocabulary()])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNK))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(piece, normalized=False, special=True) for piece in specials])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNK,
        pad_token=PAD,
        eos_token=EOS,
        additional_special_tokens=specials[3:],
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast
