"""The part of the Hub's API that an upload meets, on loopback: repositories in memory."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KINDS = {"datasets": "dataset", "spaces": "space"}


class Hub:
    """Attributes:
    repositories: (kind, name) -> {"private": ..., "sdk": ..., "files": {place: bytes}}.
    commits: of each its title and how many files came and went.
    tokens: what was said to let somebody in.
    broken: OWNER/NAME -> the status that is answered whatever is asked of it.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], dict[str, Any]] = {}
        self.commits: list[tuple[str, int, int]] = []
        self.tokens: set[str | None] = set()
        self.broken: dict[str, int] = {}
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        if parts == ["api", "validate-yaml"]:
            return 200, {"errors": [], "warnings": []}
        key = KINDS.get(parts[1], ""), "/".join(parts[2:4])
        made = json.loads(body) if parts == ["api", "repos", "create"] else {}
        if status := self.broken.get(f"{made['organization']}/{made['name']}" if made else key[1]):
            return status, {"error": "as the test has it"}
        if made:
            return self._create(made)
        if key not in self.repositories:
            return 404, {"error": "Repository not found"}
        repository = self.repositories[key]
        match parts[4:]:
            case []:
                files = [{"rfilename": name} for name in repository["files"]]
                return 200, {
                    "id": key[1],
                    "private": repository["private"],
                    "siblings": files,
                    "sha": "0" * 40,
                }
            case ["preupload", "main"]:
                asked = json.loads(body)["files"]
                said = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}
                return 200, {"files": [{"path": one["path"], **said} for one in asked]}
            case ["commit", "main"]:
                return self._commit(key, [json.loads(line) for line in body.splitlines()])
        return 404, {"error": f"no such path: {path}"}

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        key = asked["type"], f"{asked['organization']}/{asked['name']}"
        url = f"{self.url}/{'datasets' if key[0] == 'dataset' else 'spaces'}/{key[1]}"
        if key in self.repositories:
            return 409, {"error": "You already created this repo", "url": url}
        private = asked.get("visibility") == "private"
        self.repositories[key] = {"private": private, "sdk": asked.get("sdk"), "files": {}}
        return 200, {"url": url}

    def _commit(self, key: tuple[str, str], lines: list[dict[str, Any]]) -> tuple[int, Any]:
        files = self.repositories[key]["files"]
        came = [line["value"] for line in lines if line["key"] == "file"]
        gone = [line["value"]["path"] for line in lines if line["key"] == "deletedFile"]
        for one in came:
            files[one["path"]] = base64.b64decode(one["content"])
        for path in gone:
            del files[path]
        [title] = [line["value"]["summary"] for line in lines if line["key"] == "header"]
        self.commits.append((title, len(came), len(gone)))
        url = f"{self.url}/{key[0]}s/{key[1]}/commit/{'0' * 40}"
        return 200, {"commitUrl": url, "commitOid": "0" * 40, "success": True}


@contextmanager
def stub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do(b"")

        def do_POST(self) -> None:
            self._do(self.rfile.read(int(self.headers["Content-Length"])))

        def _do(self, body: bytes) -> None:
            hub.tokens.add(self.headers["Authorization"])
            status, said = hub.answer(self.path.partition("?")[0], body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
