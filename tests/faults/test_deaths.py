"""A launch is hit at a moment drawn from a seed, goes on or is given again, and finds the same as always."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pandas as pd
import pytest

from tests.faults.harness import Launch, assert_equal, kill

pytestmark = pytest.mark.engines

Fault = Callable[[Launch, random.Random], None]


def kill_a(role: str) -> Fault:
    def fault(launch: Launch, chance: random.Random) -> None:
        found = launch.of(role)
        assert found, f"no {role} runs"
        kill(chance.choice(found))

    fault.__name__ = f"kill a {role}"
    return fault


def pause_a_policy(launch: Launch, chance: random.Random) -> None:
    one = chance.choice(launch.of("policy"))
    one.send_signal(signal.SIGSTOP)
    Timer(5.0, one.send_signal, [signal.SIGCONT]).start()


def kill_the_driver(launch: Launch, chance: random.Random) -> None:
    launch.process.kill()


SURVIVED = [kill_a("policy"), kill_a("prm"), kill_a("shard"), pause_a_policy]
"""The launch goes on by itself."""

STOPPED = [kill_a("gcs_server"), kill_a("raylet"), kill_the_driver]
"""The line may have to be given again."""


@pytest.mark.parametrize("fault", [*SURVIVED, *STOPPED], ids=lambda fault: fault.__name__.replace(" ", "_"))
def test_what_was_hit_finds_what_it_finds_undisturbed(
    fault: Fault, launch: Launch, undisturbed: dict[str, pd.DataFrame]
) -> None:
    chance = random.Random(fault.__name__)
    launch.wait_for_parts(chance.randint(1, 3))
    time.sleep(chance.random())
    assert launch.process.poll() is None, launch.log.read_text()
    fault(launch, chance)
    again = launch.finish()
    assert again == 0 or fault in STOPPED
    assert not launch.leftovers()
    assert_equal(launch.folder, undisturbed)


def test_an_engine_that_dies_again_and_again_ends_the_launch_with_all_that_is_finished(
    tmp_path: Path, undisturbed: dict[str, pd.DataFrame]
) -> None:
    launch = Launch(tmp_path / "x", "policy.replicas=1", "cluster.restarts=1")
    launch.wait_for_parts(1)
    while launch.process.poll() is None:
        for one in launch.of("policy"):
            kill(one)
        time.sleep(0.2)
    assert launch.end() == 1
    said = launch.log.read_text()
    assert "policy 0 died" in said
    assert "cluster.restarts=1 in a row, and none is left" in said
    assert not launch.leftovers()
    launch.start()
    assert launch.end() == 0
    assert_equal(launch.folder, undisturbed)
