"""A tokenizer as its files describe it, read without transformers, whose import takes a second."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any


class LightTokenizer:
    """What a rehearsal asks of a tokenizer of transformers, under the same names.

    It knows tokenizer.json, the special tokens and the chat template. A class of transformers may change what
    these say, so what goes wrong here may go well there. Raises whatever its parsers raise.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._made = Tokenizer.from_file(str(folder / "tokenizer.json"))
        said: dict[str, Any] = {}
        for file in (folder / "special_tokens_map.json", folder / "tokenizer_config.json"):
            said |= json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        named = {key: value["content"] if isinstance(value, dict) else value for key, value in said.items()}
        self._tokens = {
            key: token for key, token in named.items() if key.endswith("_token") and isinstance(token, str)
        }
        for kind in ("bos_token", "eos_token", "unk_token"):
            token = self._tokens.get(kind)
            setattr(self, kind, token)
            setattr(self, f"{kind}_id", None if token is None else self._made.token_to_id(token))
        file = folder / "chat_template.jinja"
        self.chat_template = file.read_text(encoding="utf-8") if file.is_file() else said.get("chat_template")

    @property
    def all_special_ids(self) -> list[int]:
        return [id_ for id_, token in self._made.get_added_tokens_decoder().items() if token.special]

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return list(self._made.encode(text, add_special_tokens=add_special_tokens).ids)

    def decode(self, ids: list[int]) -> str:
        return str(self._made.decode(ids, skip_special_tokens=False))

    def convert_ids_to_tokens(self, id_: int) -> str | None:
        return self._made.id_to_token(id_)

    def get_chat_template(self, chosen: str | None = None, tools: object = None) -> str:
        """The template of this name, or this template itself; else the tokenizer's own."""
        own = self.chat_template
        listed = [{"name": "default", "template": own}] if isinstance(own, str) else own or ()
        templates = {one["name"]: one["template"] for one in listed}
        return str(templates.get(chosen or "default", chosen or own))

    def apply_chat_template(
        self, messages: list[dict[str, str]], chat_template: str | None = None, **told: Any
    ) -> str:
        told = {"tools": None, "documents": None, **self._tokens, **told}
        return str(_compiled(self.get_chat_template(chat_template)).render(messages=messages, **told))


@functools.cache
def _compiled(template: str) -> Any:
    """As transformers compiles it, without its own {% generation %}."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    extensions = ["jinja2.ext.loopcontrols"]
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
    environment.filters["tojson"] = functools.partial(json.dumps, ensure_ascii=False)
    environment.globals["raise_exception"] = refuse
    return environment.from_string(template)
