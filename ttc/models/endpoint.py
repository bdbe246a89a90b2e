"""An OpenAI-compatible server (vLLM, SGLang, a hosted one), asked what it is before anything is loaded.

Light: the openai client and no torch. What it costs: GET /models, and a few requests for a few tokens, put
as the run will put its own, so that what the server refuses is found here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from ttc.models.checkpoint import fetch
from ttc.models.confidence import LIKELIEST
from ttc.models.openai_answer import API, parse, read, reason
from ttc.models.openai_client import Endpoint, Limit, check_key, connect, describe_key, sampled, where
from ttc.models.prompts import FOLD, Talk
from ttc.settings.schema import PolicyConfig
from ttc.types import Faults, Prompt, Sampling, UserError

if TYPE_CHECKING:
    from openai import APIError, OpenAI

PROBE = "Step 1: 12 + 7 = 19.\n\nSo the answer is 19."
"""The text that is to be gone on from, or answered, and whose token ids a server may tell."""

PROBE_TOKENS = 16
"""Tokens that the probe may have: models that think refuse to answer in one."""

PATIENCE = 60.0
"""Seconds that a request of `look` may take: a busy server lets one token wait."""

AT_ONCE = 10.0
"""Seconds after which a request is no longer one that was refused."""

LACKS = (404, 405, 410, 501)
"""How servers answer where they have no such API, or not for this model."""

REFUSES = (400, 422)
"""How servers answer to a parameter that they do not take."""

LISTED = 8


class Lacks(UserError):
    """An API that is not there, or answers like nothing of the kind: there may be the other one."""


class Fails(UserError):
    """An API that is broken or busy: it may be there."""


def look(config: PolicyConfig) -> Endpoint:
    """What the server at `policy.base_url` offers.

    Raises:
        UserError: nobody answers there, it is no such server, the key, the model or a parameter is refused,
            the API is not there, or what completions need is not known; names what would help.
    """
    from openai import OpenAI

    check_key(config)
    if not config.base_url:
        raise UserError(
            "policy.base_url=null: give the address where the server's API begins, such as "
            "http://localhost:8000/v1"
        )
    patience, retries = min(config.timeout, PATIENCE), min(config.retries, 1)
    with connect(config, OpenAI, max_retries=retries, timeout=patience) as client:
        card = _card(config, client)
        try:
            found = _find(config, client, card["id"])
        except UserError as error:
            raise Faults([*card.get("unlisted", ()), *str(error).splitlines()]) from None
    lengths = (config.context, card.get("max_model_len"))
    context = min((length for length in lengths if isinstance(length, int)), default=None)
    if found.api == "completions":
        _check_needs(config, found.model, context)
    return replace(found, context=context, listed="unlisted" not in card)


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


def _card(config: PolicyConfig, client: OpenAI) -> dict[str, Any]:
    """What the server says of the model that is meant. One that lists none, or not in a way that can be read,
    leaves it to the first request whether it has the model that is named."""
    import openai

    try:
        cards = _cards(json.loads(client.models.with_raw_response.list().http_response.text))
    except openai.APIStatusError as error:
        fault = f"{where(config)}: GET /models is refused ({reason(error)})"
        if error.status_code in (401, 403):
            fault = describe_key(config, error)
    except openai.APIError as error:
        raise _nobody(config, error) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        fault = f"{where(config)}: GET /models is not answered with a list of models"
    else:
        if cards or not config.model:
            return _choose(config, cards)
    if config.model:
        return {"id": config.model}
    raise UserError(f"policy.model=null: name it, where the server does not; {fault}{_hint(config)}")


def _cards(answer: Any) -> dict[str, dict[str, Any]]:
    """The models that a server lists, by name: as OpenAI does, bare, or under a name of its own."""
    listed = answer if isinstance(answer, list) else answer.get("data", answer.get("models"))
    cards = [{"id": card} if isinstance(card, str) else card for card in listed]
    return {str(name): card | {"id": str(name)} for card in cards if (name := card.get("id") or card["name"])}


def _choose(config: PolicyConfig, cards: dict[str, dict[str, Any]]) -> dict[str, Any]:
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
    fault = f"policy.model={model}: {what}; {where(config)}: {served}"
    if config.model is None or len(cards) < 2:
        raise UserError(fault)
    return {"id": config.model, "unlisted": [fault]}  # routers take names that they do not list


def _find(config: PolicyConfig, client: OpenAI, model: str) -> Endpoint:
    """The API that was asked for, else completions, else chat."""
    try:
        return _probe(config, client, model, config.api or "completions")
    except (Lacks, Fails) as fault:
        if config.api == "chat":
            raise
        if config.api or isinstance(fault, Fails):
            said = f"policy.api={config.api or 'null'}: take policy.api=chat if the server only chats"
            raise UserError(f"{said}; {fault}") from None
        try:
            return _probe(config, client, model, "chat")
        except Lacks as other:
            raise Faults([str(fault), str(other)]) from None


def _probe(config: PolicyConfig, client: OpenAI, model: str, api: API) -> Endpoint:
    """What an API makes of PROBE, in the first form that it takes; its context is not known yet.

    Raises:
        Lacks: it is not there, or takes no form.
        Fails: it is broken.
        UserError: it takes none that the run could use.
    """
    import openai

    calls: Any = client.chat.completions if api == "chat" else client.completions
    what = f"{where(config)}: POST /{'chat/' if api == 'chat' else ''}completions"
    refused: dict[str, None] = {}
    for form in _forms(model, api, seeded=not config.unseeded):
        try:
            response = calls.with_raw_response.create(**_body(config, form))
        except openai.APIStatusError as error:
            refused[reason(error)] = None
            if error.status_code in REFUSES:
                continue
            if error.status_code in (401, 403):  # a router may forbid an API alone
                kind = UserError if error.status_code == 401 else Lacks
                raise kind(describe_key(config, error)) from None
            kind = Lacks if error.status_code in LACKS else Fails
            raise kind(f"{what} is refused ({reason(error)}){_hint(config)}") from None
        except openai.APIError as error:
            raise _nobody(config, error) from None
        try:
            answer = read(parse(response.http_response.text), api)
        except ValueError as error:
            raise Lacks(f"{what} is not answered with a text ({error}){_hint(config)}") from None
        if not form.seeded and not config.unseeded:
            raise UserError(
                f"policy.unseeded=false: {what} takes no seed ({'; '.join(refused)}); "
                "policy.unseeded=true asks it without, and its rows say so"
            )
        if config.logprobs and answer.text and not answer.logprobs:
            raise UserError(f"policy.logprobs=true: {what} gives no log-probabilities")
        told = max(map(len, answer.likeliest), default=0)
        if config.confidence and answer.text and told < LIKELIEST:
            raise UserError(
                f"policy.confidence=true: {what} tells {told} of the {LIKELIEST} likeliest tokens"
            )
        return replace(form, ids=form.ids and answer.ids is not None, encoded=answer.prompt_ids)
    if config.confidence:
        _probe(replace(config, confidence=False), client, model, api)  # is it that alone?
        raise UserError(
            f"policy.confidence=true: {what} tells no {LIKELIEST} likely tokens ({'; '.join(refused)})"
        )
    raise Lacks(f"{what} is refused ({'; '.join(refused)}){_hint(config)}")


def _forms(model: str, api: API, seeded: bool) -> Iterator[Endpoint]:
    """How a server may want to be asked, the best way first."""
    limits: tuple[Limit, ...] = ("max_tokens", "max_completion_tokens") if api == "chat" else ("max_tokens",)
    ids = (False,) if api == "chat" else (True, False)
    for one, bare, limit, with_ids in product(dict.fromkeys((seeded, False)), (False, True), limits, ids):
        yield Endpoint(model, api, None, with_ids, limit=limit, bare=bare, seeded=one)


def _looking(config: PolicyConfig) -> Sampling:
    """What a run may ask, for a few tokens."""
    kept = config.logprobs, config.confidence
    return Sampling(Prompt("plain"), config.temperature, config.top_p, PROBE_TOKENS, *kept)


def _body(config: PolicyConfig, form: Endpoint) -> dict[str, Any]:
    if form.api == "chat":
        return form.fit(form.chat(_looking(config), PROBE, 0))
    body = sampled(_looking(config), 0) | {"prompt": PROBE, "max_tokens": PROBE_TOKENS}
    if config.logprobs or config.confidence:
        body["logprobs"] = LIKELIEST if config.confidence else 1
    return form.fit(body) | ({"extra_body": {"return_token_ids": True}} if form.ids else {})


def _check_needs(config: PolicyConfig, model: str, context: int | None) -> None:
    """What going on from a text takes, and chat does without."""
    faults = []
    if context is None:
        faults.append(
            f"policy.context=null: the server at {config.base_url} does not tell how long a text may be"
        )
    try:
        tokenizer_folder(config, model)
    except UserError as fault:
        faults.append(str(fault))
    if faults and config.api is None:
        faults.insert(
            0, "policy.api=null: take policy.api=chat, which needs no more, unless steps are searched"
        )
    if faults:
        raise Faults(faults)


def _nobody(config: PolicyConfig, error: APIError) -> UserError:
    return UserError(f"{where(config)}: no server answers there ({reason(error)})")


def _hint(config: PolicyConfig) -> str:
    known = (config.base_url or "").rstrip("/").endswith("/v1")
    return "" if known else "; an OpenAI-compatible API mostly begins at /v1"


def refusals(
    config: PolicyConfig, endpoint: Endpoint, asked: Iterable[Sampling], talks: Iterable[Talk] = ()
) -> list[str]:
    """What a server that chats refuses of what a run will ask, and what would help; a line each.

    Asked for streams that are left at once, so that nothing is written that nobody reads.
    """
    import openai

    def refused(sampling: Sampling, turns: Sequence[str] = ()) -> str:
        body = endpoint.fit(endpoint.chat(sampling, PROBE, 0, turns))
        try:
            with client.chat.completions.with_streaming_response.create(**body, stream=True):
                return ""
        except openai.APIStatusError as error:
            error.response.read()
            return reason(error) if error.status_code in REFUSES else ""
        except openai.APIError:
            return ""

    faults = []
    with connect(config, openai.OpenAI, max_retries=0, timeout=min(config.timeout, AT_ONCE)) as client:
        for sampling in dict.fromkeys(asked):
            if said := refused(sampling):
                folded = replace(sampling, prompt=replace(sampling.prompt, fold_system=True))
                way = "" if refused(folded) else f"; {FOLD}"
                if not way and refused(_looking(config)):
                    return []  # it does not stream
                faults.append(
                    f"{where(config)}: POST /chat/completions refuses what a run asks, with prompt="
                    f"{sampling.prompt.name} temperature={sampling.temperature:g} max_tokens="
                    f"{sampling.max_tokens} ({said}){way}"
                )
        for talk in () if faults else talks:
            if said := refused(talk.sampling, talk.turns(PROBE)):
                faults.append(f"{where(config)}: POST /chat/completions refuses {talk.needed} ({said})")
    return faults
