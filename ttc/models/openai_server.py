"""Calls to an OpenAI-compatible server: bounded, tried again, counted, and read with distrust."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from ttc.models.counters import Counters
from ttc.models.endpoint import connection, describe_key, reason, where
from ttc.settings.schema import PolicyConfig
from ttc.types import TransientError

PASSING = (408, 409, 425, 429)
"""Refusals that another try may mend, beside the server's own faults (5xx)."""


class Refused(Exception):
    """The server understood a call and refuses it: another try would be refused, too."""


@dataclass(frozen=True)
class Answer:
    """One text that a server wrote.

    Attributes:
        finish: "stop" or "length", as the server says; None where we hung up.
        ids: its tokens, where the server tells them.
        pieces: its tokens as texts; () unless log-probabilities were asked for.
        logprobs: theirs.
        prompt, completion, cached: tokens as the server counts them; None where it does not.
    """

    text: str
    finish: str | None
    ids: tuple[int, ...] | None = None
    pieces: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None


class Server:
    """One model of a server. Use it inside one event loop.

    The client tries again by itself (`policy.retries`, with growing pauses or those that the server asks for)
    after 408, 409, 429, 5xx, a timeout and a broken connection. The counters are of our own requests: others
    may use the server, too.
    """

    def __init__(self, config: PolicyConfig, model: str) -> None:
        from openai import AsyncOpenAI

        self._config, self._model = config, model
        self._client = AsyncOpenAI(**connection(config), max_retries=config.retries, timeout=config.timeout)
        self._room = asyncio.Semaphore(config.max_num_seqs)
        self.counters = Counters()

    async def complete(self, **body: Any) -> Answer:
        """A text that goes on from a prompt, or answers messages. A cancelled call hangs up, which ends it at
        the server.

        Raises:
            TransientError: no answer, or one that makes no sense, after the last try.
            Refused: another try would not help.
        """
        api: Any = self._client.chat.completions if "messages" in body else self._client.completions
        async with self._calling():
            response = await api.with_raw_response.create(model=self._model, **body)
            text = response.http_response.text
        with self._reading(text):
            answer = json.loads(text)
            read = _read(answer["choices"][0], answer.get("usage") or {})
            if read.finish is None:
                raise ValueError("no finish_reason")
            return read

    async def stream(self, until: str, **body: Any) -> Answer:
        """As `complete`, but hung up as soon as the text holds `until`; it may reach past it.

        A stop text would spare the server a few tokens. But it is cut off, and most servers do not say
        whether a text stopped there or came to its end.
        """
        parts: list[Answer] = []
        text = ""
        create = self._client.completions.create
        async with self._calling(), await create(model=self._model, stream=True, **body) as events:
            with self._reading("a stream"):
                async for event in events:
                    # a chunk without choices only counts
                    parts += [_read(choice, {}) for choice in event.model_dump()["choices"][:1]]
                    text = "".join(part.text for part in parts)
                    if until in text or (parts and parts[-1].finish):
                        break
        if until not in text and not (parts and parts[-1].finish):
            raise TransientError(f"{where(self._config)}: a stream broke off")
        return Answer(
            text,
            parts[-1].finish,
            pieces=tuple(piece for part in parts for piece in part.pieces),
            logprobs=tuple(value for part in parts for value in part.logprobs),
        )

    def shutdown(self) -> None:
        """Nothing was started."""

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[None]:
        """Around a call: waits for room, counts busy seconds, makes the client's errors ours."""
        import openai

        async with self._room:
            try:
                with self.counters.working():
                    yield
            except openai.APIStatusError as error:
                raise self._refusal(error) from None
            except openai.APIError as error:
                raise TransientError(f"{where(self._config)}: {reason(error)}") from None

    def _refusal(self, error: Any) -> Exception:
        if error.status_code >= 500 or error.status_code in PASSING:
            return TransientError(f"{where(self._config)}: {reason(error)}")
        if error.status_code in (401, 403):
            return Refused(describe_key(self._config, error))
        return Refused(f"{where(self._config)}: a request is refused ({reason(error)})")

    @contextmanager
    def _reading(self, answer: Any) -> Iterator[None]:
        """Around what reads an answer: it may be anything, and a stream may break (openai 2 lets the HTTP
        library's own errors through)."""
        import openai

        try:
            yield
        except openai.APIError:
            raise
        except Exception as error:
            said = " ".join(str(answer).split())[:100]
            raise TransientError(
                f"{where(self._config)}: an answer cannot be read ({type(error).__name__} {error}): {said}"
            ) from error


def _read(choice: dict[str, Any], usage: dict[str, Any]) -> Answer:
    """One choice of an answer, of either API, or of a chunk; any error where it is none of them."""
    message = choice.get("message")
    # null: the model only thought, or wrote nothing
    text = choice["text"] if message is None else message.get("content") or ""
    finish = choice.get("finish_reason")
    if not isinstance(text, str) or finish not in ("stop", "length", None):
        raise ValueError(f"finish_reason={finish!r}")
    pieces, logprobs = _pieces(choice.get("logprobs") or {})
    ids = choice.get("token_ids")
    return Answer(
        text,
        finish,
        None if ids is None else tuple(map(int, ids)),
        pieces,
        logprobs,
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        (usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
    )


def _pieces(logprobs: dict[str, Any]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The sampled tokens as texts, and their log-probabilities: the two APIs lay them out differently."""
    tokens, values = logprobs.get("tokens") or (), logprobs.get("token_logprobs") or ()
    if entries := logprobs.get("content"):
        tokens, values = ([entry[key] for entry in entries] for key in ("token", "logprob"))
    return tuple(map(str, tokens)), tuple(map(float, values))
