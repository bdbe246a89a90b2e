"""Chat templates as families need them: the same text on every day, taken apart at its contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttc.models.formats.common import name_of
from ttc.types import UserError

DATE = "26 Jul 2024"
"""Chat templates that write a date get this one, or scores would change with the day."""

Turn = tuple[str, str]
"""Role and content."""


def render_chat(tokenizer: Any, family: str, turns: Sequence[Turn], opened: bool = False, **more: Any) -> str:
    """The model's own chat template on these turns.

    Args:
        opened: with the header behind which the model answers.
        more: what the template is told besides.

    Raises:
        UserError: there is no template, or it refuses the turns.
    """
    from jinja2 import TemplateError

    if not getattr(tokenizer, "chat_template", None):
        raise UserError(
            f"{name_of(tokenizer)}: the format {family} needs a chat template, and this tokenizer has none"
        )
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        return str(
            tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=opened, date_string=DATE, **more
            )
        )
    except TemplateError as error:
        roles = ", ".join(role for role, _ in turns)
        raise UserError(
            f"{name_of(tokenizer)}: the chat template does not take the turns of the format {family} "
            f"({roles}): {error}"
        ) from error


def take_apart(tokenizer: Any, text: str, marks: Sequence[str]) -> list[str]:
    """What stands before, between and behind the marks.

    Raises:
        UserError: one of them is missing or repeated.
    """
    parts, rest = [], text
    for mark in marks:
        if text.count(mark) != 1:
            raise UserError(f"{name_of(tokenizer)}: its chat template drops or repeats a turn: {text!r}")
        part, rest = rest.split(mark)
        parts.append(part)
    return [*parts, rest]


def strips(tokenizer: Any, family: str) -> bool:
    """Whether the template takes the white space around a user's content away."""
    return " MARK " not in render_chat(tokenizer, family, [("user", " MARK ")])
