"""`ray job submit` runs the same sweep inside the submitted job's Ray, with token authentication on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import own
from tests.nodes import RAY, Node, head

pytestmark = pytest.mark.engines


REPO = Path(__file__).parents[1]


@pytest.fixture
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with head(tmp_path_factory.mktemp("ray") / "head.log", cpus=2) as node:
        wait_for_answer(f"http://127.0.0.1:{node.jobs}/api/version")
        yield node


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


def test_a_submitted_job_runs_the_sweep_and_a_users_strategy_in_its_ray(one: Node, tmp_path: Path) -> None:
    # once the launch has read it, the file of the strategy is gone: its content goes to the shards
    text = f"{own.FILES['softmax.py']}\nimport pathlib\npathlib.Path(__file__).unlink(missing_ok=True)\n"
    words = ["-m", own.write("softmax.py", tmp_path, text), "strategy=best_of_n,softmax", "n=1,4"]
    words += ["dataset.limit=4", "policy=fake", "prm=fake"]
    command = [RAY, "job", "submit", "--address", f"http://127.0.0.1:{one.jobs}", "--working-dir", ".", "--"]
    command += [sys.executable, "launch.py", *words, f"results_dir={tmp_path}"]
    deadline = time.monotonic() + 120
    while True:
        done = subprocess.run(
            command, cwd=REPO, env=one.environment, capture_output=True, text=True, timeout=240
        )
        # on a busy machine the head answers before the agent that starts jobs is up: Ray says so itself
        if "No available agent" not in done.stderr + done.stdout or time.monotonic() > deadline:
            break
        time.sleep(3)
    assert done.returncode == 0, done.stdout + done.stderr
    [run] = json.loads((tmp_path / "default" / "sweep.json").read_text())["runs"]
    assert (run["status"], run["bill"]["searches"]) == ("done", 8)
    assert not (tmp_path / "softmax.py").exists()
    assert run["ray_address"].endswith(f":{one.port}")
