"""Another verifier for stored paths: rows are added, none changes, and nothing is sampled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import stored
from ttc.commands.cli import main
from ttc.store import Folder

POOL = ("-m", "strategy=best_of_n,greedy", "n=1,4", "seeds=[0,1]", "dataset.limit=6")


def again(folder: Path, *words: str) -> int:
    return main(["rescore", str(folder), *words])


@pytest.fixture
def pool(launch: Callable[..., int], tmp_path: Path) -> Path:
    assert launch(*POOL, "prm=none", name="pool") == 0
    return tmp_path / "pool"


def test_scores_are_those_of_a_sweep_with_that_verifier(
    pool: Path, launch: Callable[..., int], tmp_path: Path
) -> None:
    before = stored(pool, "paths")
    assert again(pool, "prm=fake", "cluster=none") == 0
    pd.testing.assert_frame_equal(stored(pool, "paths"), before)
    assert launch(*POOL, "prm=fake", name="whole") == 0
    timed = ("prm_rate",)
    pd.testing.assert_frame_equal(
        stored(pool, "scores", timed), stored(tmp_path / "whole", "scores", timed), check_like=True
    )
    rows = [pd.read_parquet(folder / "readout.parquet") for folder in (pool, tmp_path / "whole")]
    weighted = [found[found.headline & (found.prm == "fake")].set_index("cell").accuracy for found in rows]
    pd.testing.assert_series_equal(*(series.sort_index() for series in weighted))
    assert len(weighted[0]) == 3


def test_the_same_line_again_has_nothing_to_do(pool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(pool, "prm=fake", "cluster=none") == 0
    parts = sorted(pool.glob("scores/*.parquet"))
    assert again(pool, "prm=fake", "cluster=none") == 0
    assert sorted(pool.glob("scores/*.parquet")) == parts
    assert [run["command"] for run in Folder(pool).runs()] == ["launch", "rescore", "rescore"]


def test_a_scoring_that_was_cut_off_goes_on_where_it_stopped(pool: Path) -> None:
    assert again(pool, "prm=fake", "cluster=none") == 0
    whole = stored(pool, "scores", ("prm_rate",))
    (part,) = pool.glob("scores/*.parquet")
    for file in pool.glob(f"*/{part.name}"):
        file.unlink()
    assert again(pool, "prm=fake", "cluster=none") == 0
    pd.testing.assert_frame_equal(stored(pool, "scores", ("prm_rate",)), whole)


def test_paths_that_are_missing_are_not_sampled(
    launch: Callable[..., int], pool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        launch("strategy=best_of_n", "n=4", "seeds=[0,1,2]", "dataset.limit=6", "prm=none", name="pool") == 0
    )
    file = sorted(pool.glob("searches/*.parquet"))[-1]
    for table in ("searches", "paths", "grades"):
        (pool / table / file.name).unlink()
    left = len(stored(pool, "paths"))
    assert again(pool, "prm=fake", "cluster=none") == 0
    assert 0 < left == len(stored(pool, "paths"))
    assert "6 missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "prm: name the verifier"),
        (["prm=none"], "prm=none: scores nothing"),
        (["prm=fake", "n=4"], "n=4: rescore takes prm=, cluster=, readout="),
        (["prm=fak"], "prm=fak: unknown prm; take one of"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], said: str, pool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert again(pool, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_folder_without_results_or_with_searches_only(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again(tmp_path / "none", "prm=fake") == 2
    assert "no results here" in capsys.readouterr().err
    assert launch("strategy=beam", "n=4", "dataset.limit=2", name="beams") == 0
    assert again(tmp_path / "beams", "prm=fake") == 2
    assert "only guided searches" in capsys.readouterr().err
