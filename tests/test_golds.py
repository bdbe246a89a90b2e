"""`ttc regrade FOLDER golds=FILE`: verdicts by corrected gold answers; nothing is sampled anew."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import stored
from ttc.commands.cli import main
from ttc.data.problems import load_problems
from ttc.settings.schema import DatasetConfig

LINE = ("strategy=best_of_n,beam", "n=4", "dataset=path", "dataset.name=mine")
CORRECTED = ("p1", "p4")
Rows = list[dict[str, Any]]
Launch = Callable[[Rows, str], int]


@pytest.fixture
def rows() -> Rows:
    problems = load_problems(DatasetConfig(path="nano", limit=6))
    return [
        {"task": one.question, "uid": f"p{i}", "gold": f"#### {one.answer}"} for i, one in enumerate(problems)
    ]


@pytest.fixture
def run(launch: Callable[..., int], tmp_path: Path) -> Launch:
    """A launch on rows in a file, their ids in the column `uid`, if it is named."""

    def run(rows: Rows, uid: str = "uid") -> int:
        file = tmp_path / "mine.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)))
        columns = (f"dataset.columns.{key}" for key in ("question=task", "answer=gold", f"id={uid}"))
        words = (f"dataset.path={file}", "dataset.answer_from=hashes", *columns)
        return launch("-m", *LINE, *words, "grade_discarded=true", name="pool")

    return run


@pytest.fixture
def pool(rows: Rows, run: Launch, tmp_path: Path) -> Path:
    assert run(rows, "uid") == 0
    return tmp_path / "pool"


def correct(rows: Rows) -> Rows:
    """Every answer that is corrected is one that a path has given, so that verdicts turn both ways."""
    return [row | {"gold": "#### 10"} if row["uid"] in CORRECTED else row for row in rows]


def regrade(tmp_path: Path, file: Path, *words: str) -> int:
    return main(["regrade", str(tmp_path / "pool"), f"golds={file}", *words])


def test_the_corrected_line_goes_on_and_reads_the_new_golds_as_if_it_had_begun_with_them(
    rows: Rows, run: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, new = tmp_path / "pool", correct(rows)
    assert run(new, "uid") == 0
    wanted = {table: stored(folder, table) for table in ("grades", "paths")}
    wanted_rows = pd.read_parquet(folder / "readout.parquet")
    shutil.rmtree(folder)
    assert run(rows, "uid") == 0
    assert main(["regrade", str(folder), "readout.grader=exact"]) == 0
    before = pd.read_parquet(folder / "readout.parquet")
    capsys.readouterr()
    assert run(new, "uid") == 2
    said = capsys.readouterr().err
    assert "problem p1 (and 1 more problems)" in said
    assert f"`ttc regrade {folder} golds={tmp_path / 'mine.jsonl'}`" in said
    assert regrade(tmp_path, tmp_path / "mine.jsonl") == 0
    assert "6 of 6 problems are in" in capsys.readouterr().out
    after = stored(folder, "grades")
    pd.testing.assert_frame_equal(stored(folder, "paths"), wanted["paths"])
    pd.testing.assert_frame_equal(
        after[after.grader == "math_verify"].reset_index(drop=True), wanted["grades"]
    )
    assert set(after[after.problem_id.isin(CORRECTED)].gold) == {"10"}
    assert set(after.grader) == {"math_verify", "exact"}
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "readout.parquet"), wanted_rows)
    assert not before.equals(wanted_rows)
    assert run(new, "uid") == 0
    assert "everything is done already" in capsys.readouterr().out


def test_stored_lines_with_the_earlier_golds_can_be_rescored_but_by_no_oracle(
    pool: Path, rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.jsonl").write_text("\n".join(map(json.dumps, correct(rows))))
    assert regrade(tmp_path, tmp_path / "new.jsonl") == 0
    grades = stored(pool, "grades")
    assert main(["rescore", str(pool), "prm=length"]) == 0
    pd.testing.assert_frame_equal(stored(pool, "grades"), grades)
    assert main(["rescore", str(pool), "prm=oracle"]) == 2
    assert "was graded with the gold answer '10'" in capsys.readouterr().err


@pytest.mark.parametrize("uid", ["uid", "null"])
def test_a_file_of_the_corrected_rows_alone_names_them_by_id_or_by_question(
    uid: str, rows: Rows, run: Launch, tmp_path: Path
) -> None:
    assert run(rows, uid) == 0
    (tmp_path / "pool").rename(tmp_path / "kept")
    for keys in [("uid", "gold"), ("task", "gold"), ("uid", "task", "gold")][uid == "null" :]:
        shutil.copytree(tmp_path / "kept", tmp_path / "pool", dirs_exist_ok=True)
        some = [{key: row[key] for key in keys} for row in correct(rows)[::-1] if row["uid"] in CORRECTED]
        file = tmp_path / "some.jsonl.gz"
        file.write_bytes(gzip.compress("\n".join(map(json.dumps, some)).encode()))
        assert regrade(tmp_path, file) == 0
        grades = stored(tmp_path / "pool", "grades")
        assert set(grades[grades.gold == "10"].problem_id) == set(CORRECTED if uid == "uid" else ("1", "4"))
        shutil.rmtree(tmp_path / "pool")


def test_a_named_grading_is_added_by_the_new_golds(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.csv").write_text("id,answer\np1,10\np99,3\n")
    words = ("columns.id=id", "columns.answer=answer", "answer_from=column", "readout.grader=exact")
    assert regrade(tmp_path, tmp_path / "new.csv", *words) == 0
    grades = stored(pool, "grades")
    assert "1 of 6 problems are in" in (said := capsys.readouterr().out)
    assert "(1 of its rows name none), 1 with another gold answer" in said
    own = grades[grades.problem_id == "p1"]
    assert set(zip(own.grader, own.gold, strict=True)) == {("exact", "10"), ("math_verify", "10")}


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("uid,gold\nx,#### 1\n", [], ["none of its 1 rows is a problem of"]),
        ("uid,task,gold\np1,another,#### 1\n", [], ["none of its 1 rows is a problem of"]),
        ("uid,gold\np1,#### 1\np1,#### 2\n", [], ["two answers for 'p1': 1 and 2"]),
        ("uid,gold\np1,7\np2,8\n", [], ["row 1: no answer behind '####'", "row 2: no answer behind '####'"]),
        (
            "a,b\n1,2\n",
            [],
            ["columns.id=uid: the data has no", "columns.question=task: the", "columns.answer=gold: the"],
        ),
        (
            "uid,gold\np1,#### 1\n",
            ["columns.question=q"],
            ["columns.question=q: the data has no such column"],
        ),
        ("uid,gold\np1,#### 1\n", ["dataset=other"], ["dataset=other: whose golds are they?"]),
    ],
)
def test_what_is_wrong_with_the_file_is_said_at_once_and_nothing_is_written(
    text: str,
    words: list[str],
    said: list[str],
    pool: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "new.csv").write_text(text)
    before = sorted(pool.glob("*/*"))
    capsys.readouterr()
    assert main(["regrade", str(pool), f"golds={tmp_path / 'new.csv'}", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))
    assert sorted(pool.glob("*/*")) == before
