"""Limits of a search, and of how often one fault may come."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import stored

Run = Callable[..., int]


@pytest.mark.parametrize(
    ("word", "reason"),
    [("search_steps=6", "steps, and search_steps=6"), ("search_tokens=200", "tokens, and search_tokens=200")],
)
def test_a_search_past_a_limit_is_cut_counted_and_shown(
    word: str, reason: str, launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("strategy=beam", "n=4", "dataset.limit=8", word) == 0
    searches = stored(tmp_path / "default", "searches")
    cut = searches[searches["status"] == "cut"]
    assert len(cut)
    assert cut["reason"].str.endswith(reason).all()
    assert (cut["paths"] == 0).all()
    assert (cut["generated_tokens"] > 0).all()
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    assert rows["share_stopped"].eq(len(cut) / 8).all()
    assert (rows["status"] == "complete").all()
    assert "stopped at a limit of theirs and count as wrong" in capsys.readouterr().out
    assert launch("strategy=beam", "n=4", "dataset.limit=8", word) == 0
    assert "everything is done already" in capsys.readouterr().out


def test_a_search_that_takes_too_long_is_cut(launch: Run, tmp_path: Path) -> None:
    start = time.monotonic()
    assert launch("n=4", "dataset.limit=3", "policy.latency=30", "search_seconds=0.2") == 0
    assert time.monotonic() - start < 20
    searches = stored(tmp_path / "default", "searches")
    assert list(searches["status"]) == ["cut"] * 3
    assert list(searches["reason"]) == ["not over after search_seconds=0.2"] * 3


def test_a_call_without_an_answer_fails_and_is_made_again(launch: Run, tmp_path: Path) -> None:
    words = ("n=1", "dataset.limit=1", "policy.latency=30", "cluster.call_seconds=0.1")
    assert launch(*words) == 1
    [search] = stored(tmp_path / "default", "searches").to_dict("records")
    assert search["reason"] == "TransientError: no answer within cluster.call_seconds=0.1"
    assert search["retries"] == 3


def test_the_same_fault_again_and_again_ends_the_launch(
    launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("n=4", "dataset.limit=100", "cluster.paths=8")
    assert launch(*words, "policy.fail_rate=1", "policy.latency=0.05", "max_failures=5") == 3
    out = capsys.readouterr().out
    assert "5 times: TransientError: a fault to order" in out
    searches = stored(tmp_path / "default", "searches")
    assert 5 <= len(searches) < 100
    assert launch(*words) == 0
