"""Whole launches on fakes: equal results however they were made, nothing lost, honest exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import stored
from tests.faults.harness import wait_for
from ttc.commands.cli import main as ttc
from ttc.store import Folder
from ttc.store.schema import TABLES

GRID = ("-m", "strategy=greedy,best_of_n,beam,dvts", "n=1,4,16", "dataset.limit=6")
RATES = {"searches": ("seconds", "retries", "policy_rate", "prm_rate"), "scores": ("prm_rate",)}
REPO = Path(__file__).parents[1]


def assert_equal(one: Path, other: Path) -> None:
    """The two results folders hold the same rows; only clocks, and calls made again, may differ."""
    for table in TABLES:
        pd.testing.assert_frame_equal(
            stored(one, table, RATES.get(table, ())), stored(other, table, RATES.get(table, ()))
        )
    for name in ("answers", "readout", "readout_by"):
        a, b = (pd.read_parquet(folder / f"{name}.parquet") for folder in (one, other))
        pd.testing.assert_frame_equal(a, b)


def test_the_same_line_again_does_nothing_and_a_bigger_one_only_what_is_missing(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch(*GRID) == 0
    parts = len(list((tmp_path / "default" / "searches").iterdir()))
    assert launch(*GRID) == 0
    assert len(list((tmp_path / "default" / "searches").iterdir())) == parts
    bigger = [word.replace("1,4,16", "1,4,16,32").replace("=6", "=8") for word in GRID]
    assert launch(*bigger) == 0
    assert launch(*bigger, name="whole") == 0
    for table in ("paths", "scores", "grades", "steps"):
        drop = ("n",) if table == "paths" else ("prm_rate",) if table == "scores" else ()
        pd.testing.assert_frame_equal(
            stored(tmp_path / "default", table, drop), stored(tmp_path / "whole", table, drop)
        )
    runs = json.loads((tmp_path / "default" / "sweep.json").read_text())["runs"]
    assert [(run["status"], run["bill"]["searches"] > 0) for run in runs] == [
        ("done", True),
        ("done", False),
        ("done", True),
    ]


def test_every_answer_stands_with_its_own_problem(launch: Callable[..., int], tmp_path: Path) -> None:
    """The best path of each of 60 pools, chosen by hand: a table's rows have no order to rely on."""
    assert launch("-m", "n=4", "dataset.limit=30", "seed=0,1") == 0
    folder, pool = tmp_path / "default", ["problem_id", "seed"]
    paths = stored(folder, "paths").merge(stored(folder, "scores")[["path", "scores"]], on="path")
    paths = paths.merge(stored(folder, "grades")[["path", "verdict"]], on="path")
    paths = paths[paths["answer"].notna()].assign(last=lambda rows: rows["scores"].str[-1])
    best = (
        paths.sort_values("last", kind="stable")
        .groupby(pool)
        .tail(1)
        .set_index(pool)["verdict"]
        .astype(float)
    )
    answers = pd.read_parquet(folder / "answers.parquet").query("vote == 'best' and agg == 'last' and n == 4")
    read = answers[answers["subset"] == "prefix"].set_index(pool)["correct"]
    assert len(read) == 60
    assert (best == 0).sum() > 3, "otherwise a mix-up would not show"
    pd.testing.assert_series_equal(
        best.reindex(read.index, fill_value=0).sort_index(), read.sort_index(), check_names=False
    )


