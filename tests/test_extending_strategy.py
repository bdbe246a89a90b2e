"""A strategy of one's own: a dataclass and a line of the registry, both here in the test. Nothing else is
touched.

docs/extending.md tells it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as File

import pandas as pd
import pytest

from ttc.strategies import STRATEGIES
from ttc.strategies.aggregations import Agg, aggregate
from ttc.types import Context, Count, Path, Policy, Positive, Strategy, Verifier


@dataclass(frozen=True)
class Softmax(Strategy):
    """n first steps; every round each place is given to a live path drawn with weight exp(score / tau)."""

    n: int = 16
    tau: Positive = 0.2
    rounds: Count = 10
    agg: Agg = "last"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        over: list[Path] = []
        live, places = [root], [self.n]
        for round_ in range(self.rounds):
            step = policy.extend if round_ < self.rounds - 1 else policy.finish
            grown = [child for family in await step(live, places) for child in family]
            grown = await verifier.score(grown)
            over += [path for path in grown if path.over]
            if not (live := [path for path in grown if not path.over]):
                break
            weights = [math.exp((aggregate(path.scores, self.agg) or 0.0) / self.tau) for path in live]
            drawn = context.random(round_).choices(range(len(live)), weights, k=self.n - len(over))
            places = [drawn.count(i) for i in range(len(live))]
        return sorted(over, key=lambda path: path.address)


LINE = ("-m", "strategy=best_of_n,softmax", "n=4,8", "strategy.tau=0.05,0.2", "dataset.limit=5")


@pytest.fixture
def folder(launch: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> File:
    monkeypatch.setitem(STRATEGIES, "softmax", Softmax)
    assert launch(*LINE) == 0
    return tmp_path / "default"


def test_its_parameter_is_an_axis_a_column_and_a_word(folder: File) -> None:
    rows = pd.read_parquet(folder / "readout.parquet")
    cells = rows[["strategy", "n", "tau", "rounds", "search_agg", "variant"]].drop_duplicates()
    own = cells[cells["strategy"] == "softmax"].sort_values(["tau", "n"])
    assert own.values.tolist() == [
        ["softmax", n, tau, 10, "last", variant]
        for tau, variant in ((0.05, "limit=5 tau=0.05"), (0.2, "limit=5"))
        for n in (4, 8)
    ]
    assert cells[cells["strategy"] == "best_of_n"]["tau"].isna().all()


def test_every_value_of_it_is_a_search_of_its_own(folder: File) -> None:
    searches = pd.concat(map(pd.read_parquet, (folder / "searches").glob("*.parquet")))
    own = searches[searches["strategy"] == "softmax"]
    assert own.groupby(["tau", "n"])["family"].nunique().tolist() == [1] * 4
    assert own["family"].nunique() == 4


def test_the_table_and_the_picture_have_it_last(
    folder: File, launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(*LINE) == 0
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
    word: str,
    said: str,
    launch: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(STRATEGIES, "softmax", Softmax)
    assert launch("strategy=softmax", word) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_a_folder_written_before_the_parameter_existed_still_reads(
    launch: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: File
) -> None:
    assert launch("n=4", "dataset.limit=5") == 0
    monkeypatch.setitem(STRATEGIES, "softmax", Softmax)
    assert launch(*LINE) == 0
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    assert set(rows["strategy"]) == {"best_of_n", "softmax"}
