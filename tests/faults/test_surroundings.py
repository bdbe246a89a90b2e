"""A disk, a clock, a server, a second node are not as they should be: as test_deaths.py has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.kinds import KINDS, Kind, engines, fakes

pytestmark = pytest.mark.engines


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.place not in (fakes, engines)], ids=lambda kind: kind.name
)
def test_what_was_hit_finds_what_it_finds_undisturbed(kind: Kind, hit: Callable[[Kind], None]) -> None:
    hit(kind)
