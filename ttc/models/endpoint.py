"""An OpenAI-compatible server (vLLM, SGLang, a hosted one), asked what it is before anything is loaded.

Light: the openai client and no torch. What it costs: GET /models, and one or two requests for one token.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ttc.models.checkpoint import fetch
from ttc.settings.schema import PolicyConfig
from ttc.types import UserError

if TYPE_CHECKING:
    from openai import APIError, OpenAI

PROBE = "Step 1: 12 + 7 = 19.\n\nSo the answer is 19."
"""The text whose first token more is asked for, and whose token ids a server may tell."""

PATIENCE = 60.0
"""Seconds that a request of `look` may take: a busy server lets one token wait."""

LACKS = (400, 404, 405, 422, 501)
"""How servers answer to what they do not have: a path, a parameter, a text model behind the path."""

LISTED = 8


@dataclass(frozen=True)
class Endpoint:
    """What a server offers.

    Attributes:
        model: what the server calls it.
        api: completions go on from a text; chat only answers to one.
        context: tokens of prompt and text together; None for a chat server that does not tell.
        ids: completions take and give token ids (vLLM from 0.10.2 on, newer SGLang), so that no text is
            encoded again.
        encoded: PROBE in the server's tokens, its own first token included; () where it does not tell.
    """

    model: str
    api: Literal["completions", "chat"]
    context: int | None
    ids: bool
    encoded: tuple[int, ...] = ()


def look(config: PolicyConfig) -> Endpoint:
    """What the server at `policy.base_url` offers.

    Raises:
        UserError: nobody answers there, it is no such server, the key is refused, the model is not served,
            the API is not there, or the context is not known; names what would help.
    """
    from openai import OpenAI

    if not config.base_url:
        raise UserError(
            "policy.base_url=null: give the address where the server's API begins, such as "
            "http://localhost:8000/v1"
        )
    patience, retries = min(config.timeout, PATIENCE), min(config.retries, 1)
    with OpenAI(**connection(config), max_retries=retries, timeout=patience) as client:
        card = _card(config, _ask(config, "GET /models", client.models.with_raw_response.list))
        choice = None if config.api == "chat" else _completes(config, client, card["id"])
        if choice is None:
            chat, turn = client.chat.completions.with_raw_response.create, {"role": "user", "content": PROBE}
            settings: Any = {"model": card["id"], "messages": [turn], "max_tokens": 1}
            _ask(config, "POST /chat/completions", lambda: chat(**settings))
    lengths = (config.context, card.get("max_model_len"))
    context = min((length for length in lengths if isinstance(length, int)), default=None)
    if choice is None:
        return Endpoint(card["id"], "chat", context, ids=False)
    if context is None:
        raise UserError(
            f"policy.context=null: the server at {config.base_url} does not tell how long a text may be"
        )
    tokenizer_folder(config, card["id"])
    ids = isinstance(choice.get("token_ids"), list)
    return Endpoint(card["id"], "completions", context, ids, tuple(choice.get("prompt_token_ids") or ()))


def connection(config: PolicyConfig) -> dict[str, Any]:
    """Arguments of an openai client. Without a key something has to stand there: the client insists."""
    return {"base_url": config.base_url, "api_key": os.environ.get(config.api_key) or "none"}


def where(config: PolicyConfig) -> str:
    return f"policy.base_url={config.base_url}"


def tokenizer_folder(config: PolicyConfig, model: str) -> str:
    """What transformers calls the tokenizer of the server's model; a UserError where nothing names one."""
    try:
        return fetch(config.tokenizer or model)
    except UserError as error:
        if config.tokenizer:
            raise UserError(f"policy.tokenizer={config.tokenizer}: {error}") from None
        raise UserError(
            f"policy.tokenizer=null: the server calls its model {model!r}, and that names no tokenizer here "
            f"({error}); give a folder or a Hub id"
        ) from None


def reason(error: APIError) -> str:
    """Why a call failed, in one line."""
    body: Any = error.body
    if isinstance(body, dict) and (told := body.get("message") or body.get("detail")):
        text = str(told)
    else:  # the client says "Connection error."; what was wrong with it stands in the cause
        text = str(error.__cause__ or "") or error.message
    status = getattr(error, "status_code", None)
    return " ".join(f"{status}: {text}".split() if status else text.split())[:300]


def describe_key(config: PolicyConfig, error: APIError) -> str:
    holds = "holds no accepted key" if os.environ.get(config.api_key) else "is not set"
    return f"{where(config)}: the server wants a key ({reason(error)}); the variable {config.api_key} {holds}"


def _ask(config: PolicyConfig, what: str, call: Callable[[], Any], lacks: tuple[int, ...] = ()) -> Any:
    """What `call` is answered with: the models by name, or the first text's choice; None where the status is
    one of `lacks`. A UserError where it is no answer, something else, or a refusal."""
    import openai

    models = what == "GET /models"
    try:
        answer = json.loads(call().http_response.text)
        return {str(one["id"]): one for one in answer["data"]} if models else dict(answer["choices"][0])
    except openai.APIStatusError as error:
        if error.status_code in (401, 403):
            raise UserError(describe_key(config, error)) from None
        if error.status_code in lacks:
            return None
        fault = f"is refused ({reason(error)})"
    except openai.APIError as error:
        raise UserError(f"{where(config)}: no server answers there ({reason(error)})") from None
    except json.JSONDecodeError:
        fault = "is not answered in JSON"
    except (KeyError, IndexError, TypeError, ValueError):
        fault = f"is not answered with a {'list of models' if models else 'text'}"
    known = (config.base_url or "").rstrip("/").endswith("/v1")
    hint = "" if known else "; an OpenAI-compatible API mostly begins at /v1"
    raise UserError(f"{where(config)}: {what} {fault}{hint}")


def _card(config: PolicyConfig, cards: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if config.model is None and len(cards) == 1:
        return next(iter(cards.values()))
    if config.model in cards:
        return cards[config.model]
    near = difflib.get_close_matches(config.model or "", cards, n=LISTED, cutoff=0.3)
    names = list(dict.fromkeys([*near, *cards]))
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    served = f"it serves {', '.join(names[:LISTED])}{more}" if names else "it serves no model"
    what = "take one by its name" if config.model is None else "not served"
    model = "null" if config.model is None else config.model
    raise UserError(f"policy.model={model}: {what}; {where(config)}: {served}")


def _completes(config: PolicyConfig, client: OpenAI, model: str) -> dict[str, Any] | None:
    """What POST /completions makes of PROBE; None where the server only chats, and a UserError where that is
    not what was asked for."""
    create, what = client.completions.with_raw_response.create, "POST /completions"
    settings: dict[str, Any] = {"model": model, "prompt": PROBE, "max_tokens": 1, "temperature": 0.0}
    choice = _ask(config, what, lambda: create(**settings, extra_body={"return_token_ids": True}), LACKS)
    if choice is None:  # some servers refuse what they do not know
        choice = _ask(config, what, lambda: create(**settings), () if config.api else LACKS)
    return choice
