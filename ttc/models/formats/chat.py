"""Chat templates as families need them: the same text on every day, taken apart at its contents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from ttc.models.formats.common import Format
from ttc.models.prompts import dated
from ttc.types import UserError

DATE = "26 Jul 2024"
"""Chat templates that write a date get this one, or scores would change with the day."""


class ChatFormat(Format):
    """A family whose text is made by the model's own chat template."""

    family: ClassVar[str]
    """Its name, for messages."""

    def render(self, turns: Sequence[tuple[str, str]], opened: bool = False, **more: Any) -> str:
        """The chat template on these turns, each a role and its content.

        Args:
            opened: with the header behind which the model answers.
            more: what the template is told besides.

        Raises:
            UserError: there is no template, or it refuses the turns.
        """
        from jinja2 import TemplateError

        if not getattr(self.tokenizer, "chat_template", None):
            raise UserError(
                f"{self.name}: the format {self.family} needs a chat template, and this tokenizer has none"
            )
        messages = [{"role": role, "content": content} for role, content in turns]
        told = {"tokenize": False, "add_generation_prompt": opened, **dated(DATE), **more}
        try:
            return str(self.tokenizer.apply_chat_template(messages, **told))
        except TemplateError as error:
            roles = ", ".join(role for role, _ in turns)
            raise UserError(
                f"{self.name}: the chat template does not take the turns of the format {self.family} "
                f"({roles}): {error}"
            ) from error

    def take_apart(self, text: str, *marks: str) -> list[str]:
        """What stands before, between and behind the marks; a UserError where one is missing or repeated."""
        parts, rest = [], text
        for mark in marks:
            if text.count(mark) != 1:
                raise UserError(f"{self.name}: its chat template drops or repeats a turn: {text!r}")
            part, rest = rest.split(mark)
            parts.append(part)
        return [*parts, rest]

    def content(self, text: str) -> str:
        """A user's turn as the template writes it: some take the white space around it away."""
        return text.strip() if self._strips else text

    @cached_property
    def _strips(self) -> bool:
        return " MARK " not in self.render([("user", " MARK ")])
