"""Calls to an OpenAI-compatible server: bounded, tried again, counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from ttc.models.counters import Counters
from ttc.models.openai_answer import FILTERED, FULL, Answer, filtered, parse, read, reason
from ttc.models.openai_client import Endpoint, connect, describe_key, where
from ttc.settings.schema import AT_ONCE, PolicyConfig
from ttc.types import Told, TransientError, mask

PASSING = (408, 409, 425, 429)
"""Refusals that another try may mend, beside the server's own faults (5xx)."""


class Refused(Told):
    """The server understood a call and refuses it: another try would be refused, too."""


class Full(Refused):
    """It refuses a text for its length."""


class Filtered(Exception):
    """The server's filter refuses a prompt."""


class Server:
    """One model of a server. Use it inside one event loop.

    The client tries again by itself (`policy.retries`, with growing pauses or those that the server asks for)
    after 408, 409, 429, 5xx, a timeout and a broken connection. The counters are of our own requests: others
    may use the server, too.
    """

    def __init__(self, config: PolicyConfig, endpoint: Endpoint) -> None:
        from openai import AsyncOpenAI

        self._config, self._endpoint = config, endpoint
        retries, patience = config.retries, config.timeout
        self._client = connect(config, AsyncOpenAI, max_retries=retries, timeout=patience)
        self._room = asyncio.Semaphore(config.max_num_seqs or AT_ONCE)
        self.counters = Counters()

    async def complete(self, until: str = "", **body: Any) -> Answer:
        """A text that goes on from a prompt, or answers messages. A cancelled call hangs up, which ends it at
        the server.

        Args:
            until: hangs up as soon as the text holds it; the text may reach past it. A stop text would spare
                the server a few tokens. But it is cut off, and most servers do not say whether a text stopped
                there or came to its end.
            body: what is asked, for all servers alike.

        Raises:
            TransientError: no answer, or one that makes no sense, after the last try.
            Refused: another try would not help.
        """
        fitted = self._endpoint.fit(body)
        try:
            return await (self._stream(until, fitted) if until else self._whole(fitted))
        except Filtered:
            return replace(FILTERED, completion=0)

    async def _whole(self, body: dict[str, Any]) -> Answer:
        chat = self._endpoint.api == "chat"
        calls: Any = self._client.chat.completions if chat else self._client.completions
        async with self._calling():
            response = await calls.with_raw_response.create(**body)
            text = response.http_response.text
        with self._reading(text):
            return read(parse(text), self._endpoint.api)

    async def _stream(self, until: str, body: dict[str, Any]) -> Answer:
        parts: list[Answer] = []
        text, finish = "", None
        create = self._client.completions.with_streaming_response.create
        async with self._calling(), create(stream=True, **body) as response:
            with self._reading("a stream"):
                async with aclosing(_chunks(response)) as chunks:
                    async for chunk in chunks:
                        if chunk.get("choices", "?") or chunk.get("error"):  # else it only counts
                            parts.append(read(chunk, "completions"))
                            finish = parts[-1].finish
                            text += parts[-1].text
                        if until in text or finish:
                            break
                if not parts:
                    raise ValueError("no text")
        if finish == "filtered":
            return FILTERED
        pieces = tuple(piece for part in parts for piece in part.pieces)
        logprobs = tuple(value for part in parts for value in part.logprobs)
        likeliest = tuple(values for part in parts for values in part.likeliest)
        return Answer(text, finish, pieces=pieces, logprobs=logprobs, likeliest=likeliest)

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
        if filtered(error):
            return Filtered()
        if error.status_code in (401, 403):
            return Refused(describe_key(self._config, error))
        kind = Full if FULL.search(reason(error)) else Refused
        return kind(f"{where(self._config)}: a request is refused ({reason(error)})")

    @contextmanager
    def _reading(self, answer: Any) -> Iterator[None]:
        """Around what reads an answer: it may be anything, and a stream may break."""
        try:
            yield
        except Exception as error:
            said = " ".join(mask(str(answer)).split())[:100]
            raise TransientError(
                f"{where(self._config)}: an answer cannot be read ({type(error).__name__} {error}): {said}"
            ) from error


async def _chunks(response: Any) -> AsyncGenerator[dict[str, Any]]:
    """The events of a stream, or the one answer of a server that does not stream.

    Read here, because the client tells no stream that was ended ([DONE]) from one that broke off, and some
    servers end a text without a word why.
    """
    streams, other = False, b""
    async for line in _lines(response):
        kind, _, data = line.strip().partition(b":")
        if kind != b"data":
            other += line
            continue
        if data.strip() == b"[DONE]":
            return
        streams = True
        yield json.loads(data)
    if streams:
        raise ValueError("it broke off")
    yield json.loads(other)


async def _lines(response: Any) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")  # at nothing else: a text may hold what Unicode calls one
        for line in lines:
            yield line
    yield rest
