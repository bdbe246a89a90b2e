"""`ray job submit` runs the same sweep inside the submitted job's Ray, with token authentication on."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.engines


REPO = Path(__file__).parents[1]
RAY = str(Path(sys.executable).parent / "ray")


def free_port() -> int:
    """Below the range from which Ray gives its workers their ports."""
    for port in range(6500, 9900, 7):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port + secrets.randbelow(3)
    raise AssertionError("no free port")


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, dict[str, str]]]:
    """A Ray of 2 CPUs on loopback that wants a token: (its jobs' address, its port, the environment)."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("RAY_")},
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(16),
    }
    port = free_port()
    jobs, agent = port + 3, port + 4
    command = [RAY, "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}"]
    command += [f"--dashboard-port={jobs}", "--num-cpus=2", "--object-store-memory=100000000"]
    command += [f"--dashboard-agent-listen-port={agent}"]  # another test's Ray has the usual one
    # a short path: Ray's sockets stand below it, and their names have a limit
    folder = Path("/tmp") / f"ray-{secrets.token_hex(3)}"
    command += ["--disable-usage-stats", f"--temp-dir={folder}"]
    log = (tmp_path_factory.mktemp("ray") / "head.log").open("w")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for_answer(f"http://127.0.0.1:{jobs}/api/version")
        yield f"http://127.0.0.1:{jobs}", port, environment
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_answer(url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:  # it is up, and wants a token
            return
        except OSError:
            assert time.monotonic() < deadline, "Ray's head did not come up"
            time.sleep(0.5)
        else:
            return


def test_a_submitted_job_runs_the_sweep_in_its_ray(
    head: tuple[str, int, dict[str, str]], tmp_path: Path
) -> None:
    address, port, environment = head
    words = ["-m", "strategy=best_of_n,beam", "n=1,4", "dataset.limit=4", "policy=fake", "prm=fake"]
    command = [RAY, "job", "submit", "--address", address, "--working-dir", ".", "--"]
    command += [sys.executable, "launch.py", *words, f"results_dir={tmp_path}"]
    deadline = time.monotonic() + 120
    while True:
        done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, timeout=240)
        # on a busy machine the head answers before the agent that starts jobs is up: Ray says so itself
        if "No available agent" not in done.stderr + done.stdout or time.monotonic() > deadline:
            break
        time.sleep(3)
    assert done.returncode == 0, done.stdout + done.stderr
    [run] = json.loads((tmp_path / "default" / "sweep.json").read_text())["runs"]
    assert (run["status"], run["bill"]["searches"]) == ("done", 8)
    assert run["ray_address"].endswith(f":{port}")
