"""Verdicts that outlive the run, and why a cache never breaks grading."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ttc.grading import Verdict, make_grader
from ttc.grading.cache import Cache, cache_file
from ttc.grading.worker.process import Worker


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTC_CACHE", "off")


def graded(gold: str, answer: str, limit: float = 20.0) -> Verdict:
    async def grade() -> Verdict:
        grader = make_grader("math_verify", limit)
        try:
            return await grader.grade(gold, answer)
        finally:
            await grader.close()

    return asyncio.run(grade())


def test_a_verdict_outlives_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("TTC_CACHE", str(tmp_path / "cache"))
    first = graded("1", "2x+z=1")
    assert first == Verdict(False)
    monkeypatch.setattr(Worker, "start", None)
    assert graded("1", "2x+z=1") == first


def test_a_timeout_is_not_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("TTC_CACHE", str(tmp_path))
    assert graded("x+1", "1+x", limit=1e-9).status == "timeout"
    assert graded("x+1", "1+x") == Verdict(True)


@pytest.mark.parametrize("broken", ["garbage", "no folder", "a folder"])
def test_a_cache_that_cannot_be_used_is_as_good_as_none(broken, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("TTC_CACHE", str(tmp_path))
    file = cache_file()
    assert file is not None
    if broken == "garbage":
        file.write_bytes(b"no database" * 1000)
    elif broken == "no folder":
        monkeypatch.setenv("TTC_CACHE", "/dev/null/nowhere")
    else:
        file.mkdir()
    assert graded("x+1", "1+x") == Verdict(True)
    assert "grading goes on without" in caplog.text


def test_a_cache_that_is_full_of_another_table_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("TTC_CACHE", str(tmp_path))
    file = cache_file()
    with contextlib.closing(sqlite3.connect(file)) as link, link:
        link.execute("CREATE TABLE verdicts (mine TEXT)")
    assert graded("x+1", "1+x") == Verdict(True)


def test_the_cache_follows_the_environment(tmp_path, monkeypatch):
    assert cache_file() is None
    monkeypatch.delenv("TTC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file().parent == tmp_path / "ttc"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_file().parent == tmp_path / ".cache" / "ttc"


WRITER = """
import sys
from pathlib import Path
from ttc.grading.cache import Cache
cache = Cache(Path(sys.argv[1]), "grader")
for k in range(200):
    cache.put(sys.argv[2], f"{k}\\ud800", k % 2 == 0, "ok")
    cache.flush()
cache.close()
"""


def test_many_processes_write_at_once_and_nothing_is_lost(tmp_path):
    file = tmp_path / "verdicts.sqlite"
    home = Path(__file__).parents[1]
    command = [sys.executable, "-c", WRITER, str(file)]
    running = [subprocess.Popen([*command, f"gold {k}"], cwd=home) for k in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    cache, other = Cache(file, "grader"), Cache(file, "grader of another version")
    found = [cache.get(f"gold {k}", f"{n}\ud800") for k in range(4) for n in range(200)]
    assert found == [(n % 2 == 0, "ok") for _ in range(4) for n in range(200)]
    assert other.get("gold 0", "0\ud800") is None
    assert cache.get("gold 0,", "0\ud800") is None
    cache.close()
    other.close()
