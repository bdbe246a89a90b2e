"""`ttc.load`: frames with what the folder has, questions with what the commands answer, faults in a line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import ttc
from tests.hand import CELLS, POOL, TREE, HandFolder, change, pool
from tests.test_cli import HEAVY
from tests.test_report import TABLE
from ttc.commands.cli import main
from ttc.report.tables import Table, to_html
from ttc.store.schema import SCHEMA_VERSION, TABLES
from ttc.studies.study import BESIDE, Study
from ttc.types import UserError

ORACLE = change(TREE, cell="seen-4", family="seen", n=4, width=4, unit=4, gold=True, prm="oracle")
LATER = change(POOL, cell="later-4", family="later", variant="top_p=0.9", top_p=0.9)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool at 1, 2 and 4; a search that had seen the gold answers; one that is not done yet."""
    made = HandFolder(tmp_path_factory.mktemp("study") / "x")
    pool(made)
    pool(made, ORACLE)
    made.commit(*CELLS, ORACLE, LATER)
    made.rows_of()
    return made.path


@pytest.fixture
def study(place: Path) -> Study:
    return ttc.load(place)


def test_import_ttc_imports_nothing_heavy() -> None:
    code = f"import sys, ttc; ttc.load; print(sorted({HEAVY!r} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_tables_are_read_when_they_are_asked_for_and_have_arrows_types(study: Study) -> None:
    assert not {*TABLES, *BESIDE} & {*vars(study)}
    assert study.paths is study.paths
    for name in (*TABLES, "answers", "problems", "cells"):
        frame, table = getattr(study, name), study.arrow(name)
        assert (len(frame), list(frame)) == (table.num_rows, table.column_names)
        assert all(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes)
        assert [kind.pyarrow_dtype for kind in frame.dtypes] == table.schema.types
    assert len(study.paths) == 16
    assert study.arrow("paths", ["answer", "unit"]).column_names == ["answer", "unit"]
    assert [run["status"] for run in study.runs] == ["done"]


def test_cells_are_the_declared_votes_and_one_that_has_none_is_an_upper_bound(study: Study) -> None:
    columns = ["name", "headline", "upper_bound", "missing"]
    assert study.cells[columns].to_numpy().tolist() == [
        ["dvts+prm=oracle@4:weighted/last", False, True, 0],
        ["best_of_n+prm=ver@1:weighted/last", True, False, 0],
        ["best_of_n+prm=ver@2:weighted/last", True, False, 0],
        ["best_of_n+prm=ver@4:weighted/last", True, False, 0],
        ["best_of_n+top_p=0.9+prm=ver@4:weighted/last", True, False, 2],
    ]
    assert study.cells["accuracy"].isna().tolist() == [False, False, False, False, True]


