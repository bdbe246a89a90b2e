"""Prompts and formats tried on the tokenizer alone, before anything is loaded."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ttc.models import prompts
from ttc.models.checkpoint import first_unknown_word
from ttc.models.endpoint import refusals
from ttc.models.formats import FORMATS
from ttc.models.light_tokenizer import LightTokenizer
from ttc.models.prompts import Talk, messages
from ttc.models.provider import Model, part_of
from ttc.models.writers import writer
from ttc.settings.schema import EngineConfig, PolicyConfig, PrmConfig
from ttc.types import Prompt, Sampling, UserError, did_you_mean, in_a_line

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


def rehearse(
    config: EngineConfig, model: Model, asked: Sequence[Sampling], talks: Sequence[Talk] = ()
) -> list[str]:
    """What is wrong with a policy's model for what it is asked, the conversations among it, or with a
    verifier's for its format; a line each, of the last way to read its tokenizer if none finds all well."""
    if isinstance(config, PolicyConfig) and not asked:
        return []  # its paths are there, and it is not loaded
    named = f"{part_of(config)}.model={config.model}"
    if isinstance(config, PolicyConfig) and model.endpoint:
        if model.chats_only:
            return refusals(config, model.endpoint, asked, talks)
        named = f"policy.model={model.endpoint.model}"
        if config.tokenizer:
            named = f"policy.tokenizer={config.tokenizer}"
    if model.tokenizer is None:
        return []
    folder, context = Path(model.tokenizer), model.identity.context
    kind = writer(config)
    reads = isinstance(config, PrmConfig) and kind is None
    prompts_ = [kind.prompt] if kind else list(dict.fromkeys(sampling.prompt for sampling in asked))
    faults: list[str] = []
    revision, exact = model.revision or config.revision, reads
    for read in _readers(folder, revision, exact, config.trust_remote_code):
        try:
            tokenizer = read()
            tokenizer.name_or_path = named
            if isinstance(config, PrmConfig) and reads:
                FORMATS[config.format or ""](tokenizer)
                return []
            if kind:
                _check_writer(tokenizer, kind.prompt, folder)
            faults = [fault for prompt in prompts_ for fault in _faults(tokenizer, prompt, folder, context)]
            faults = faults or [fault for talk in talks for fault in _unanswered(tokenizer, talk, folder)]
        except UserError as error:
            faults = [str(error)]
        except Exception as error:  # a parser raises whatever it likes
            why = " ".join(str(error).split())[:200]
            faults = [f"{named}: its tokenizer cannot be read ({type(error).__name__}: {why})"]
        if not faults:
            break
    return faults


def _check_writer(tokenizer: Any, prompt: Prompt, folder: Path) -> None:
    """Raises:
    UserError: a verifier cannot put its own prompt to the tokenizer, which no setting would change.
    """
    said = f"{tokenizer.name_or_path}: prm.format={prompt.name} chats with it, and its tokenizer"
    if not tokenizer.chat_template:
        raise UserError(f"{said} has no chat template; take an instruction-tuned model")
    if unknown := first_unknown_word(folder, [prompt.user.replace("{question}", "")]):
        raise UserError(f"{said} does not know {unknown[1]!r}; take a model of the whole language")


def _readers(at: Path, revision: str | None, exact: bool, trust: bool) -> Iterator[Callable[[], Any]]:
    """Ways to read a tokenizer, the quickest first: without transformers, in its general class, which reads
    any tokenizer.json in a second; and (`exact`) in the very class that an engine takes, for which it imports
    torch: that may change what tokenizer.json says."""

    def of(kind: str) -> Any:
        import transformers

        reader = getattr(transformers, kind)
        return reader.from_pretrained(str(at), revision=revision, trust_remote_code=trust)

    there = (at / "tokenizer.json").is_file()
    if there:
        yield partial(LightTokenizer, at)
        yield partial(of, "PreTrainedTokenizerFast")
    if exact or not there:
        yield partial(of, "AutoTokenizer")


def _faults(tokenizer: Any, prompt: Prompt, folder: Path, context: int | None) -> list[str]:
    """What is wrong with one prompt, a line each."""

    def text(prompt: Prompt, question: str = PROBE) -> str:
        return prompts.text(tokenizer, prompt, question)

    try:
        whole = text(prompt)
    except UserError as error:
        return [str(error)]
    faults = [*_unread(tokenizer, prompt), *_unopened(tokenizer, prompt, whole)]
    if not faults and text(prompt, f"{PROBE} 7") == whole:
        faults.append(f"its chat template leaves the question out; {prompts.ANOTHER}")
    elif prompt.system is not None and text(replace(prompt, system=f"{prompt.system} 7")) == whole:
        faults.append(f"its chat template leaves the system turn of prompt={prompt.name} out; {prompts.FOLD}")
    faults += _first_twice(tokenizer, prompt)
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


def _unanswered(tokenizer: Any, talk: Talk, folder: Path) -> Iterator[str]:
    """Why the policy cannot have this conversation."""
    named, turns = tokenizer.name_or_path, talk.turns("So it is 19.")
    try:
        rest = prompts.apply(tokenizer, talk.sampling.prompt, messages(talk.sampling.prompt, PROBE, turns))
        for turn in turns:
            _, found, rest = rest.partition(turn.strip())
            if not found:
                yield f"{named}: its chat template leaves out a part of {talk.needed}; {prompts.ANOTHER}"
                break
    except Exception as error:
        said = in_a_line(error)
        yield f"{named}: its chat template does not take {talk.needed} ({said}); {prompts.ANOTHER}"
    if unknown := first_unknown_word(folder, talk.says):
        yield f"{named}: its tokenizer does not know {unknown[1]!r}, a word of {talk.needed}"


def _unread(tokenizer: Any, prompt: Prompt) -> Iterator[str]:
    """Arguments that the template never asks for, or that another setting says."""
    told = prompt.template_arguments
    template = tokenizer.get_chat_template(told.get("chat_template"), told.get("tools"))
    names = set(re.findall(r"[A-Za-z_]\w*", template))
    if template == told.get("chat_template") and "{" not in template:
        yield f"prompt.template_arguments.chat_template={template!r}: neither a template nor the name of one"
    for key in told:
        if key in OURS:
            yield f"prompt.template_arguments.{key}: {OURS[key]}"
        elif key not in {*names, *CALLS}:
            hint = did_you_mean(key, names)
            yield f"prompt.template_arguments.{key}={told[key]!r}: its chat template has no such word{hint}"


def _unopened(tokenizer: Any, prompt: Prompt, whole: str) -> Iterator[str]:
    """A template that knows no answer to come, and begins one with words of its own: the model would have to
    write these first."""
    told = prompt.template_arguments
    if "add_generation_prompt" in tokenizer.get_chat_template(told.get("chat_template"), told.get("tools")):
        return
    turns = [*prompts.messages(prompt, PROBE), {"role": "assistant", "content": "MARK"}]
    with contextlib.suppress(Exception):  # it may take no answer at all
        answered = prompts.apply(tokenizer, prompt, turns)
        opening, mark, _ = answered.removeprefix(whole).partition("MARK")
        if mark and opening.strip() and answered.startswith(whole):
            yield f"its chat template leaves out how an answer begins ({opening!r}); {prompts.ANOTHER}"


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
