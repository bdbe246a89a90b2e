"""Launches that a tracker follows, each tracker for real, offline, beside its own files."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.models.scripted import CHAT, message, models, scripted
from ttc.report import trackers
from ttc.report.trackers import HEADLINE, TRACKERS

REPO = Path(__file__).parents[1]
GRID = ("-m", "strategy=greedy,best_of_n", "n=1,2", "dataset.limit=6", "prm=fake", "cluster=none", "name=x")
BLOCK, WHOLE, LAST = 2**15, 1, 4
COUNTS = {"searches_done": 12, "searches_failed": 0}


@pytest.fixture(params=list(TRACKERS))
def tracker(request: pytest.FixtureRequest) -> str:
    return installed(request.param)


def installed(name: str) -> str:
    if not find_spec(name):
        pytest.skip(f"{name} is not installed: uv sync --extra {name}")
    return name


def start(where: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A launch of its own, in that folder, where the trackers keep their files too."""
    own = {"WANDB_MODE": "offline", "TRACKIO_DIR": str(where / "trackio"), "PYTHONPATH": str(REPO)}
    line = [sys.executable, str(REPO / "launch.py"), *GRID, f"results_dir={where}", *words]
    environment = os.environ | own | environment
    return subprocess.run(line, cwd=where, env=environment, capture_output=True, text=True)


def select(file: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(query).fetchall()


def kept_by_trackio(where: Path) -> tuple[pd.DataFrame, dict[str, float], dict[str, Any]]:
    file = where / "trackio" / "ttc.db"
    logged = [json.loads(one) for (one,) in select(file, "select metrics from metrics order by id")]
    assert [name for (name,) in select(file, "select name from artifacts")] == ["report.html"]
    assert len(list((where / "trackio" / "media").rglob("*.png"))) == 1
    [(run, config)] = select(file, "select run_name, config from configs")
    assert run == "x"
    return pd.DataFrame(logged[-1]["headline"]["_value"]), logged[-2], json.loads(config)


def kept_by_mlflow(where: Path) -> tuple[pd.DataFrame, dict[str, float], dict[str, Any]]:
    [files] = (where / "mlruns" / "1").iterdir()
    files /= "artifacts"
    assert {"accuracy.png", "report.html"} <= {file.name for file in files.iterdir()}
    counts = select(where / "mlflow.db", "select key, value from metrics order by timestamp")
    assert dict(select(where / "mlflow.db", "select key, value from params"))["policy.engine"] == "openai"
    table = json.loads((files / "headline.json").read_text())
    config = json.loads((files / "config.json").read_text())
    return pd.DataFrame(table["data"], columns=table["columns"]), dict(counts), config


def entries(log: bytes) -> Iterator[bytes]:
    """Of a log as LevelDB writes it, in blocks: checksum (4 bytes), size (2), kind, and what it holds."""
    place, entry = 7, b""  # W&B's own header
    while place < len(log):
        if (left := BLOCK - place % BLOCK) < 7:
            place += left
            continue
        size, kind = int.from_bytes(log[place + 4 : place + 6], "little"), log[place + 6]
        place += 7 + size
        entry += log[place - size : place]
        if kind in (WHOLE, LAST):
            yield entry
            entry = b""


def kept_by_wandb(where: Path) -> tuple[pd.DataFrame, dict[str, float], dict[str, Any]]:
    from wandb.proto.wandb_internal_pb2 import Record

    [run] = (where / "wandb").glob("offline-run-*")
    [file] = run.glob("files/media/table/*.json")
    assert len(list(run.glob("files/media/images/*.png"))) == 1
    records = [Record.FromString(one) for one in entries(next(run.glob("*.wandb")).read_bytes())]
    assert "report.html" in [record.request.log_artifact.artifact.name for record in records] + [
        record.artifact.name for record in records
    ]
    history = [
        {one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in record.history.item}
        for record in records
        if record.HasField("history")
    ]
    config = {one.key: json.loads(one.value_json) for record in records for one in record.run.config.update}
    table = json.loads(file.read_text())
    counts = [logged for logged in history if "searches_done" in logged][-1]
    return pd.DataFrame(table["data"], columns=table["columns"]), counts, config


KEPT: dict[str, Callable[[Path], tuple[pd.DataFrame, dict[str, float], dict[str, Any]]]] = {
    "mlflow": kept_by_mlflow,
    "trackio": kept_by_trackio,
    "wandb": kept_by_wandb,
}


def test_what_a_tracker_keeps_and_that_no_secret_is_in_it(tracker: str, tmp_path: Path) -> None:
    """A server's URL with a password stands in the line, and a key in the environment."""
    password, key = secrets.token_hex(12), secrets.token_hex(20)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "report.html").write_text("<!doctype html>")
    with scripted() as server:
        server.replies |= {
            "models": models({"id": "m", "max_model_len": 256}),
            CHAT: lambda _: message("It is \\boxed{4}.", 10),
        }
        url = server.url.replace("//", f"//me:{password}@")
        words = ("policy=openai", f"policy.base_url={url}", f"track={tracker}")
        done = start(tmp_path, *words, A_KEY=key)
    assert done.returncode == 0, done.stderr
    assert "goes on without" not in done.stdout
    table, counts, config = KEPT[tracker](tmp_path)
    rows = pd.read_parquet(tmp_path / "x" / "readout.parquet").query("headline")
    assert len(table) == len(rows) == 3
    both = table.merge(rows, on=["strategy", "n"], suffixes=("", "_read"))
    assert list(table.columns) == list(HEADLINE)
    for name in ("accuracy", "accuracy_low", "accuracy_high", "generated_tokens"):
        assert both[name].tolist() == pytest.approx(both[f"{name}_read"].tolist())
    assert {name: counts[name] for name in COUNTS} == COUNTS
    assert counts["policy_tokens"] > 0
    assert config["overrides"][:2] == ["-m", "strategy=greedy,best_of_n"]
    assert config["config"]["policy"]["base_url"] == server.url.replace("//", "//***@")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    found = b"".join(file.read_bytes() for file in files) + (done.stdout + done.stderr).encode()
    assert [secret for secret in (password, key) if secret.encode() in found] == []


