"""A launch is hit at a moment drawn from a seed, goes on or is given again, and finds what it finds anyway.

Fakes in a real Ray: every text is exact.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pandas as pd
import psutil
import pytest

from tests.conftest import stored
from tests.faults.harness import Launch, assert_equal, kill, results, wait_for

pytestmark = pytest.mark.engines

Fault = Callable[[Launch, random.Random], None]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    launch = Launch(tmp_path_factory.mktemp("undisturbed") / "x")
    assert launch.end() == 0, launch.log.read_text()
    return results(launch.folder)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    one = Launch(tmp_path / "x")
    yield one
    one.kill_all()


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


def test_two_drivers_of_one_folder(launch: Launch, undisturbed: dict[str, pd.DataFrame]) -> None:
    launch.wait_for_parts(1)
    second = Launch(launch.folder)
    assert second.end() == 2
    assert "in use by process" in second.log.read_text()
    assert launch.end() == 0
    assert_equal(launch.folder, undisturbed)


def cut_short(file: Path, chance: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: chance.randrange(file.stat().st_size)])


def noise(file: Path, chance: random.Random) -> None:
    file.write_bytes(chance.randbytes(file.stat().st_size))


@pytest.mark.parametrize("damage", [cut_short, noise])
def test_a_damaged_part_is_found_again(
    damage: Callable[[Path, random.Random], None], launch: Launch, undisturbed: dict[str, pd.DataFrame]
) -> None:
    chance = random.Random(damage.__name__)
    launch.wait_for_parts(2)
    launch.process.kill()
    launch.end()
    assert not launch.leftovers()
    damage(chance.choice(sorted(launch.folder.glob("*/*.parquet"))), chance)
    launch.start()
    assert launch.end() == 0, launch.log.read_text()
    assert "set aside in damaged/" in launch.log.read_text()
    assert_equal(launch.folder, undisturbed)


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_hands_over_and_ends_within_half_a_minute(
    name: signal.Signals, launch: Launch, undisturbed: dict[str, pd.DataFrame]
) -> None:
    launch.wait_for_parts(1)
    before = launch.parts
    launch.process.send_signal(name)
    assert launch.end(30) == 130
    assert launch.parts > before, "nothing was handed over"
    assert not launch.leftovers(5)
    assert launch.finish() >= 0
    assert_equal(launch.folder, undisturbed)


def test_a_second_signal_ends_it_at_once(launch: Launch) -> None:
    launch.wait_for_parts(1)
    for one in launch.of("policy"):  # so that nothing can be handed over
        one.send_signal(signal.SIGSTOP)
    launch.process.send_signal(signal.SIGINT)
    time.sleep(1)
    launch.process.send_signal(signal.SIGINT)
    assert launch.end(10) == 130
    assert not launch.leftovers(10)


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


NANO = ("-m", "strategy=best_of_n,beam", "n=16", "dataset.limit=40")


@pytest.mark.parametrize("whole", [False, True], ids=["its_engines_process", "the_actor"])
def test_a_launch_on_real_engines_outlives_its_policy(whole: bool, tmp_path: Path) -> None:
    """On vLLM. A killed actor takes its engine's process along: a GPU had no room for the next one."""
    launch = Launch(tmp_path / "x", line=NANO)
    try:
        wait_for(lambda: "engines ready" in launch.log.read_text() or launch.process.poll() is not None, 240)
        time.sleep(4)
        [actor] = [one for one in launch.of("policy") if one.children()]
        [engine] = actor.children()
        kill(actor if whole else engine)
        wait_for(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)
        assert launch.end() == 0, launch.log.read_text()
        assert "policy 0 died" in launch.log.read_text()
        searches = stored(launch.folder, "searches")
        assert len(searches) == 2 * 40
        assert (searches["status"] == "done").all()
        assert len(stored(launch.folder, "paths")) == 2 * 40 * 16
        assert not launch.leftovers()
    finally:
        launch.kill_all()
