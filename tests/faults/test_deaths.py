"""Processes of a launch on fakes die, or are silent: it goes on or is given again, and finds the same as
always. The moments are drawn from a seed; `make soak` takes others, and each kind alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Launch, assert_part_of, kill

pytestmark = pytest.mark.engines

HITS = {
    "it goes on": ("a policy's actor", "the verifier's actor", "a shard", "20 s of silence"),
    # while the first driver stands still the shards do all that is left
    "it goes on alone": ("two drivers at once",),
    # a driver is killed under both damaged parts
    "it is given again": ("a part cut short", "a part of noise", "the only raylet", "the GCS"),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", HITS.values(), ids=HITS)
def test_what_was_hit_again_and_again_finds_what_it_finds_undisturbed(
    names: tuple[str, ...], hit: Callable[..., None]
) -> None:
    hit(*names)


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
    assert_part_of(launch.folder, undisturbed)
