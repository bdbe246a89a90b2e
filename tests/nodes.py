"""Ray's nodes as a user starts them, on loopback."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RAY = str(Path(sys.executable).parent / "ray")

PORTS = (
    *("dashboard-agent-listen-port", "dashboard-agent-grpc-port"),
    *("metrics-export-port", "runtime-env-agent-port"),
)
"""What two nodes of one machine must not share."""


def free_ports(count: int) -> list[int]:
    """In a row, below the range from which Ray gives its workers their ports."""
    for port in range(6500 + secrets.randbelow(1000), 9900, count):
        with contextlib.ExitStack() as probes:
            found = [probes.enter_context(socket.socket()) for _ in range(count)]
            if all(probe.connect_ex(("127.0.0.1", port + i)) for i, probe in enumerate(found)):
                return list(range(port, port + count))
    raise AssertionError("no free ports")


@dataclass
class Node:
    """A node, and what a process needs that joins its Ray.

    Attributes:
        port: of the head.
        jobs: of the head's dashboard, which takes jobs.
        spare: for one more node.
    """

    port: int
    jobs: int
    spare: list[int]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextlib.contextmanager
def head(log: Path, cpus: int, **environment: str) -> Iterator[Node]:
    """A Ray that wants a token."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("RAY_")},
        **{"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)},
        **environment,
    }
    port, jobs, *others = free_ports(2 + 2 * len(PORTS))  # taken late, so those of another node as well
    # a short path: Ray's sockets stand below it, and their names have a limit
    folder = Path("/tmp") / f"ray-{secrets.token_hex(3)}"
    words = ["--head", f"--port={port}", f"--dashboard-port={jobs}", f"--temp-dir={folder}"]
    with _start([*words, *_ports(others[: len(PORTS)])], log, cpus, environment) as process:
        yield Node(port, jobs, others[len(PORTS) :], environment, process)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def another(head: Node, log: Path, cpus: int, before: Sequence[str] = ()) -> Iterator[Node]:
    """The other node of it. before: the words of a command that runs the command behind it."""
    words = [f"--address={head.address}", *_ports(head.spare)]
    with _start(words, log, cpus, head.environment, before) as process:
        yield Node(head.port, head.jobs, [], head.environment, process)


def _ports(numbers: Sequence[int]) -> list[str]:
    return [f"--{name}={number}" for name, number in zip(PORTS, numbers, strict=True)]


@contextlib.contextmanager
def _start(
    words: Sequence[str], log: Path, cpus: int, environment: dict[str, str], before: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    command = [*before, RAY, "start", "--block", "--node-ip-address=127.0.0.1", f"--num-cpus={cpus}"]
    command += [*words, "--object-store-memory=100000000", "--disable-usage-stats"]
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
