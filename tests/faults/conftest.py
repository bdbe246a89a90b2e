"""What the launches of tests/faults/ start from. Fakes in a real Ray: every text is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Launch, results
from tests.faults.kinds import KINDS, Place, fakes, try_them
from tests.faults.places import can_mount

ALONE = ("cluster=none", "policy.latency=0", "prm.latency=0")
"""Without Ray, and at once: what is found does not depend on it."""


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Place], dict[str, Any]]:
    """What a launch finds undisturbed."""

    def find(place: Place) -> dict[str, Any]:
        with place(tmp_path_factory.mktemp("usual"), *ALONE) as launch:
            assert launch.end() == 0, launch.log.read_text()
            return results(launch.folder)

    return cache(find)


@pytest.fixture(scope="session")  # so that it is there before a test's own launch begins
def undisturbed(usual: Callable[[Place], dict[str, Any]]) -> dict[str, Any]:
    return usual(fakes)


@pytest.fixture
def hit(usual: Callable[[Place], dict[str, Any]], tmp_path: Path) -> Callable[..., None]:
    """Tries kinds of faults, by their names, one after the other on one launch."""

    def once(*names: str) -> None:
        kinds = [kind for name in names for kind in KINDS if kind.name == name]
        assert len(kinds) == len(names)
        if any(kind.mounts for kind in kinds) and not can_mount():
            pytest.skip("nothing can be mounted here")
        place = tmp_path / "place"
        place.mkdir()
        try_them(kinds, place, 0, usual(kinds[0].usual))

    return once


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    one = Launch(tmp_path / "x")
    yield one
    one.kill_all()