def read(rows: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return [*rows[[*columns]].itertuples(index=False, name=None)]


def test_accuracy_is_read_as_declared_unless_another_reading_is_named(study: Study) -> None:
    usual = {"n": 4, "strategy": "best_of_n", "status": "complete"}
    votes = read(study.accuracy(**usual), "vote", "subset", "accuracy")
    expected = [("weighted", 0.5), ("best", 1.0), ("majority", 0.0)]
    expected += [("short_1", 0.0), ("short_3", 0.0), ("short_5", 0.0), ("longest", 0.5), ("first_3", 0.0)]
    expected += [("oracle", 1.0)]
    assert votes == [(vote, "resample", accuracy) for vote, accuracy in expected]
    other = study.accuracy(**usual, agg="min", subset="prefix", vote=["best", "weighted"])
    assert read(other, "name", "subset") == [
        (f"best_of_n+prm=ver@4:{vote}/min", "prefix") for vote in ("weighted", "best")
    ]
    by_level = study.accuracy(n=[1, 2], vote="majority", subset="prefix", by="level")
    assert read(by_level, "n", "level", "accuracy") == [(1, 1, 1.0), (1, 2, 0.0), (2, 1, 1.0), (2, 2, 0.0)]
    assert read(study.accuracy(**usual, vote="best", by="seed"), "seed", "accuracy") == [(0, 1.0)]
    assert "seed" not in by_level


def test_a_comparison_is_that_of_the_command(study: Study) -> None:
    names = study.cells["name"][1:4].tolist()
    compared = study.compare(*names)
    assert not study.folder.has("compare.parquet")
    assert main(["compare", str(study.folder), *names]) == 0
    pd.testing.assert_frame_equal(compared, study.folder.frame("compare"))
    study.folder.local("compare.parquet").unlink()


def test_a_tree_is_found_by_its_problem_and_its_cell(study: Study) -> None:
    tree = study.tree("q", n=4)
    assert (tree.cell, tree.problem_key, tree.seed) == ("seen-4", "q", 0)  # the guided one
    tree = study.tree("p", strategy="best_of_n", n=2, temperature=0.8, seed=0)
    assert (tree.cell, [leaf.answer for leaf in tree.leaves]) == ("bon-2", ["1", "2"])
    assert [vote.answer for vote in tree.votes if vote.headline] == ["1"]


def test_a_notebook_shows_the_headlines(study: Study) -> None:
    assert repr(study) == f"{study.folder}: 5 cells, 2 problems, 0 to 1 seed"
    shown = study._repr_html_()
    assert shown.count("<tr>") == 2 + 5  # two tables, of two verifiers
    assert ">25.0</td>" in shown
    assert ">upper bound, 12% unscored</td>" in shown
    assert ">incomplete</td>" in shown


def test_in_html_all_text_is_escaped() -> None:
    row = {"name": "</td><script>1</script>\u202e\x00", "vote": "<img src=x onerror=alert(1)>", "n": 4}
    shown = to_html(Table("x", TABLE.columns, [*TABLE.rows, row], "a<b", ["& so"]))
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;1&lt;/script&gt;\\u202e\\x00</td>" in shown
    assert "<caption>a&lt;b</caption>" in shown
    assert "<p>&amp; so</p>" in shown
    assert shown.count('<td style="text-align: right">') == 4 * 4  # numbers stand right


@pytest.mark.parametrize(
    ("ask", "lines"),
    [
        (
            lambda study: study.accuracy(n=7, vote=["best", "x"]),
            ["n=7: there is no such row; take one of 1", "vote=x: "],
        ),
        (
            lambda study: study.accuracy(stratgy="beam"),
            ["stratgy: no such column; did you mean strategy?; there are name"],
        ),
        (lambda study: study.accuracy(by="problem"), ["by=problem: take level or seed"]),
        (lambda study: study.arrow("path"), ["path: no such table; take one of cells, problems, "]),
        (lambda study: study.arrow("paths", ["x", "y"]), ["paths has no column x", "paths has no column y"]),
        (lambda study: study.tree("r"), ["r: no problem has this id, key or place; there is #1 p"]),
        (lambda study: study.tree(""), [": no problem has this id, key or place"]),
        (lambda study: study.tree("p", strategy="beam"), ["strategy=beam: no such cell; there is "]),
        (lambda study: study.tree("p", strategy="dvts", n=2), ["strategy=dvts n=2: no such cell"]),
        (lambda study: study.tree("p", seed=3), ["seed=3: dvts n=4 has 0"]),
        (lambda study: study.compare(), ["compare: name at least two cells"]),
        (lambda study: study.compare("best_of_n@2"), ["best_of_n@2: name at least two cells"]),
        (
            lambda study: study.compare("best_of_n@2", "best_of_n@3"),
            ["best_of_n@3: no such cell; take one of "],
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_is(study: Study, ask, lines: list[str]) -> None:
    with pytest.raises(UserError) as error:
        ask(study)
    said = str(error.value).splitlines()
    assert len(said) == len(lines)
    assert all(one.startswith(line) for one, line in zip(said, lines, strict=True))


def broken(place: Path, copy: Path, how: str) -> Path:
    shutil.copytree(place, copy)
    if how == "half of it":
        data = (copy / "readout.parquet").read_bytes()
        (copy / "readout.parquet").write_bytes(data[: len(data) // 2])
    elif how == "another version":
        text = (copy / "sweep.json").read_text()
        (copy / "sweep.json").write_text(text.replace(f'"schema": {SCHEMA_VERSION}', '"schema": 1'))
    elif how == "no sweep.json":
        (copy / "sweep.json").write_text("{")
    return copy if how != "gone" else copy / "gone"


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ("gone", "no results here"),
        ("half of it", "a file is damaged"),
        ("another version", "was written by ttc's schema 1"),
        ("no sweep.json", "sweep.json: not as ttc writes it"),
    ],
)
def test_a_folder_that_is_no_result_is_a_line(how: str, fault: str, place: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=fault) as error:
        ttc.load(broken(place, tmp_path / "copy", how))
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_folder_that_no_launch_read_out_is_read_out_when_it_is_loaded(place: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place, tmp_path / "copy"))
    (copy / "readout.parquet").unlink()
    assert ttc.load(copy).cells.equals(ttc.load(place).cells)
