"""A vote and an aggregation of one's own: a function and a line of a registry, both here in the test.

docs/extending.md tells it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.hand import CELLS, HandFolder, one, pool
from ttc.commands.cli import main
from ttc.readout import read_out
from ttc.readout.ballots import CONFIDENCE, Ballots
from ttc.readout.rows import TABLES
from ttc.readout.votes import SCORES, VOTES, Vote
from ttc.stats.arrays import Ints
from ttc.store import Folder
from ttc.strategies.aggregations import AGGREGATIONS


def latest(ballots: Ballots) -> Ints:
    """The answer of the last path that has one."""
    return ballots.top(np.broadcast_to(np.arange(ballots.group_KN.shape[1]), ballots.group_KN.shape))


def square(ballots: Ballots) -> Ints:
    """As weighted, by squared scores."""
    return ballots.if_scored(ballots.tally(np.nan_to_num(ballots.score_KN) ** 2))


@pytest.fixture
def votes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VOTES, "latest", Vote(latest, frozenset({"order"})))
    monkeypatch.setitem(VOTES, "square", Vote(square, SCORES))


@pytest.fixture
def median(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AGGREGATIONS, "median", statistics.median)


@pytest.mark.usefixtures("votes", "median")
def test_a_vote_has_the_rows_that_its_needs_allow(tmp_path: Path) -> None:
    """p: tokens 5, 5, 2 and a blank of 4, the first says 1; q: 5, 5, 9 and 5, the 9 says 7."""
    folder = HandFolder(tmp_path)
    pool(folder)
    for row in folder.rows["paths"]:
        if row["path"] == "bon/q/0/2":
            row["step_tokens"] = [9]  # of the 7, which is right
    folder.commit(*CELLS)
    rows = folder.rows_of(permutations=2000)
    assert one(rows, "bon-4", "longest", "prefix").accuracy == 1.0
    assert one(rows, "bon-2", "longest", "prefix").accuracy == 0.5
    # two of four: p is right with the 1, but for a 2 of five tokens before it; q with the long 7
    drawn = one(rows, "bon-2", "longest", "resample")
    assert 0 < drawn.mc_error < 0.02
    assert drawn.accuracy == pytest.approx((5 / 12 + 8 / 12) / 2, abs=4 * drawn.mc_error)
    assert one(rows, "bon-4", "latest", "prefix").accuracy == 0.5  # p's blank is no answer, its 2 is wrong
    assert one(rows, "bon-4", "latest", "resample").accuracy == 0.5
    assert not len(rows[(rows.cell == "bon-2") & (rows.vote == "latest") & (rows.subset == "resample")])
    assert set(rows.loc[rows.vote == "square", "agg"]) == {"last", "min", "prod", "mean", "median"}
    unknown = {*CONFIDENCE, "drafts"}
    assert set(rows.vote) == {name for name, vote in VOTES.items() if vote.columns.isdisjoint(unknown)}


@pytest.mark.usefixtures("votes", "median")
def test_tables_pictures_and_studies_know_them(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("strategy=best_of_n,beam", "n=1,4,8", "dataset.limit=20")
    assert launch("-m", *line, "readout.headline=longest") == 0
    folder = Folder(tmp_path / "default")
    rows = folder.frame("readout")
    assert set(rows.loc[rows["headline"], "vote"]) == {"longest"}
    assert {"square", "latest"} <= set(rows["vote"])
    printed = capsys.readouterr().out
    assert "longest" in printed
    assert folder.local("plots", "accuracy.png").stat().st_size > 10_000
    where = str(folder)
    names = ["best_of_n@8:square/median", "best_of_n@8:best/median", "beam@8:latest", "beam@8"]
    assert main(["compare", where, *names]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in [*names[:3], "beam@8:longest"])
    assert main(["optimal", where, "difficulty=oracle", "splits=4"]) == 0
    assert {"longest", "square"} & set(folder.frame("optimal_choices")["vote"])
    assert main(["optimal", where, "axis=generated_tokens", "splits=2"]) == 0


@pytest.mark.usefixtures("median")
def test_an_aggregation_guides_a_search_and_reads_every_vote(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    line = ("strategy=beam", "strategy.agg=median", "n=4", "dataset.limit=4", "readout.headline=best/median")
    assert launch(*line) == 0
    rows = Folder(tmp_path / "default").frame("readout")
    assert set(rows["search_agg"]) == {"median"}
    headline = rows[rows["headline"]].iloc[0]
    assert (headline["vote"], headline["agg"]) == ("best", "median")
    assert set(rows.loc[rows["vote"] == "weighted", "agg"]) == {*AGGREGATIONS}


def test_a_folder_whose_votes_nobody_knows_any_more_is_still_shown(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VOTES, "square", Vote(square, SCORES))
        assert launch("-m", "strategy=best_of_n", "n=2,4", "dataset.limit=20") == 0
    where = str(tmp_path / "default")
    assert main(["compare", where, "best_of_n@4", "best_of_n@4:square/min"]) == 0
    assert main(["optimal", where, "splits=2"]) == 0
    assert main(["optimal", where, "axis=generated_tokens", "splits=2"]) == 0


def test_a_table_is_written_beside_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLES, "short", lambda writer: writer.readout().select(["cell", "accuracy"]))
    folder = HandFolder(tmp_path)
    pool(folder)
    folder.commit(*CELLS)
    read_out(Folder(tmp_path))
    short, whole = (Folder(tmp_path).frame(name) for name in ("short", "readout"))
    assert short.equals(whole[["cell", "accuracy"]])
