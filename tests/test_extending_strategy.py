"""A strategy of one's own: the file of docs/extending.md. Nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as File

import pandas as pd
import pytest

from tests import own

LINE = ("-m", "strategy=best_of_n,softmax", "n=4,8", "strategy.tau=0.05,0.2", "dataset.limit=5")


@pytest.fixture
def folder(launch: Callable[..., int], tmp_path: File) -> File:
    assert launch(*LINE, own.write("softmax.py", tmp_path)) == 0
    return tmp_path / "default"


def test_its_parameter_is_an_axis_a_column_and_a_word(folder: File) -> None:
    rows = pd.read_parquet(folder / "readout.parquet")
    cells = rows[["strategy", "n", "tau", "rounds", "search_agg", "variant"]].drop_duplicates()
    mine = cells[cells["strategy"] == "softmax"].sort_values(["tau", "n"])
    assert mine.values.tolist() == [
        ["softmax", n, tau, 10, "last", variant]
        for tau, variant in ((0.05, "limit=5 tau=0.05"), (0.2, "limit=5"))
        for n in (4, 8)
    ]
    assert cells[cells["strategy"] == "best_of_n"]["tau"].isna().all()


def test_every_value_of_it_is_a_search_of_its_own(folder: File) -> None:
    searches = pd.concat(map(pd.read_parquet, (folder / "searches").glob("*.parquet")))
    mine = searches[searches["strategy"] == "softmax"]
    assert mine.groupby(["tau", "n"])["family"].nunique().tolist() == [1] * 4
    assert mine["family"].nunique() == 4


def test_the_table_and_the_picture_have_it_last(
    folder: File, launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(*LINE, own.write("softmax.py", folder.parent)) == 0
    printed = capsys.readouterr().out
    assert printed.index("\nbest_of_n ") < printed.index("\nsoftmax ")
    assert "everything is done already" in printed
    assert "softmax tau=0.05" in printed
    assert (folder / "plots" / "accuracy.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("strategy.tau=0", "strategy.tau=0: must be greater than 0"),
        ("strategy.agg=median", "strategy.agg='median': must be 'last', 'min', 'prod' or 'mean'"),
        (
            "strategy.tua=1",
            "strategy.tua=1: no strategy of this grid (softmax) has it; did you mean strategy.tau?",
        ),
    ],
)
def test_its_values_are_checked_by_its_types(
    word: str, said: str, launch: Callable[..., int], tmp_path: File, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("strategy=softmax", word, own.write("softmax.py", tmp_path)) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_a_folder_written_before_the_parameter_existed_still_reads(
    launch: Callable[..., int], tmp_path: File
) -> None:
    assert launch("n=4", "dataset.limit=5") == 0
    assert launch(*LINE, own.write("softmax.py", tmp_path)) == 0
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    assert set(rows["strategy"]) == {"best_of_n", "softmax"}