def test_a_tracker_that_fails_ends_no_sweep(tmp_path: Path) -> None:
    """It has no token for its server."""
    installed("trackio")
    done = start(tmp_path, "policy=fake", "track=trackio", TRACKIO_SERVER_URL="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("track=trackio: ")]
    assert line.endswith("; the launch goes on without it")
    assert "best_of_n" in done.stdout.partition("headline")[0]


def test_a_tracker_that_waits_holds_no_sweep_back(
    launch: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    over = threading.Event()

    class Waits:
        def begin(self, run: str, config: Mapping[str, Any]) -> None:
            over.wait()

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_: None

    monkeypatch.setitem(TRACKERS, "wandb", Waits)
    monkeypatch.setattr(trackers, "find_spec", lambda name: ModuleSpec(name, None, origin="somewhere"))
    monkeypatch.setattr(trackers, "FAREWELL", 1.0)
    assert launch("track=wandb", "n=2", "dataset.limit=3") == 0
    assert "results: " in (said := capsys.readouterr().out)
    assert said.endswith("track=wandb: not done after 1 s, and not waited for\n")
    over.set()


@pytest.mark.parametrize(
    "found", [None, ModuleSpec("wandb", None)], ids=["nothing", "a folder of W&B's runs"]
)
def test_a_tracker_that_is_not_installed_is_refused_before_anything_happens(
    found: ModuleSpec | None,
    launch: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda _: found)
    assert launch("track=wandb") == 2
    assert capsys.readouterr() == (
        "",
        "error: track=wandb: not installed; `uv sync --extra wandb`, or `pip install 'ttc-sweep[wandb]'`\n",
    )
    assert not any(tmp_path.iterdir())


def test_what_is_no_tracker_is_refused(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("track=tensorboard") == 2
    assert "must be 'mlflow', 'trackio' or 'wandb'" in capsys.readouterr().err
