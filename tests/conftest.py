"""Shared by the tests: a launch in this process, a stored table in an order of its own, the test data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ttc.commands.cli import main
from ttc.settings import extensions

# every engine starts in a process of its own, and one that may not write byte code compiles torch and vLLM
# anew: 12 s
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
extensions.load()

DATA = Path(os.environ.get("TTC_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
"""Real problems, completions and labelled answers, which are not part of the project."""


def data_file(name: str) -> Path:
    """A file of the test data; skips the test where it is not there."""
    if not (DATA / name).exists():
        pytest.skip(f"no {name}: set TTC_TEST_DATA to the folder of the test data")
    return DATA / name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the engines' own libraries warn each other of is not ours to mend."""
    for item in items:
        if item.get_closest_marker("engines"):
            item.add_marker(pytest.mark.filterwarnings("default"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says once, loudly, that tests on the test data were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    if count := sum("TTC_TEST_DATA" in str(report.longrepr) for report in skipped):
        terminalreporter.section("TEST DATA MISSING", sep="!", red=True)
        terminalreporter.line(f"{count} tests on real data were skipped: TTC_TEST_DATA names no folder")


@pytest.fixture(autouse=True)
def no_files_of_others() -> Iterator[None]:
    """What a test's line has extended ttc by is no other test's."""
    yield
    extensions.load(())


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """What launch.py does, with results in a temporary folder; fakes without Ray unless told otherwise."""
    monkeypatch.chdir(Path(__file__).parents[1])
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("TTC_CACHE", "off")

    def run(*words: str, name: str = "default") -> int:
        given = {word.split("=")[0] for word in words}
        usual = {
            "policy": "fake",
            "prm": "fake",
            "cluster": "none",
            "results_dir": str(tmp_path),
            "name": name,
        }
        return main(["run", *words, *(f"{key}={value}" for key, value in usual.items() if key not in given)])

    return run


def stored(folder: Path, table: str, without: tuple[str, ...] = ()) -> pd.DataFrame:
    """A table's committed rows in an order of their own, so that folders can be compared."""
    from ttc.store import Folder
    from ttc.store.schema import KEYS

    rows = Folder(folder).read(table).to_pandas().drop(columns=list(without))
    for column in filter(lambda name: pd.api.types.is_object_dtype(rows[name]), rows.columns):
        rows[column] = rows[column].map(lambda value: tuple(value) if hasattr(value, "tolist") else value)
    return rows.sort_values(list(KEYS[table])).reset_index(drop=True)
