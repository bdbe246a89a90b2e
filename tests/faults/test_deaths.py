"""Processes of a launch on fakes die, or are silent: it goes on or is given again, and finds the same as
always. The moment is drawn from a seed; `make soak` takes others."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Launch, assert_equal, kill
from tests.faults.kinds import KINDS, Kind, fakes

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.place is fakes], ids=lambda kind: kind.name)
def test_what_was_hit_finds_what_it_finds_undisturbed(kind: Kind, hit: Callable[[Kind], None]) -> None:
    hit(kind)


def test_an_engine_that_dies_again_and_again_ends_the_launch_with_all_that_is_finished(
    tmp_path: Path, undisturbed: dict[str, Any]
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
