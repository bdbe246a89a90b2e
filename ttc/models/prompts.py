"""The only place that makes prompt text for a policy.

A prompt is data (conf/prompt/); the model's own chat template decides the tags. Left out on purpose: few-shot
examples and prefixes of the answer. They would be fields of `Prompt`, not code.
"""

from __future__ import annotations

from typing import Any

from ttc.types import Prompt, UserError


def messages(prompt: Prompt, question: str) -> list[dict[str, str]]:
    """The chat that asks `question`: a system turn where the prompt has one, then the user's turn."""
    # replace, not format: questions and instructions are full of braces
    user = {"role": "user", "content": prompt.user.replace("{question}", question)}
    return [user] if prompt.system is None else [{"role": "system", "content": prompt.system}, user]


def text(tokenizer: Any, prompt: Prompt, question: str) -> str:
    """The chat as text, up to where the assistant begins to write; a UserError where the tokenizer (one of
    transformers) has no chat template."""
    if not getattr(tokenizer, "chat_template", None):
        raise UserError(
            f"{tokenizer.name_or_path}: the tokenizer has no chat template, so no prompt can be put to it; "
            "use an instruction-tuned model, or add chat_template.jinja to its folder"
        )
    # date_string: templates that write today's date would make every day another experiment
    return tokenizer.apply_chat_template(
        messages(prompt, question), tokenize=False, add_generation_prompt=True, date_string=prompt.date
    )


def render(tokenizer: Any, prompt: Prompt, question: str) -> list[int]:
    """The token ids of `text` (raises as that), with the template's own first token and no second one."""
    # in two steps, because apply_chat_template(tokenize=True) returns a list or a dict, by version
    return list(tokenizer.encode(text(tokenizer, prompt, question), add_special_tokens=False))
