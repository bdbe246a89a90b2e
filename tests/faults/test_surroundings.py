"""A disk, a clock, a server, a second node are not as they should be: as test_deaths.py has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults import test_deaths
from tests.faults.kinds import KINDS

pytestmark = pytest.mark.engines

HITS = [
    ("the raylet of a second node",),
    ("a full disk", "a read-only folder"),
    ("a clock that jumps",),
    ("a server of 429, 500, garbage, nothing",),
    ("a second node without the folder",),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("names", HITS, ids=", ".join)
def test_what_was_hit_finds_what_it_finds_undisturbed(
    names: tuple[str, ...], hit: Callable[..., None]
) -> None:
    hit(*names)


def test_every_kind_is_tried_but_those_that_another_test_has() -> None:
    tried = {name for names in (*HITS, *test_deaths.HITS.values()) for name in names}
    # test_real_engines.py; under the damaged parts
    assert {kind.name for kind in KINDS} - tried == {"a real policy's engine process", "the driver"}
