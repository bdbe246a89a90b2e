"""Prompt text, on chat templates that do what real ones do."""

from __future__ import annotations

import pytest

from tests.models import tiny
from ttc import prompts
from ttc.types import Prompt, UserError

LLAMA_LIKE = (
    "{{ bos_token }}<|system|>"
    "Today Date: {{ date_string if date_string is defined else strftime_now('%d') }} "
    "{{ messages[0]['content'] }}<|user|>{{ messages[1]['content'] }}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_a_prompt_is_its_system_and_user_turns():
    prompt = Prompt("p", system=r"End with \boxed{answer}.", user="Q: {question} {no field}")
    assert prompts.messages(prompt, "1 {+} 1?") == [
        {"role": "system", "content": r"End with \boxed{answer}."},
        {"role": "user", "content": "Q: 1 {+} 1? {no field}"},
    ]
    assert [turn["role"] for turn in prompts.messages(Prompt("plain"), "1?")] == ["user"]


def test_the_text_ends_where_the_assistant_begins_to_write():
    assert prompts.text(tiny.tokenizer(), Prompt("plain"), "What is 1?") == "<|user|>What is 1?<|assistant|>"


def test_the_date_is_the_prompts_and_not_todays():
    words = tiny.tokenizer(LLAMA_LIKE)
    words.bos_token = "<pad>"
    assert "Today Date: 26 Jul 2024" in prompts.text(words, Prompt("p", system="s"), "1?")


def test_the_first_token_stands_once():
    words = tiny.tokenizer(LLAMA_LIKE)
    words.bos_token = "<pad>"
    ids = prompts.render(words, Prompt("p", system="s"), "What is 1?")
    assert ids.count(words.bos_token_id) == 1
    assert ids[0] == words.bos_token_id
    assert ids[-1] == words.convert_tokens_to_ids("<|assistant|>")


def test_a_model_without_a_chat_template_is_refused():
    words = tiny.tokenizer()
    words.chat_template = None
    with pytest.raises(UserError, match="tiny: the tokenizer has no chat template"):
        prompts.render(words, Prompt("plain"), "1?")
