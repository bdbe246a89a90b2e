"""Signals: what is finished is handed over, and a second one ends it at once."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.faults.harness import Launch, assert_equal

pytestmark = pytest.mark.engines


@pytest.mark.timeout(600)
def test_a_signal_hands_over_and_ends_within_half_a_minute(
    launch: Launch, undisturbed: dict[str, Any]
) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        launch.wait_for_a_new_part()
        before = launch.parts
        launch.process.send_signal(name)
        assert launch.end(30) == 130
        assert launch.parts > before, "nothing was handed over"
        assert not launch.leftovers(5)
        launch.start()
    assert launch.finish() == 0
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
