"""The real stack once: Hydra, Ray, two vLLM engines, the embedded models, Parquet, table and picture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

from tests.browser import browser, opened
from tests.conftest import stored

pytestmark = pytest.mark.engines


REPO = Path(__file__).parents[1]
GRID = ["-m", "strategy=best_of_n,beam,dvts", "n=1,4", "dataset.limit=5"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    done = subprocess.run(
        [sys.executable, "launch.py", *GRID, f"results_dir={results}"],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "", "what ray, vllm and transformers log belongs into logs/"
    assert done.stdout.startswith("4 cells on 5 problems, 1 seed, limit=5\n")
    assert "INFO" not in done.stdout
    return results / "default"


def test_every_cell_has_its_rows_with_costs(folder: Path) -> None:
    rows = pd.read_parquet(folder / "readout.parquet")
    headline = rows[rows["headline"]].set_index(["strategy", "n"])
    assert set(headline.index) == {("best_of_n", 1), ("best_of_n", 4), ("beam", 4), ("dvts", 4)}
    costs = headline[["generated_tokens", "policy_tokens", "prm_tokens", "flops", "seconds"]]
    assert (costs > 0).all(axis=None)
    assert (headline["policy_tokens"] > headline["generated_tokens"]).all()
    assert headline["accuracy"].between(0, 1).all()
    assert (folder / "plots" / "accuracy.png").stat().st_size > 10_000


def test_the_policy_writes_steps_and_boxed_answers(folder: Path) -> None:
    paths = stored(folder, "paths")
    assert (paths["finish"] == "eos").mean() > 0.9
    assert paths["answer"].notna().mean() > 0.9
    inner = [step for steps in paths["steps"] for step in steps[:-1]]
    assert all(step.endswith("\n\n") for step in inner)


def test_every_step_of_every_path_has_a_score(folder: Path) -> None:
    paths = stored(folder, "paths").set_index("path")["steps"]
    scores = stored(folder, "scores").set_index("path")["scores"]
    counts = {path: sum(bool(step.strip()) for step in steps) for path, steps in paths.items()}
    assert {path: len(found) for path, found in scores.items()} == counts
    assert all(0 <= score <= 1 for found in scores for score in found)


def test_strategies_share_the_first_steps_and_the_verifier_knows(folder: Path) -> None:
    searches = stored(folder, "searches")
    assert searches["prm_shared"].sum() > 0
    assert searches["prompt_cached"].sum() > 0
    steps = stored(folder, "steps")
    first = steps[steps["step"] == 0].groupby(["problem_key", "address"])["text"].nunique()
    assert (first == 1).mean() > 0.9  # one random tree; another batch may flip a token


def test_duckdb_and_polars_read_the_folder_as_it_is(folder: Path) -> None:
    file = str(folder / "readout.parquet")
    count = len(pd.read_parquet(file))
    assert duckdb.sql(f"select count(*) from '{file}' where n in (1, 4)").fetchone() == (count,)
    assert len(pl.read_parquet(file)) == count
    parts = str(folder / "paths" / "*.parquet")
    assert duckdb.sql(f"select count(*) from '{parts}'").fetchone() == (len(stored(folder, "paths")),)


def test_its_report_opens_and_shows_a_tree_with_its_question(folder: Path) -> None:
    with browser() as chromium, opened(chromium, folder / "report.html") as page:
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#study .legend button").all_text_contents() == ["best_of_n", "beam", "dvts"]
        page.get_by_role("group", name="x axis").get_by_role("button", name="FLOPs").click()
        page.locator("#trees").scroll_into_view_if_needed()
        page.locator("#trees .ttc-tree").wait_for()
        assert "How many are there?" in page.locator("#trees").text_content()
