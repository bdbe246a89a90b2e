"""Datasets as others publish them: those known by name, on copies of them; folders, and the Hub."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import data_file
from tests.test_problems import ROWS, chosen, refusal
from ttc.data.problems import load_problems
from ttc.settings.build import build
from ttc.settings.compose import compose
from ttc.settings.schema import DatasetConfig

# --- The shipped datasets, on copies of them -------------------------------------------------------------


def copy(name: str, file: str, *words: str) -> tuple[DatasetConfig, list[dict[str, Any]]]:
    """A shipped dataset's mapping on a copy, and the copy's rows."""
    path = data_file(file)
    [point] = compose([f"dataset={name}", f"dataset.path={path}", *words])
    raw = [json.loads(line) for line in path.read_text().splitlines()]
    return build(DatasetConfig, point["dataset"]), raw


def test_math500_has_its_levels_and_subjects() -> None:
    config, raw = copy("math500", "math500.jsonl")
    problems = load_problems(config)
    assert Counter(problem.level for problem in problems) == {1: 43, 2: 90, 3: 105, 4: 128, 5: 134}
    assert [problem.id for problem in problems] == [row["unique_id"] for row in raw]
    assert {problem.subject for problem in problems} >= {"Algebra", "Counting & Probability"}


def test_the_answers_of_gsm8k_stand_behind_the_hashes() -> None:
    config, raw = copy("gsm8k", "gsm8k_test.jsonl")
    assert [problem.answer for problem in load_problems(config)] == [
        row["final"].replace(",", "") for row in raw
    ]


def test_the_answers_of_math_stand_in_the_boxes_of_its_solutions() -> None:
    config, raw = copy("math", "math_test5000.jsonl", "dataset.columns.subject=subject")
    problems = load_problems(config)
    assert [problem.answer for problem in problems] == [row["answer"].strip() for row in raw]
    assert Counter(problem.level for problem in problems)[5] == 1324


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [("aime24", 30, ()), ("aime25", 30, ()), ("amc23", 40, ("dataset.columns.question=problem",))],
)
def test_the_competitions(name: str, count: int, words: tuple[str, ...]) -> None:
    config, raw = copy(name, f"{name}.jsonl", *words)
    problems = load_problems(config)
    assert len(problems) == count
    assert [(p.id, p.answer) for p in problems] == [(row["id"], str(row["answer"])) for row in raw]


# --- The Hub ------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Hub's cache, empty, and no network."""
    import datasets
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "arrow")
    return tmp_path / "hub"


COMMIT = "0" * 40


def cached(hub: Path) -> None:
    """What `hf download --repo-type dataset org/some` leaves: a commit with a card and a file a split."""
    folder = hub / "datasets--org--some"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    files = folder / "snapshots" / COMMIT
    files.mkdir(parents=True)
    splits = [("test", "test.jsonl"), ("train", "train.jsonl")]
    listed = "".join(f"  - split: {split}\n    path: {file}\n" for split, file in splits)
    (files / "README.md").write_text(f"---\nconfigs:\n- config_name: main\n  data_files:\n{listed}---\n")
    for split, file in splits:
        rows = [{"question": f"{split} {i}", "answer": str(i)} for i in range(3)]
        (files / file).write_text("\n".join(map(json.dumps, rows)))


def test_a_downloaded_dataset_needs_no_network(hub: Path) -> None:
    cached(hub)
    assert chosen(DatasetConfig(path="org/some", split="test")) == ["test 0", "test 1", "test 2"]
    [line] = refusal(DatasetConfig(path="org/some", config="other"))
    assert line.startswith("dataset.path=org/some dataset.config=other dataset.split=test: ")
    assert "main" in line
    [line] = refusal(DatasetConfig(path="org/some", split="dev"))
    assert "dataset.split=dev" in line
    assert "train" in line


def test_a_cached_commit_is_kept_where_there_is_a_network(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import HfApi

    asked: list[Any] = []

    def load(where: str, *_: Any, revision: str | None, **__: Any) -> list[dict[str, str]]:
        asked.append((where, revision))
        return [{"question": "q", "answer": "1"}]

    monkeypatch.setattr(HfApi, "dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(datasets, "load_dataset", load)
    load_problems(DatasetConfig(path="org/some"))
    cached(hub)
    load_problems(DatasetConfig(path="org/some"))
    assert asked == [("org/some", None), ("org/some", COMMIT)]


def test_a_folder_laid_out_as_on_the_hub_or_saved_by_its_library_is_a_dataset(
    hub: Path, tmp_path: Path
) -> None:
    import datasets

    cached(hub)
    [folder] = hub.glob("*/snapshots/*")
    assert chosen(DatasetConfig(path=str(folder), split="train", limit=1)) == ["train 0"]
    saved = datasets.Dataset.from_list(ROWS)
    saved.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"test": saved.select([1])}).save_to_disk(tmp_path / "splits")
    assert chosen(DatasetConfig(path=str(tmp_path / "one"))) == [f"q{i}" for i in range(6)]
    assert chosen(DatasetConfig(path=str(tmp_path / "splits"))) == ["q1"]


def test_without_a_network_and_a_copy_it_says_what_to_download(hub: Path) -> None:
    [line] = refusal(DatasetConfig(path="org/some"))
    assert line.startswith("dataset.path=org/some: not in the cache, and the Hub cannot be reached")
    assert "`hf download --repo-type dataset org/some`" in line
    assert "HF_HOME" in line


def test_what_the_hub_does_not_have_or_keeps_closed(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    def missing(*_: Any, **__: Any) -> None:
        raise RepositoryNotFoundError("404", response=SimpleNamespace(headers={}, request=None))

    def gated(*_: Any, **__: Any) -> None:
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'org/some' is a gated dataset on the Hub.")

    monkeypatch.setattr(HfApi, "dataset_info", missing)
    [line] = refusal(DatasetConfig(path="org/some"))
    assert line == (
        "dataset.path=org/some: neither a file here nor a dataset of the Hub (private ones need HF_TOKEN)"
    )
    monkeypatch.setattr(HfApi, "dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(datasets, "load_dataset", gated)
    [line] = refusal(DatasetConfig(path="org/some"))
    assert "accept the terms at https://huggingface.co/datasets/org/some and set HF_TOKEN" in line


def test_a_folder_is_read_as_its_file_is(tmp_path: Path, hub: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "test.csv").write_text("question,answer\na,007\nb,9007199254740993\nc,NA\nd,0.50\n")
    golds = [problem.answer for problem in load_problems(DatasetConfig(path=str(tmp_path / "own")))]
    assert golds == ["007", "9007199254740993", "NA", "0.50"]
