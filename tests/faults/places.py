"""Where launches meet faults of their surroundings: a disk, a second node, a server, a clock."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from tests.faults.harness import MARK, Launch, wait_for
from tests.models.scripted import CHAT, Reply, Scripted, message, models, scripted
from tests.nodes import Node, another, head

SIZE = 16 * 2**20
"""Bytes of a small disk."""

FAULTY = 0.15
"""Share of a broken server's answers that are none."""

OURS = ("ray::run", "ray::Host", "ray::Courier")
"""Names of processes of a node that a launch has started there."""

SITE = """
import os, time
real, real_ns = time.time, time.time_ns
def shift():
    try:
        with open({offset!r}) as file:
            return int(file.read() or 0)
    except OSError:
        return 0
time.time = lambda: real() + shift()
time.time_ns = lambda: real_ns() + shift() * 10**9
"""
"""A sitecustomize.py: the clock of all Python processes, ahead by the seconds that a file says."""


@cache
def can_mount() -> bool:
    """Only the superuser may, and not in every container."""
    tried = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]
    try:
        return not subprocess.run(tried, capture_output=True).returncode
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Launch]:
    """The folder lies on a disk of its own."""
    disk = place / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk], check=True)
    try:
        yield Launch(disk / "x", log=place / "out")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**12))


def free(disk: Path) -> None:
    (disk / "ballast").unlink()


def close(disk: Path) -> None:
    """From now on it cannot be written, though files of it are open: a mount over it, since it is busy."""
    subprocess.run(["mount", "--bind", disk, disk], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", disk], check=True)


def open_again(disk: Path) -> None:
    subprocess.run(["umount", "-l", disk], check=True)


@contextlib.contextmanager
def jumping_clock(place: Path) -> Iterator[Launch]:
    site = place / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE.format(offset=str(place / "offset")))
    yield Launch(place / "x", PYTHONPATH=str(site))


class Cluster(Launch):
    """A launch that joins a Ray of two nodes."""

    def __init__(self, folder: Path, first: Node, second: Node) -> None:
        self.second = second
        super().__init__(folder, RAY_ADDRESS=first.address, **first.environment)

    def kill_the_second_raylet(self) -> None:
        [raylet] = (one for one in _family(self.second) if one.name() == "raylet")
        wait_for(lambda: "ray::run" in {one.name() for one in raylet.children()})  # its shard
        raylet.kill()

    def leftovers(self, seconds: float = 20, but: tuple[str, ...] = ()) -> list[str]:
        """Of its own processes, not of the nodes'."""
        deadline = time.monotonic() + seconds
        while (found := self._own()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def _own(self) -> list[str]:
        ours = (one for one in self.alive() if one.name() in OURS or one.pid == self.process.pid)
        return [one.name() for one in ours]


@contextlib.contextmanager
def two_nodes(place: Path, *, shared: bool = True) -> Iterator[Cluster]:
    """One CPU on each, so that each has a shard. shared: else the second one has its own disk where the first
    has the results."""
    mark = {MARK: secrets.token_hex(8)}
    alone = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs tmpfs {place} && exec "$@"', "-"]
    with head(place.with_suffix(".head"), 1, **mark) as first:
        wait_for(lambda: any(one.name() == "raylet" for one in _family(first)), 120)
        with another(first, place.with_suffix(".second"), 1, () if shared else alone) as second:
            wait_for(lambda: any(one.name() == "raylet" for one in _family(second)), 120)
            time.sleep(2)  # until it is known
            launch = Cluster(place / "x", first, second)
            yield launch
            logs = [log.read_text() for log in (launch.folder / "logs").glob("shard-*.log")]
            assert [", process " in log for log in logs] == [True, True], logs


def _family(node: Node) -> list[psutil.Process]:
    return psutil.Process(node.process.pid).children(recursive=True)


class OnServer(Launch):
    """A launch whose policy is a server that chats."""

    def __init__(self, folder: Path, server: Scripted, *words: str) -> None:
        self._server = server
        line = (
            *("-m", "strategy=best_of_n", "n=4", "seed=0,1", "dataset.limit=100", "prm=fake"),
            *("policy=openai", f"policy.base_url={server.url}", "policy.api=chat"),
            *("policy.timeout=2", "policy.retries=1", "cluster.shards=2", "cluster.paths=24"),
        )
        super().__init__(folder, *words, line=line)

    def break_server(self) -> None:
        self._server.replies[CHAT] = Faulty(FAULTY)


@contextlib.contextmanager
def endpoint(place: Path, *words: str) -> Iterator[OnServer]:
    with scripted() as server:
        server.pause = 0.02
        server.replies |= {"models": models({"id": "policy", "max_model_len": 4096}), CHAT: _chat}
        yield OnServer(place / "x", server, *words)


class Faulty:
    """Answers or does not, by what is asked and how often."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._asked: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> Reply:
        self._asked[str(body)] += 1
        chance = _digest(body, self._asked[str(body)])
        if chance % 1000 >= 1000 * self._share:
            return _chat(body)
        faults: list[Reply] = [
            (429, {"error": {"message": "busy"}}),
            (500, {"error": {"message": "broken"}}),
            (200, "<html>"),
            (200, '{"choices": [{"mess'),
            (200, iter(_silence())),
        ]
        return faults[chance // 1000 % len(faults)]


def _silence() -> Iterator[Any]:
    time.sleep(4)
    yield {}


def _chat(body: dict[str, Any]) -> Reply:
    digest = _digest(body, 0)
    return message(f"Step 1: {digest % 97}\n\n\\boxed{{{digest % 5}}}", 8)


def _digest(body: dict[str, Any], times: int) -> int:
    asked = f"{body['messages']} {body.get('seed')} {times}"
    return int.from_bytes(hashlib.sha256(asked.encode()).digest()[:6], "big")
