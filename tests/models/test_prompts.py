"""Prompt text, on chat templates that do what real ones do."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.models import tiny
from ttc.models import prompts
from ttc.models.policy import Continuation, TokenPolicy
from ttc.types import Draw, Prompt, Sampling, UserError

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
    assert prompts.messages(replace(prompt, fold_system=True), "1?") == [
        {"role": "user", "content": "End with \\boxed{answer}.\n\nQ: 1? {no field}"}
    ]


def test_the_text_ends_where_the_assistant_begins_to_write():
    assert prompts.text(tiny.tokenizer(), Prompt("plain"), "What is 1?") == "<|user|>What is 1?<|assistant|>"


def test_the_date_is_the_prompts_and_not_todays():
    words = tiny.tokenizer(LLAMA_LIKE)
    words.bos_token = "<pad>"
    assert "Today Date: 26 Jul 2024" in prompts.text(words, Prompt("p", system="s"), "1?")


def test_the_first_token_stands_once():
    words = tiny.spiece_tokenizer()  # puts it in front of a text by itself
    words.chat_template = "{{ bos_token }}{{ messages[0]['content'] }}"
    assert words.encode("now")[0] == words.bos_token_id
    ids = prompts.render(words, Prompt("p"), "now")
    assert [ids.index(words.bos_token_id), ids.count(words.bos_token_id)] == [0, 1]


def test_a_model_without_a_chat_template_is_refused():
    words = tiny.tokenizer()
    words.chat_template = None
    with pytest.raises(UserError, match="tiny: the tokenizer has no chat template"):
        prompts.render(words, Prompt("plain"), "1?")


TRIMS = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""Like Llama 3's: the contents of turns lose their outer blanks."""


class Recorded(TokenPolicy):
    """Keeps what its engine would be asked to go on from."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder, None, 128)
        self.asked: list[list[int]] = []

    async def _continue(self, ids, sampling, draw, rule, left) -> Continuation:
        self.asked.append(ids)
        return Continuation(self.tokenizer.encode("so 3\n\n", add_special_tokens=False))


def test_a_path_goes_on_behind_its_blank_line_where_a_rendered_turn_would_lose_it(tmp_path):
    tiny.tokenizer(TRIMS).save_pretrained(tmp_path)
    policy, prompt = Recorded(str(tmp_path)), Prompt("plain")
    question, step = "What is 1?", "so 2\n\n"
    tokens = tuple(policy.tokenizer.encode(step, add_special_tokens=False))
    draw = Draw(question, tokens, seed=0, whole=False)
    asyncio.run(policy.generate(Sampling(prompt, max_tokens=50), [draw]))
    assert policy.asked == [[*prompts.render(policy.tokenizer, prompt, question), *tokens]]
    assert policy.tokenizer.decode(policy.asked[0]).endswith(step)
    # what going on with the turn as text would give
    turns = [*prompts.messages(prompt, question), {"role": "assistant", "content": step}]
    continued = policy.tokenizer.apply_chat_template(turns, tokenize=False, continue_final_message=True)
    assert continued.endswith("so 2")
