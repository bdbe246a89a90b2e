"""The Ray that a launch starts: nobody reaches it from another machine, and on this one it wants a token."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import grpc
import psutil
import pytest

from tests.faults.harness import Launch, wait_for

pytestmark = pytest.mark.engines

NODES = "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo"


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Launch]:
    """A sweep on fakes at work in a Ray of its own, with a home folder of its own."""
    launch = Launch(tmp_path / "x", HOME=str(tmp_path / "home"))
    launch.wait_for_parts(1)
    wait_for(lambda: "ray::DashboardAgent" in {one.name() for one in family(launch)})
    assert launch.process.poll() is None, launch.log.read_text()
    yield launch
    launch.kill_all()
    launch.end()


def test_it_listens_on_loopback_and_answers_who_has_its_token(sweep: Launch, tmp_path: Path) -> None:
    processes = {one.pid: one for one in family(sweep)}
    open_ = [
        (processes[one.pid].name(), ip_address(one.laddr.ip), one.laddr.port)
        for one in psutil.net_connections("tcp")
        if one.pid in processes and one.status == psutil.CONN_LISTEN
    ]
    assert {"gcs_server", "raylet", "ray::DashboardAgent"} <= {name for name, *_ in open_}
    assert [(name, str(at)) for name, at, _ in open_ if not loopback(at)] == []

    head = next(f"127.0.0.1:{port}" for name, _, port in open_ if name == "gcs_server")
    token = next(one for one in processes.values() if one.name() == "raylet").environ()["RAY_AUTH_TOKEN"]
    assert refusal(head) == refusal(head, "x") == grpc.StatusCode.UNAUTHENTICATED
    assert refusal(head, token) is None

    # other users of this machine read command lines, and what Ray leaves in a home folder
    assert not [one for one in processes.values() if token in " ".join(one.cmdline())]
    assert not (tmp_path / "home" / ".ray").exists()


def family(launch: Launch) -> list[psutil.Process]:
    driver = psutil.Process(launch.process.pid)
    return [driver, *driver.children(recursive=True)]


def loopback(at: object) -> bool:
    inner = at.ipv4_mapped if isinstance(at, IPv6Address) else None
    return (inner or at).is_loopback


def refusal(address: str, token: str = "") -> grpc.StatusCode | None:
    """How one who speaks Ray's protocol is refused; None: it is answered."""
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(NODES, request_serializer=bytes, response_deserializer=bytes)
        try:
            call(b"", metadata=[("authorization", f"Bearer {token}")] if token else [], timeout=20)
        except grpc.RpcError as error:
            return error.code()
    return None
