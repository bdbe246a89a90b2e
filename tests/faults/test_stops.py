"""Signals, a second driver, damaged files: what is finished is kept, and what is missing done."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.faults.harness import Launch, assert_equal

pytestmark = pytest.mark.engines


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
