"""`ttc status`, `check` and `compact` on folders that launches of fakes have filled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import stored
from ttc.commands.cli import main
from ttc.commands.status import seconds_left
from ttc.store import Folder

Run = Callable[..., int]


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*words]) == code
    return capsys.readouterr().out


def tables(capsys: pytest.CaptureFixture[str], folder: Path) -> dict[str, list[dict[str, Any]]]:
    document = json.loads(said(capsys, "status", str(folder), "--json"))
    return {table["name"]: table["rows"] for table in document["tables"]}


def test_status_tells_done_failed_and_missing(
    launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "default"
    assert launch("n=4", "dataset.limit=6") == 0
    [row] = tables(capsys, folder)["status"]
    assert (row["searches"], row["done"], row["missing"]) == (6, 6, 0)
    assert "complete" in said(capsys, "status", str(folder))
    assert launch("n=8", "dataset.limit=12", "policy.fail_rate=0.9") == 1
    found = tables(capsys, folder)
    four, eight = found["status"]
    assert four["done"] == 6
    assert eight["done"] + eight["failed"] == 12
    assert found["faults"][0]["reason"].startswith("TransientError: a fault to order")
    assert [run["status"] for run in found["launches"]] == ["done", "failed"]


def test_status_names_what_another_meaning_has_left_unread(
    launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    for question in ("1+1?", "1+2?"):
        file.write_text(json.dumps({"question": question, "answer": "2"}) + "\n")
        assert launch("dataset=path", f"dataset.path={file}", "n=4") == 0
    found = tables(capsys, tmp_path / "default")
    assert [row["done"] for row in found["status"]] == [1]
    [row] = found["unread"]
    assert (row["searches"], row["differences"]) == (1, "other problems under the dataset's name")


def test_status_names_the_holder(launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch("n=2", "dataset.limit=2") == 0
    folder = tmp_path / "default"
    assert "nobody is at work" in said(capsys, "status", str(folder))
    with Folder(folder).held():
        assert "in use by process" in said(capsys, "status", str(folder))
        [run] = Folder(folder).runs()
        assert run["jobs"] == 2
        run |= {"jobs": 6, "started": (datetime.now(UTC) - timedelta(minutes=10)).isoformat()}
        assert seconds_left(Folder(folder), run) == pytest.approx(20 * 60, abs=5), "2 of 6 took 10 min"


def test_a_damaged_part_is_told_and_done_again(
    launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, line = tmp_path / "default", ("n=4", "dataset.limit=6")
    assert launch("n=4", "dataset.limit=3") == 0
    assert launch(*line) == 0
    before = {
        table: stored(folder, table, ("seconds",) * (table == "searches")) for table in ("paths", "searches")
    }
    [file, *others] = sorted((folder / "paths").glob("*.parquet"))
    assert others
    assert "all as they were written" in said(capsys, "check", str(folder))
    file.write_bytes(file.read_bytes()[:-100])
    assert f"paths/{file.name}" in said(capsys, "check", str(folder), code=1)
    capsys.readouterr()
    assert launch(*line) == 0
    assert "set aside in damaged/" in capsys.readouterr().out
    assert (folder / "damaged" / "paths" / file.name).exists()
    for table, rows in before.items():
        assert stored(folder, table, ("seconds",) * (table == "searches")).equals(rows), table
    assert "all as they were written" in said(capsys, "check", str(folder))


def test_a_compacted_folder_is_read_and_gone_on_with(
    launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "default"
    for limit in (3, 6):
        assert launch("n=4", f"dataset.limit={limit}") == 0
    rows = stored(folder, "paths")
    assert "2 parts before, 1 now" in said(capsys, "compact", str(folder))
    assert stored(folder, "paths").equals(rows)
    assert launch("n=4", "dataset.limit=6") == 0
    assert "everything is done already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        ((), None, "not as ttc writes it"),
        (("schema",), 1, "was written by ttc's schema 1"),
        (("schema",), None, "(schema: Input should be a valid integer)"),
        (("runs",), {}, "(runs: Input should be a valid array)"),
        (("runs", 0, "cells", 0, "n"), "4", "(runs.0.cells.0.n: Input should be a valid integer)"),
        (("runs", 0, "cells", 0, "columns"), {}, "has no dataset, family, policy, prm, strategy)"),
        (("runs", 0, "selections"), {}, "(runs.0.selections: none is "),
    ],
)
def test_a_sweep_json_that_ttc_did_not_write_is_refused(
    keys: tuple[Any, ...],
    value: Any,
    said: str,
    launch: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert launch("n=2", "dataset.limit=1") == 0
    folder, document = tmp_path / "default", [json.loads((tmp_path / "default/sweep.json").read_text())]
    inner: Any = document
    *outer, last = (0, *keys)
    for key in outer:
        inner = inner[key]
    inner[last] = value
    (folder / "sweep.json").write_text(json.dumps(document[0]))
    capsys.readouterr()
    for words in (["status", str(folder)], ["rescore", str(folder), "prm=length"]):
        assert main(words) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.parquet", "-.parquet", "a-b.parquet"])
def test_what_is_no_part_is_named(
    name: str, launch: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("n=2", "dataset.limit=1") == 0
    folder = tmp_path / "default"
    (folder / "searches" / name).write_bytes(b"x")
    assert main(["check", str(folder)]) == 2
    assert f"searches/{name}: no part of ttc's" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "compact"])
def test_a_folder_without_results_is_no_whole_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(tmp_path / "gone")]) == 2
    assert "gone: no results here" in capsys.readouterr().err
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("command", ["status", "check", "compact"])
def test_a_word_too_many_is_refused(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(tmp_path), "n=4"]) == 2
    assert f"n=4: {command} takes a results folder" in capsys.readouterr().err
