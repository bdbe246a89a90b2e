"""Another grading of stored paths: rows are added, none changes, and the disagreements are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from tests.conftest import stored
from ttc.commands import regrade as module
from ttc.commands.cli import main
from ttc.commands.regrade import disagreements
from ttc.grading import extract, make_grader
from ttc.store import Folder, seal


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTC_CACHE", "off")


@pytest.fixture
def pool(launch: Callable[..., int], tmp_path: Path) -> Path:
    line = ("strategy=best_of_n", "n=4", "seeds=[0,1]", "dataset.limit=4", "prm=none")
    assert launch(*line, name="pool") == 0
    return tmp_path / "pool"


def again(folder: Path, *words: str) -> int:
    return main(["regrade", str(folder), *words])


def parts(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.glob("*/*.parquet"))


def rewrite(folder: Path, column: str, change: Callable[[dict[str, object]], object]) -> None:
    """Changes the stored grades, as an older or another grader would have written them."""
    with Folder(folder).held() as held:
        table = held.read("grades")
        place = table.schema.get_field_index(column)
        values = pa.array([change(row) for row in table.to_pylist()], table.schema.field(place).type)
        held.commit(seal({"grades": table.set_column(place, column, values)}))


def test_rows_are_added_and_are_those_that_the_grader_gives(pool: Path) -> None:
    before, paths = stored(pool, "grades"), stored(pool, "paths")
    assert again(pool, "readout.grader=exact", "readout.extract=last_number") == 0
    after = stored(pool, "grades")
    old, new = after[after.grader == "math_verify"], after[after.grader == "exact"]
    pd.testing.assert_frame_equal(old.reset_index(drop=True), before)
    pd.testing.assert_frame_equal(stored(pool, "paths"), paths)
    assert len(new) == len(old) == 32
    text = {row.path: "".join(row.steps) for row in paths.itertuples()}
    gold = dict(zip(old.path, old.gold, strict=True))
    for row in new.itertuples():
        answer = extract(text[row.path], "last_number")
        assert (row.extract, row.gold) == ("last_number", gold[row.path])
        assert row.answer == answer if answer else pd.isna(row.answer)
        assert row.version == make_grader("exact").version
    shared = ["family", "seed", "problem_id", "dataset", "path"]
    pd.testing.assert_frame_equal(new[shared].reset_index(drop=True), old[shared].reset_index(drop=True))


def test_verdicts_of_an_earlier_version_are_given_again(pool: Path) -> None:
    rewrite(pool, "version", lambda row: "0")
    rewrite(pool, "verdict", lambda row: not row["verdict"])
    assert again(pool, "readout.grader=math_verify") == 0
    rows = stored(pool, "grades").groupby("path", sort=False).last()
    assert set(rows.version) == {make_grader("math_verify").version}
    assert list(rows.verdict) == [answer == gold for answer, gold in zip(rows.answer, rows.gold, strict=True)]


def test_the_same_line_again_does_what_is_missing_and_nothing_else(
    pool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = parts(pool)
    assert again(pool, "readout.grader=exact") == 0
    whole, added = stored(pool, "grades"), [part for part in parts(pool) if part not in before]
    assert {part.split("/")[0] for part in added} == {"grades", "searches"}
    assert again(pool, "readout.grader=exact") == 0
    assert "0 paths graded, 32 had been" in capsys.readouterr().out
    assert parts(pool) == sorted([*before, *added])
    for part in added:
        (pool / part).unlink()
    assert again(pool, "readout.grader=exact") == 0
    pd.testing.assert_frame_equal(stored(pool, "grades"), whole)


def test_another_thinking_tag_is_another_reading_beside_the_first(pool: Path) -> None:
    assert again(pool, "readout.thinking=[plan]") == 0
    readings = stored(pool, "grades").groupby("extract")["path"].nunique()
    assert readings.to_dict() == {"boxed": 32, "boxed | plan": 32}


def test_what_is_graded_before_an_interruption_is_kept(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 8)
    grade, calls = module._grade, []

    async def interrupted(*given: object) -> list[dict[str, object]]:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return await grade(*given)

    monkeypatch.setattr(module, "_grade", interrupted)
    assert again(pool, "readout.grader=exact") == 130
    assert (stored(pool, "grades").grader == "exact").sum() == 16
    monkeypatch.setattr(module, "_grade", grade)
    assert again(pool, "readout.grader=exact") == 0
    assert (stored(pool, "grades").grader == "exact").sum() == 32


def test_disagreements_are_counted_and_listed(pool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(pool, "verdict", lambda row: True)
    assert again(pool, "readout.grader=exact") == 0
    said = capsys.readouterr().out
    grades = stored(pool, "grades")
    wrong = grades[(grades.grader == "exact") & ~grades.verdict]
    rows = pd.read_parquet(pool / "disagreements.parquet")
    assert 0 < len(wrong) == rows.paths.sum()
    assert (rows.verdict_a & ~rows.verdict_b).all()
    assert f"{100 * (32 - len(wrong)) / 32:.2f} %" in said
    assert f"{rows.paths[0]} x gold {rows.gold[0]!r}; math_verify boxed reads" in said


def test_two_gradings_are_paired_by_path() -> None:
    def graded(grader: str, rule: str, *verdicts: tuple[str, str | None, bool]) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    "path": path,
                    "grader": grader,
                    "extract": rule,
                    "gold": "1",
                    "answer": answer,
                    "verdict": right,
                }
                for path, answer, right in verdicts
            ]
        )

    a = graded(
        "exact", "boxed", ("p", "1", True), ("q", "1.0 m", False), ("r", None, False), ("s", None, False)
    )
    b = graded(
        "math_verify", "boxed", ("s", None, False), ("q", "1.0 m", True), ("r", "1", True), ("t", "1", True)
    )
    pairs, where = disagreements(pd.concat([a, b]))
    (pair,) = pairs.to_dict("records")
    assert (pair["a"], pair["b"]) == ("exact boxed", "math_verify boxed")
    assert [pair[key] for key in ("paths", "agree", "right_a", "right_b", "only_a", "only_b")] == [
        3,
        1,
        0,
        2,
        0,
        2,
    ]
    assert sorted(zip(where.answer_a.fillna("-"), where.answer_b, where.paths, strict=True)) == [
        ("-", "1", 1),
        ("1.0 m", "1.0 m", 1),
    ]


def test_a_folder_whose_rows_have_no_gold_answer_is_refused(
    pool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(pool, "gold", lambda row: None)
    before = parts(pool)
    assert again(pool, "readout.grader=exact") == 2
    assert "its grades tell no gold answers" in capsys.readouterr().err
    assert parts(pool) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a grading, as in"),
        (["readout.grader=exakt"], "readout.grader='exakt': must be 'math_verify', 'exact' or 'numeric'"),
        (
            ["readout.extract=box"],
            "readout.extract='box': must be 'boxed', 'concluded', 'last_number' or 'sal'",
        ),
        (["n=4"], "n: unknown key; known keys: readout.grader, readout.extract"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again(tmp_path, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_folder_without_results_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(tmp_path / "none", "readout.grader=exact") == 2
    assert "no results here" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