def test_a_folder_that_grew_reads_the_cells_of_all_its_grids(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch("n=4", "dataset.limit=6") == 0
    assert launch("n=16", "dataset.limit=4", "strategy=beam") == 0
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    assert set(zip(rows["strategy"], rows["n"], rows["problems"], strict=True)) == {
        ("best_of_n", 4, 6),
        ("beam", 16, 4),
    }


@pytest.mark.engines
def test_with_and_without_ray_with_one_shard_and_four_and_with_replicas(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch(*GRID, name="none") == 0
    for shards in (1, 4):
        replicas = [f"policy.replicas={min(shards, 2)}", f"prm.replicas={min(shards, 2)}"]
        words = ["cluster=local", f"cluster.shards={shards}", *replicas]
        assert launch(*GRID, *words, name=f"ray{shards}") == 0
        assert_equal(tmp_path / "none", tmp_path / f"ray{shards}")
    run = json.loads((tmp_path / "ray1" / "sweep.json").read_text())["runs"][0]
    assert run["ray_address"].count(":") == 1
    assert (tmp_path / "ray1" / "logs" / "policy-0.log").exists()


def test_another_verifier_scores_the_stored_pool(launch: Callable[..., int], tmp_path: Path) -> None:
    assert launch("n=8", "dataset.limit=3", "prm=none") == 0
    before = stored(tmp_path / "default", "paths")
    assert launch("n=8", "dataset.limit=3") == 0
    pd.testing.assert_frame_equal(stored(tmp_path / "default", "paths"), before)
    assert len(stored(tmp_path / "default", "scores")) == len(before)
    votes = (
        pd.read_parquet(tmp_path / "default" / "readout.parquet")
        .groupby("prm", dropna=False)["vote"]
        .agg(set)
    )
    assert votes["fake"] >= {"best", "weighted", "majority", "oracle"}
    assert votes[votes.index.isna()].iloc[0].isdisjoint({"best", "weighted"})


def test_verifiers_of_one_launch_score_the_pool_that_the_first_of_them_drew(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    grid = ("-m", "strategy=best_of_n", "dataset.limit=3", "prm=fake,length")
    assert launch(*grid, "n=4") == 0
    assert launch(*grid, "n=4,8") == 0  # a part of the pool was there, and a part is drawn
    assert launch("-m", *grid[1:3], "n=8", "prm=fake", name="apart") == 0
    assert launch("-m", *grid[1:3], "n=8", "prm=length", name="apart") == 0
    for table in ("paths", "scores"):
        drop = ("n",) if table == "paths" else ("prm_rate",)
        pd.testing.assert_frame_equal(
            stored(tmp_path / "default", table, drop), stored(tmp_path / "apart", table, drop)
        )
    assert len(stored(tmp_path / "default", "scores")) == 2 * 3 * 8


def test_no_text_is_read_where_nothing_is_to_be_scored(
    launch: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(self: Folder, table: str, columns: Sequence[str], *rest: Any, **named: Any) -> Any:
        asked.append(columns)
        return read(self, table, columns, *rest, **named)

    asked: list[Sequence[str]] = []
    read = Folder.read
    assert launch("n=4", "dataset.limit=2") == 0
    monkeypatch.setattr(Folder, "read", watched)
    for prm, texts in (("fake", 0), ("length", 1)):
        asked.clear()
        assert launch("n=4", "dataset.limit=2", f"prm={prm}", "plan_only=true") == 0
        assert sum("steps" in columns for columns in asked) == texts


def test_a_folder_of_another_version_is_refused_in_a_line_by_a_launch_and_by_compare(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("n=2", "dataset.limit=1")
    assert launch(*line) == 0
    file = tmp_path / "default" / "sweep.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 1}))
    capsys.readouterr()
    for refused in (
        lambda: launch(*line),
        lambda: launch(*line, "plan_only=true"),
        lambda: ttc(["compare", str(tmp_path / "default")]),
    ):
        assert refused() == 2
        assert capsys.readouterr().err.splitlines() == [
            f"error: {tmp_path / 'default'} was written by ttc's schema 1, and this version reads 2: "
            "take another name=, or read it with the version that wrote it"
        ]
    assert len(json.loads(file.read_text())["runs"]) == 1


LONG = ("-m", "strategy=best_of_n,beam", "n=2", "dataset.limit=120")
"""240 searches: parts are committed while it runs."""


def process(folder: Path) -> subprocess.Popen[str]:
    slow = ["policy.latency=0.2", "cluster.paths=32", "cluster=none"]
    names = ["policy=fake", "prm=fake", f"results_dir={folder}", "name=x"]
    command = [sys.executable, "launch.py", *LONG, *slow, *names]
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    return subprocess.Popen(
        command, cwd=REPO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def parts(folder: Path) -> int:
    return len(list((folder / "x" / "searches").glob("*.parquet")))


def test_killed_at_any_moment_and_run_again_equals_undisturbed(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    for _ in range(2):
        before = parts(folder)
        running = process(folder)
        wait_for(lambda before=before: parts(folder) > before)
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert 0 < len(stored(folder / "x", "searches")) < 2 * 120
    assert launch(*LONG, f"results_dir={folder}", name="x") == 0
    assert launch(*LONG, name="undisturbed") == 0
    assert_equal(folder / "x", tmp_path / "undisturbed")


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_keeps_what_is_finished(name: signal.Signals, tmp_path: Path) -> None:
    running = process(tmp_path)
    wait_for(lambda: parts(tmp_path) > 0)
    running.send_signal(name)
    _, error = running.communicate(timeout=30)
    assert running.returncode == 130
    assert error.splitlines() == ["interrupted: finished searches are kept; the same line goes on from here"]
    assert 0 < len(stored(tmp_path / "x", "searches")) < 2 * 120
    assert json.loads((tmp_path / "x" / "sweep.json").read_text())["runs"][0]["status"] == "interrupted"


def test_a_figure_that_nothing_stands_behind_says_why_and_which_key_to_turn(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("-m", "strategy=best_of_n,beam", "n=4", "dataset.limit=5", "max_tokens=20")
    assert launch(*words) == 0
    said = capsys.readouterr().out
    assert said.count("headline, 100% cut") == 2
    assert "doubtful: best_of_n@4, beam@4: 100% of the paths were cut at 20 tokens: raise max_tokens" in said
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    assert rows[["share_cut", "share_no_answer"]].eq(1).all(axis=None)
    for ask in (["compare", "", "best_of_n@4", "beam@4"], ["compare", ""], ["optimal", ""]):
        assert ttc([word or str(tmp_path / "default") for word in ask]) == 0
        assert "100% of the paths were cut at 20 tokens" in capsys.readouterr().out
    assert launch(*words, "readout.doubts.cut=1", "readout.doubts.no_answer=1") == 0
    assert "doubtful" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "mark", "marked", "said"),
    [
        ("policy.context=12", "too long", 4, "of the searches asked nothing and count as wrong"),
        ("prm.context=20", "unscored", 2, "of the paths have no score, being too long for prm=fake"),
    ],
)
def test_what_does_not_fit_a_context_is_a_doubt(
    word: str,
    mark: str,
    marked: int,
    said: str,
    launch: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert launch("strategy=best_of_n", "n=4", "dataset.limit=5", word) == 0
    out = capsys.readouterr().out
    assert f"doubtful: best_of_n@4: 100% {said}" in out
    assert out.count(f", 100% {mark}") == marked


def test_failed_searches_are_counted_shown_and_tried_again(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("n=4", "dataset.limit=12", "policy.fail_rate=0.7") == 1
    out = capsys.readouterr().out
    searches = stored(tmp_path / "default", "searches")
    failed = searches[searches["status"] == "failed"]
    assert 0 < len(failed) < 12
    assert f"{len(failed)} search" in out
    assert "a fault to order" in out
    assert failed["reason"].str.startswith("TransientError: a fault to order").all()
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    assert (rows["status"] == "incomplete").all()
    assert rows["accuracy"].isna().all()
    assert launch("n=4", "dataset.limit=12") == 0
    assert launch("n=4", "dataset.limit=12", name="undisturbed") == 0
    assert_equal(tmp_path / "default", tmp_path / "undisturbed")


def test_a_problem_longer_than_the_context_is_a_row_that_says_so(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch("n=4", "dataset.limit=10", "policy.context=150") == 0
    searches = stored(tmp_path / "default", "searches")
    long = searches[searches["status"] == "too_long"]
    assert 0 < len(long) < 10
    assert long["reason"].str.contains("tokens and the context 150").all()
    answers = pd.read_parquet(tmp_path / "default" / "answers.parquet")
    assert answers.groupby(["vote", "agg", "subset"], dropna=False)["problem_id"].nunique().eq(10).all()
    assert (answers[answers["problem_id"].isin(long["problem_id"])]["correct"] == 0).all()


def test_plan_only_writes_nothing(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("plan_only=true", *GRID) == 0
    assert "to do: " in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_changed_content_under_one_name_replaces_its_cells(
    launch: Callable[..., int], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("data") / "mine.jsonl"
    for question in ("1+1?", "1+2?"):
        file.write_text(json.dumps({"question": question, "answer": "2"}) + "\n")
        assert launch("dataset=path", f"dataset.path={file}", "n=4") == 0
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    assert not rows.duplicated(["strategy", "variant", "n", "vote", "agg", "subset"]).any()
    assert len(stored(tmp_path / "default", "paths")) == 8
