"""How ttc calls an OpenAI-compatible server: the client, its key, and requests in the form that it takes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ttc.models.confidence import LIKELIEST
from ttc.models.openai_answer import API, reason
from ttc.models.prompts import messages
from ttc.settings.schema import PolicyConfig
from ttc.types import Sampling, UserError, keep_secret

if TYPE_CHECKING:
    from openai import APIError

Limit = Literal["max_tokens", "max_completion_tokens"]

C = TypeVar("C")


@dataclass(frozen=True)
class Endpoint:
    """What a server offers, and how it wants to be asked.

    Attributes:
        model: what the server calls it.
        api: completions go on from a text; chat only answers to one.
        context: tokens of prompt and text together; None for a chat server that does not tell.
        ids: completions take and give token ids (vLLM from 0.10.2 on, newer SGLang), so that no text is
            encoded again.
        encoded: PROBE in the server's tokens, its own first token included; () where it does not tell.
        limit: what it calls the tokens that a text may have.
        bare: it wants no temperature and no top_p where they are 1, which is no setting.
        seeded: it is given seeds.
        listed: the model is among those that it lists, where it lists any.
    """

    model: str
    api: API
    context: int | None
    ids: bool
    encoded: tuple[int, ...] = ()
    limit: Limit = "max_tokens"
    bare: bool = False
    seeded: bool = True
    listed: bool = True

    def fit(self, body: dict[str, Any]) -> dict[str, Any]:
        """A request as this server takes it."""
        neutral = {name for name in ("temperature", "top_p") if self.bare and body[name] == 1}
        left_out = neutral if self.seeded else neutral | {"seed"}
        names = {"max_tokens": self.limit}
        return {names.get(name, name): value for name, value in body.items() if name not in left_out} | {
            "model": self.model
        }

    def chat(self, sampling: Sampling, question: str, seed: int, turns: Sequence[str] = ()) -> dict[str, Any]:
        """What asks a server that chats for a whole sample, or for an answer behind these turns."""
        body = sampled(sampling, seed) | {"messages": messages(sampling.prompt, question, turns)}
        # the server knows how long the prompt is; vLLM refuses only more than the whole context
        body["max_tokens"] = min(sampling.max_tokens, self.context or sampling.max_tokens)
        if sampling.logprobs or sampling.confidence:
            body["logprobs"] = True
        if sampling.confidence:
            body["top_logprobs"] = LIKELIEST
        if told := sampling.prompt.template_arguments:  # by the name that vLLM and SGLang know
            body["extra_body"] = {"chat_template_kwargs": dict(told)}
        return body


def sampled(sampling: Sampling, seed: int) -> dict[str, Any]:
    """What is asked in either API."""
    return {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}


def connect(config: PolicyConfig, client: Callable[..., C], **more: Any) -> C:
    """A client of the openai package; a UserError where the address or the proxy's is none. What lets it in
    there is masked from now on, whatever the server says back."""
    keep_secret(_key(config), config.base_url or "")
    try:  # without a key something has to stand there: the client insists
        return client(base_url=config.base_url, api_key=_key(config) or "none", **more)
    except Exception as error:
        raise UserError(f"{where(config)}: no client can be made for it ({error})") from None


def _key(config: PolicyConfig) -> str:
    return os.environ.get(config.api_key, "").strip()


def check_key(config: PolicyConfig) -> None:
    """Raises a UserError where no key can stand behind `policy.api_key`, and shows none that stands in it."""
    if not (_key(config) or config.api_key == PolicyConfig.api_key):
        name = (re.fullmatch("[A-Z_]*", config.api_key) and config.api_key) or f"{config.api_key[:4]}..."
        raise UserError(
            f"policy.api_key={name}: no such environment variable; give the name of the one that holds the "
            "key, never the key itself"
        )
    if not (_key(config).isascii() and _key(config).isprintable()):
        raise UserError(f"policy.api_key={config.api_key}: the variable holds characters that no key has")


def where(config: PolicyConfig) -> str:
    return f"policy.base_url={config.base_url}"


def describe_key(config: PolicyConfig, error: APIError) -> str:
    holds = "holds no accepted key" if _key(config) else "is not set"
    return f"{where(config)}: the server wants a key ({reason(error)}); the variable {config.api_key} {holds}"
