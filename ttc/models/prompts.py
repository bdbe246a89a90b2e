"""The only place that makes prompt text for a policy.

A prompt is data (conf/prompt/); the model's own chat template decides the tags. Left out on purpose: few-shot
examples and prefixes of the answer. They would be fields of `Prompt`, not code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import cycle
from typing import Any

from ttc.types import Prompt, Sampling, UserError, in_a_line

FOLD = "prompt.fold_system=true puts the system text into the user's turn, prompt.system=null leaves it out"
SYSTEM = "it wants a system turn: give prompt.system, and no prompt.fold_system"
GIVE = "give {} as prompt.template_arguments.chat_template"
ANOTHER = GIVE.format("another")


def messages(prompt: Prompt, question: str, turns: Sequence[str] = ()) -> list[dict[str, str]]:
    """The chat that asks `question`: a system turn where the prompt has one, then the user's turn; with
    `fold_system` one turn that says both. Behind them what was said since: the assistant's text, the user's
    words, in turn."""
    # replace, not format: questions and instructions are full of braces
    text = prompt.user.replace("{question}", question)
    if prompt.system is not None and prompt.fold_system:
        text = f"{prompt.system}\n\n{text}"
    said = [("system", prompt.system)] if prompt.system is not None and not prompt.fold_system else []
    said += [("user", text), *zip(cycle(("assistant", "user")), turns, strict=False)]
    return [{"role": role, "content": content} for role, content in said]


@dataclass(frozen=True)
class Talk:
    """A conversation that a run will have. says: what the strategy will tell the policy."""

    strategy: str
    sampling: Sampling
    says: tuple[str, ...]

    @property
    def needed(self) -> str:
        return f"a conversation, which strategy={self.strategy} needs"

    def turns(self, answer: str) -> tuple[str, ...]:
        """How it goes, with `answer` for every text of the policy."""
        return tuple(turn for words in self.says for turn in (answer, words))


def dated(date: str) -> dict[str, Any]:
    """What keeps a chat template from writing today's date, or every day would be another experiment.

    Templates get it by one of two names: Llama's from `date_string`, most others' from transformers'
    `strftime_now`, in a form of their own.
    """

    def written(form: str) -> str:
        try:
            return datetime.strptime(date, "%d %b %Y").strftime(form)
        except ValueError:  # not a date as we write it: as it is
            return date

    return {"date_string": date, "strftime_now": written}


def text(tokenizer: Any, prompt: Prompt, question: str, turns: Sequence[str] = ()) -> str:
    """The chat as text, up to where the assistant begins to write.

    Raises:
        UserError: the tokenizer (one of transformers) has no chat template, or the template refuses the chat;
            says what would help.
    """
    try:
        return apply(tokenizer, prompt, messages(prompt, question, turns))
    except Exception as error:
        said = _refusal(tokenizer, prompt, in_a_line(error))
        raise UserError(f"{tokenizer.name_or_path}: {said}") from error


def apply(tokenizer: Any, prompt: Prompt, turns: list[dict[str, str]]) -> str:
    """What the chat template makes of these turns; it raises what it likes."""
    told = {**prompt.template_arguments, **dated(prompt.date), "add_generation_prompt": True}
    return str(tokenizer.apply_chat_template(turns, **told | {"tokenize": False}))


def _refusal(tokenizer: Any, prompt: Prompt, said: str) -> str:
    """Why there is no text, and what really helps."""
    if not (tokenizer.chat_template or "chat_template" in prompt.template_arguments):
        return (
            "the tokenizer has no chat template, so no prompt can be put to it; take an instruction-tuned "
            f"model, add chat_template.jinja to its folder, or {GIVE.format('one')}"
        )
    hint = f"tell it what it asks for in prompt.template_arguments, or {ANOTHER}"
    ways: dict[str, dict[str, Any]] = {
        FOLD: {"fold_system": True},
        SYSTEM: {"system": prompt.system or ".", "fold_system": False},
    }
    for way, changes in ways.items():
        with contextlib.suppress(Exception):
            changed = replace(prompt, **changes)
            apply(tokenizer, changed, messages(changed, ""))
            hint = way
            break
    roles = " and ".join(turn["role"] for turn in messages(prompt, ""))
    return f"its chat template does not take the {roles} turn of prompt={prompt.name} ({said}); {hint}"


def render(tokenizer: Any, prompt: Prompt, question: str, turns: Sequence[str] = ()) -> list[int]:
    """The token ids of `text` (raises as that), with the template's own first token and no second one."""
    # in two steps, because apply_chat_template(tokenize=True) returns a list or a dict, by version
    return list(tokenizer.encode(text(tokenizer, prompt, question, turns), add_special_tokens=False))
