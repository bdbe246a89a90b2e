"""What the launches of tests/faults/ start from. Fakes in a real Ray: every text is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Launch
from tests.faults.kinds import Kind, Place, fakes, run_undisturbed, try_it
from tests.faults.places import can_mount


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Place], dict[str, Any]]:
    """What a launch finds undisturbed."""
    return cache(lambda place: run_undisturbed(place, tmp_path_factory.mktemp("usual"))[0])


@pytest.fixture(scope="session")  # so that it is there before a test's own launch begins
def undisturbed(usual: Callable[[Place], dict[str, Any]]) -> dict[str, Any]:
    return usual(fakes)


@pytest.fixture
def hit(usual: Callable[[Place], dict[str, Any]], tmp_path: Path) -> Callable[[Kind], None]:
    """Tries a kind of fault, once."""

    def once(kind: Kind) -> None:
        if kind.mounts and not can_mount():
            pytest.skip("nothing can be mounted here")
        place = tmp_path / "place"
        place.mkdir()
        try_it(kind, place, 0, usual(kind.usual))

    return once


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    one = Launch(tmp_path / "x")
    yield one
    one.kill_all()
