"""problems.parquet: the questions and gold answers behind a folder's keys, whoever filled the folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttc.commands.cli import main
from ttc.data.problems import key_of
from ttc.store import Folder
from ttc.store.problems import FILE, SCHEMA, Named, add_problems, correct_golds, read_problems
from ttc.types import Problem

MINE = ("strategy=best_of_n", "n=2", "dataset=path", "dataset.name=mine")


@pytest.fixture
def run(launch: Callable[..., int], tmp_path: Path) -> Callable[..., int]:
    """A launch on questions with these gold answers."""

    def run(golds: dict[str, str], *words: str) -> int:
        file = tmp_path / "mine.jsonl"
        file.write_text(
            "".join(json.dumps({"question": f"{q}?", "answer": a}) + "\n" for q, a in golds.items())
        )
        return launch(*MINE, f"dataset.path={file}", *words, name="x")

    return run


def golds(folder: Path) -> dict[str, str]:
    return {row["question"]: row["gold"] for row in read_problems(Folder(folder)).to_pylist()}


def test_a_launch_writes_its_problems_once_and_unites_them_with_what_is_there(
    run: Callable[..., int], tmp_path: Path
) -> None:
    folder = tmp_path / "x"
    assert run({"b": "1", "a": "2"}, "dataset.limit=1") == 0
    assert golds(folder) == {"b?": "1"}
    assert run({"b": "1", "a": "2"}) == 0
    assert [*golds(folder).items()] == [("b?", "1"), ("a?", "2")]
    keys = {row["problem_key"] for row in Folder(folder).read("paths").to_pylist()}
    assert keys == {*read_problems(Folder(folder))["problem_key"].to_pylist()}
    before = (folder / "problems.parquet").stat().st_ino
    assert run({"b": "1", "a": "2"}) == 0
    assert run({"b": "1", "a": "2"}, "dataset.limit=1", "seed=1") == 0
    assert (folder / "problems.parquet").stat().st_ino == before  # nothing is new, so nothing is written
    (folder / "problems.parquet").write_bytes(b"PAR1")
    assert run({"b": "1", "a": "2"}) == 0
    assert golds(folder) == {"b?": "1", "a?": "2"}


def test_a_corrected_gold_answer_counts_whatever_is_said_again_of_the_old_line(
    run: Callable[..., int], tmp_path: Path
) -> None:
    folder = tmp_path / "x"
    assert run({"a": "1", "b": "2"}, "prm=none") == 0
    corrected = tmp_path / "golds.jsonl"
    corrected.write_text(json.dumps({"question": "a?", "answer": "7"}))
    assert main(["regrade", str(folder), f"golds={corrected}", "columns.question=question"]) == 0
    assert golds(folder) == {"a?": "7", "b?": "2"}
    assert main(["rescore", str(folder), "prm=fake", "cluster=none"]) == 0  # its line has the old answers
    assert golds(folder) == {"a?": "7", "b?": "2"}


def test_an_import_writes_its_problems_too(tmp_path: Path) -> None:
    file = tmp_path / "best_of_n.jsonl"
    row: dict[str, Any] = {"problem": "How many?", "answer": "3", "unique_id": "u", "level": 2}
    file.write_text(json.dumps(row | {"completions": ["\\boxed{3}"], "scores": [[0.5]]}))
    words = ("policy=p", "dataset=d", "name=x", f"results_dir={tmp_path}", "readout.grader=exact")
    assert main(["import", "sal", str(file), *words]) == 0
    key = key_of(Problem("u", "How many?", "3"))
    wanted = {"dataset": "d", "problem_key": key, "problem_id": "u", "level": 2}
    assert read_problems(Folder(tmp_path / "x")).to_pylist() == [
        wanted | {"question": "How many?", "gold": "3"}
    ]


NAMED = st.tuples(st.sampled_from("dD"), st.sampled_from("abc"), st.sampled_from("123"))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.lists(NAMED, max_size=5), st.sampled_from(["earlier", "later"])), max_size=4))
def test_of_two_rows_of_one_problem_the_right_one_stays_at_its_place(
    tmp_path_factory: pytest.TempPathFactory, launches: list[tuple[list[tuple[str, str, str]], Any]]
) -> None:
    folder, wanted = Folder(tmp_path_factory.mktemp("x")), dict[tuple[str, str], str]()
    for named, keep in launches:
        problems: list[Named] = [(dataset, key, Problem(key, key, gold)) for dataset, key, gold in named]
        add_problems(folder, problems, keep)
        for dataset, key, gold in named:
            wanted[dataset, key] = wanted.get((dataset, key), gold) if keep == "earlier" else gold
    rows = read_problems(folder).to_pylist()
    assert [((row["dataset"], row["problem_key"]), row["gold"]) for row in rows] == [*wanted.items()]
    correct_golds(folder, "d", {"a": "9", "z": "8"})
    changed = {name: "9" if name == ("d", "a") else gold for name, gold in wanted.items()}
    assert [row["gold"] for row in read_problems(folder, ["a", "b", "c"]).to_pylist()] == [*changed.values()]


def test_a_folder_without_the_file_has_no_rows(tmp_path: Path) -> None:
    assert read_problems(Folder(tmp_path)).equals(SCHEMA.empty_table())
    correct_golds(Folder(tmp_path), "d", {"a": "1"})
    assert not Folder(tmp_path).has(f"{FILE}.parquet")
