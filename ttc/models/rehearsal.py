"""Prompts and formats tried on the tokenizer alone, before anything is loaded.

A second: transformers' tokenizers come without torch.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ttc.models import prompts
from ttc.models.checkpoint import first_unknown_word
from ttc.models.formats import FORMATS, Format
from ttc.models.provider import Model, part_of
from ttc.settings.schema import EngineConfig, PolicyConfig, PrmConfig
from ttc.types import Prompt, UserError

PROBE = "Start with 12. How many are there?"

OURS = {
    "messages": "the turns are prompt.system and prompt.user",
    "add_generation_prompt": "it is always true: the assistant writes next",
    "date_string": "prompt.date says it",
    "strftime_now": "prompt.date says it",
}
"""What templates read and ttc tells them by other settings."""

CALLS = ("chat_template", "tools", "documents")
"""What transformers itself takes beside a template's own names."""


def rehearse(config: EngineConfig, model: Model, asked: Iterable[Prompt]) -> list[str]:
    """What is wrong with a policy's model for the prompts that it is asked with, or with a verifier's for its
    format; a line each."""
    if model.tokenizer is None:
        return []
    named = f"{part_of(config)}.model={config.model or model.served}"
    if isinstance(config, PolicyConfig) and config.tokenizer:
        named = f"policy.tokenizer={config.tokenizer}"
    load = partial(_tokenizer, model.tokenizer, model.revision or config.revision, named)
    try:
        if isinstance(config, PrmConfig):
            _try_format(FORMATS[config.format or ""], load)
            return []
        tokenizer = load()
    except UserError as error:
        return [str(error)]
    folder, context = Path(model.tokenizer), model.identity.context
    return [fault for prompt in asked for fault in _faults(tokenizer, prompt, folder, context)]


def _try_format(format_: type[Format], load: Callable[..., Any]) -> None:
    """Raises a UserError where the format does not go with the tokenizer."""
    try:
        format_(load())
    except UserError:  # a class of its own may change what tokenizer.json says
        format_(load(exact=True))


def _tokenizer(at: str, revision: str | None, name: str, exact: bool = False) -> Any:
    """A tokenizer of transformers, which messages call `name`; a UserError where there is none.

    Args:
        exact: of the very class that an engine takes. Else of the general one, which reads any
            tokenizer.json, and in a second: to look for the class imports torch.
    """
    from transformers import PreTrainedTokenizerFast

    kind: Any = PreTrainedTokenizerFast
    if exact or not (Path(at) / "tokenizer.json").is_file():
        from transformers import AutoTokenizer as kind
    try:
        tokenizer = kind.from_pretrained(at, revision=revision)
    except Exception as error:  # it raises whatever its parsers raise
        why = " ".join(str(error).split())[:200]
        raise UserError(f"{name}: its tokenizer cannot be read ({type(error).__name__}: {why})") from None
    tokenizer.name_or_path = name
    return tokenizer


def _faults(tokenizer: Any, prompt: Prompt, folder: Path, context: int | None) -> list[str]:
    """What is wrong with one prompt, a line each."""

    def text(prompt: Prompt, question: str = PROBE) -> str:
        return prompts.text(tokenizer, prompt, question)

    try:
        whole = text(prompt)
    except UserError as error:
        return [str(error)]
    faults = [*_unread(tokenizer, prompt), *_first_twice(tokenizer, prompt)]
    if text(prompt, f"{PROBE} 7") == whole:
        faults.append(f"its chat template leaves the question out; {prompts.ANOTHER}")
    elif prompt.system is not None and text(replace(prompt, system=f"{prompt.system} 7")) == whole:
        faults.append(f"its chat template leaves the system turn of prompt={prompt.name} out; {prompts.FOLD}")
    if context and (tokens := len(prompts.render(tokenizer, prompt, PROBE))) >= context:
        faults.append(
            f"prompt={prompt.name} has {tokens} tokens, and the context {context}: no room to answer"
        )
    own = {"prompt.system": prompt.system or "", "prompt.user": prompt.user.replace("{question}", "").strip()}
    if unknown := first_unknown_word(folder, own.values()):
        index, word = unknown
        key = list(own)[index]
        faults.append(f"its tokenizer does not know {word!r} ({key}); take a prompt that it can read")
    return [f"{tokenizer.name_or_path}: {fault}" for fault in faults]


def _unread(tokenizer: Any, prompt: Prompt) -> Iterator[str]:
    """Arguments that the template never asks for, or that another setting says."""
    told = prompt.template_arguments
    template = tokenizer.get_chat_template(told.get("chat_template"), told.get("tools"))
    names = set(re.findall(r"[A-Za-z_]\w*", template))
    for key in told:
        if key in OURS:
            yield f"prompt.template_arguments.{key}: {OURS[key]}"
        elif key not in {*names, *CALLS}:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"prompt.template_arguments.{key}={told[key]!r}: its chat template has no such word{hint}"


def _first_twice(tokenizer: Any, prompt: Prompt) -> Iterator[str]:
    """The token that begins a text stands there twice: models answer worse, and nobody sees why."""
    first, second, *_ = [*prompts.render(tokenizer, prompt, PROBE), None, None]
    if first != second or first not in {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}:
        return
    token = tokenizer.convert_ids_to_tokens(first)
    arguments = {**prompt.template_arguments, "bos_token": ""}
    once = prompts.render(tokenizer, replace(prompt, template_arguments=arguments), PROBE)
    helps = once[:1] == [first] != once[1:2]
    hint = "prompt.template_arguments.bos_token='' leaves the template's out" if helps else prompts.ANOTHER
    yield f"its prompts begin with {token} twice; {hint}"
