"""What the launches of tests/faults/ start from. Fakes in a real Ray: every text is exact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.faults.harness import Launch, results


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    launch = Launch(tmp_path_factory.mktemp("undisturbed") / "x")
    assert launch.end() == 0, launch.log.read_text()
    return results(launch.folder)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    one = Launch(tmp_path / "x")
    yield one
    one.kill_all()
