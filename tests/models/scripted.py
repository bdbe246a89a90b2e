"""An OpenAI-compatible server that answers what a test has written down, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ttc.models.openai_policy import ByChat, openai_policy
from ttc.settings.schema import PolicyConfig
from ttc.types import Draw, PolicyModel, Prompt, Sample, Sampling

Reply = tuple[int, Any]
"""Status, and what is sent: a str as it is, a list as the events of a stream (DONE ends it, None breaks it),
an iterator as one that may have no end, all else as JSON."""

DONE = "[DONE]"
NOT_FOUND: Reply = (404, {"error": {"message": "no such path"}})


QUESTION = "Start with 10. Day 1: halves. Day 2: gets 2. What now?"
SAMPLING = Sampling(Prompt("plain"), max_tokens=100)
WHOLE, STEP = Draw(QUESTION, (), 2**62 + 5, whole=True), Draw(QUESTION, (), 7, whole=False)
CHAT, COMPLETIONS = "chat/completions", "completions"


class Scripted:
    """Attributes:
    replies: by path, what it answers: a function of the request's body, or a list that is used up, its
        last reply again and again.
    asked: (path, body, headers) of every request.
    most: the most requests that it had at the same time.
    hung_up: set when a client leaves a stream that has no end.
    """

    def __init__(self) -> None:
        self.replies: dict[str, Callable[[dict[str, Any]], Reply] | list[Reply]] = {}
        self.asked: list[tuple[str, dict[str, Any], Any]] = []
        self.url = ""
        self.most = self.now = 0
        self.pause = 0.0
        self.hung_up = threading.Event()
        self._lock = threading.Lock()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body, _ in self.asked if asked == path]

    def reply(self, path: str, body: dict[str, Any], headers: Any) -> Reply:
        with self._lock:
            self.asked.append((path, body, headers))
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.pause)
        with self._lock:
            self.now -= 1
            replies = self.replies.get(path, [NOT_FOUND])
            if callable(replies):
                return replies(body)
            return replies.pop(0) if len(replies) > 1 else replies[0]


@contextmanager
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do({})

        def do_POST(self) -> None:
            self._do(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _do(self, body: dict[str, Any]) -> None:
            status, sent = script.reply(self.path.removeprefix("/v1/"), body, self.headers)
            if isinstance(sent, Iterator):
                return self._endless(sent)
            kind = "text/event-stream" if isinstance(sent, list) else "application/json"
            breaks = isinstance(sent, list) and None in sent
            if isinstance(sent, list):
                sent = "".join(
                    f"data: {DONE if event == DONE else json.dumps(event)}\n\n" for event in sent if event
                )
            data = (sent if isinstance(sent, str) else json.dumps(sent)).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("retry-after-ms", "1")
            if breaks:
                self.send_header("Content-Length", str(len(data) + 100))
            self.end_headers()
            self.wfile.write(data)

        def _endless(self, events: Iterator[Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for event in events:
                    self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                    time.sleep(0.005)
            except OSError:
                script.hung_up.set()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


def models(*cards: str | dict[str, Any]) -> list[Reply]:
    data = [{"id": card} if isinstance(card, str) else card for card in cards]
    return [(200, {"object": "list", "data": data})]


def text(value: str, finish: str | None = "stop", **more: Any) -> Reply:
    """A completion."""
    return 200, {"choices": [{"text": value, "finish_reason": finish, **more}]}


def events(*values: str, finish: str | None = "stop") -> Reply:
    """A completion in pieces."""
    chunks = [{"choices": [{"text": value, "finish_reason": None}]} for value in values]
    chunks[-1]["choices"][0]["finish_reason"] = finish
    return 200, chunks


def message(content: str | None, tokens: int = 10, finish: str = "stop", **more: Any) -> Reply:
    """An answer of the chat API."""
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": finish, **more}
    return 200, {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": tokens}}


def connect(server: Scripted, **settings) -> PolicyModel:
    base = {"name": "openai", "engine": "openai", "base_url": server.url, "retries": 2, "timeout": 5.0}
    return openai_policy(PolicyConfig(**(base | settings)))


def generate(server, *draws: Draw, sampling=SAMPLING, replies=None, pause=0.0, **settings) -> list[Sample]:
    """`replies`: what the server answers after it was looked at, each after a pause of so many seconds."""

    async def run():
        policy = connect(server, **settings)
        server.asked.clear()
        server.pause = pause
        api = CHAT if isinstance(policy, ByChat) else COMPLETIONS
        looked_at, server.replies[api] = server.replies[api], replies
        try:
            return await policy.generate(sampling, draws)
        finally:
            server.replies[api] = looked_at

    return asyncio.run(run())
