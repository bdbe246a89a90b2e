"""Shared by the tests: a folder of public data, and a launch in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ttc.sweep import main


@pytest.fixture(scope="session")
def data() -> Path:
    folder = Path(os.environ.get("TTC_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set TTC_TEST_DATA")
    return folder


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """launch.py's main with results in a temporary folder; fakes without Ray unless told otherwise."""
    monkeypatch.chdir(Path(__file__).parents[1])
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def run(*words: str, name: str = "default") -> int:
        given = {word.split("=")[0] for word in words}
        usual = {
            "policy": "fake",
            "prm": "fake",
            "cluster": "none",
            "results_dir": str(tmp_path),
            "name": name,
        }
        return main([*words, *(f"{key}={value}" for key, value in usual.items() if key not in given)])

    return run


def stored(folder: Path, table: str, without: tuple[str, ...] = ()) -> pd.DataFrame:
    """A table's committed rows in an order of their own, so that folders can be compared."""
    from ttc.schema import KEYS
    from ttc.store import read

    rows = read(folder, table).to_pandas().drop(columns=list(without))
    for column in filter(lambda name: pd.api.types.is_object_dtype(rows[name]), rows.columns):
        rows[column] = rows[column].map(lambda value: tuple(value) if hasattr(value, "tolist") else value)
    return rows.sort_values(list(KEYS[table])).reset_index(drop=True)
