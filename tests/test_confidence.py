"""How sure the policy was: kept when it is asked for, read by votes, missed in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest

from tests.conftest import stored
from tests.hand import POOL, HandFolder, change, one
from ttc.commands.cli import main
from ttc.models import ENGINES
from ttc.models.confidence import confidence
from ttc.readout.ballots import CONFIDENCE
from ttc.readout.votes import VOTES
from ttc.store import Folder

READING = {name for name, vote in VOTES.items() if not vote.columns.isdisjoint(CONFIDENCE)}


def test_a_place_counts_with_its_20_likeliest_tokens() -> None:
    assert confidence([-1.0] * 10 + [-3.0] * 10 + [-90.0]) == 2.0
    assert confidence([-2.0, -4.0]) == 3.0
    with pytest.raises(ValueError, match="no log-probabilities"):
        confidence([])


def sure_pool(folder: HandFolder, *kept: list[float] | None) -> None:
    """p: answers 2, 1, 2, 1 (right), q: 7 four times; with p's confidences as given."""
    folder.search(POOL, "p", [("2", [0.5], [4]), ("1", [0.5], [3]), ("2", [0.5], [2]), ("1", [0.5], [1])])
    folder.search(POOL, "q", [("7", [0.5], [1])] * 4)
    for row, values in zip(folder.rows["paths"], [*kept, *[[1.0]] * 4], strict=True):
        row["confidences"] = values
    folder.commit(POOL, change(POOL, cell="bon-2", n=2))


def test_votes_read_the_lowest_window_the_last_one_and_the_mean(tmp_path: Path) -> None:
    folder = HandFolder(tmp_path)
    # the 1 of three tokens is the surest but for its second token, the last path's only token is hardly sure
    sure_pool(folder, [4.0] * 4, [9.0, 1.0, 8.0], [2.0, 5.0], [3.0])

    def of_p(vote: str, window: int) -> float:
        return 2 * one(folder.rows_of(window=window), "bon-4", vote, "prefix").accuracy - 1

    assert [of_p("deepconf", window) for window in (1, 2, 3)] == [0, 1, 1]  # 1, 4.5, 6 against 4
    assert [of_p("deepconf_tail", window) for window in (1, 2, 4)] == [1, 1, 1]  # 8, 4.5, 6
    assert of_p("self_certainty", 1) == 0  # 6, 4, 3.5, 3: sqrt(4) + sqrt(1) against sqrt(3) + sqrt(2)
    assert of_p("short_3", 1) == 1
    assert of_p("first_3", 1) == 0
    half = one(folder.rows_of(window=9), "bon-2", "deepconf", "resample")
    # of the 12 ordered pairs the better one has the 1 in 2 x 3 with the surest alone
    assert half.accuracy == pytest.approx((6 / 12 + 1) / 2, abs=4 * half.mc_error)


def test_a_pool_that_was_partly_sampled_without_has_no_such_vote(tmp_path: Path) -> None:
    folder = HandFolder(tmp_path)
    sure_pool(folder, [4.0], [1.0], [1.0], None)
    rows = folder.rows_of()
    assert not READING & set(rows["vote"])
    assert {"short_1", "longest", "first_3"} <= set(rows["vote"])


LINE = ("strategy=best_of_n", "n=1,4", "dataset.limit=6", "prm=none", "readout.window=8")


def test_what_a_launch_keeps_is_read_by_the_votes(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("-m", *LINE, "policy.confidence=true", "readout.headline=deepconf", name="sure") == 0
    folder = Folder(tmp_path / "sure")
    paths = folder.read("paths")
    counts = [sum(tokens) for tokens in paths["step_tokens"].to_pylist()]
    assert pc.list_value_length(paths["confidences"]).to_pylist() == counts
    rows = folder.frame("readout")
    assert set(rows.loc[rows["headline"], "vote"]) == {"deepconf"}
    assert {(vote, subset) for vote in READING for subset in ("prefix", "resample")} <= {
        *zip(rows["vote"], rows["subset"], strict=True)
    }
    ones = rows[(rows["n"] == 1) & (rows["vote"] != "oracle")]
    assert ones.groupby("subset")["accuracy"].nunique().max() == 1, "of one path all votes say the same"
    assert main(["compare", str(folder), "best_of_n@4", "best_of_n@4:self_certainty"]) == 0
    assert "best_of_n@4:deepconf" in capsys.readouterr().out


def test_a_step_search_carries_it_too(launch: Callable[..., int], tmp_path: Path) -> None:
    assert launch("strategy=beam", "n=4", "dataset.limit=3", "policy.confidence=true", name="beam") == 0
    folder = Folder(tmp_path / "beam")
    paths = folder.read("paths")
    counts = [sum(tokens) for tokens in paths["step_tokens"].to_pylist()]
    assert pc.list_value_length(paths["confidences"]).to_pylist() == counts
    assert set(folder.frame("readout")["vote"]) >= READING


def test_it_tells_no_cells_apart_and_is_in_no_id(launch: Callable[..., int], tmp_path: Path) -> None:
    for name, words in (("with", ["policy.confidence=true"]), ("without", [])):
        assert launch("-m", *LINE, *words, name=name) == 0
    with_, without = (Folder(tmp_path / name) for name in ("with", "without"))
    assert with_.cells() == without.cells()
    columns = ["path", "token_ids"]
    assert with_.read("paths", columns).sort_by("path") == without.read("paths", columns).sort_by("path")


def test_a_pool_without_says_which_key_to_turn(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(*words: str) -> str:
        capsys.readouterr()
        assert launch("-m", *LINE, *words, name="bare") == 2
        [line] = capsys.readouterr().err.splitlines()
        return line

    asked = "readout.headline=deepconf"
    assert "policy.confidence=true" in fault(asked)
    assert not (tmp_path / "bare").exists()
    assert launch("-m", *LINE, name="bare") == 0
    assert "24 stored paths" in fault(asked, "policy.confidence=true")
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "bare"), "best_of_n@4:deepconf", "best_of_n@4"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "it has no vote deepconf (its paths lack what policy.confidence=true keeps" in line


def test_a_policy_that_cannot_be_interrupted_has_no_floor(
    launch: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(ENGINES, "fake", replace(ENGINES["fake"], floors=False))
    assert launch("strategy=deepconf_online", "n=4") == 2
    assert "policy.engine=fake cannot be interrupted; take one that runs here" in capsys.readouterr().err


def test_a_search_that_reads_confidence_has_it_kept(launch: Callable[..., int], tmp_path: Path) -> None:
    line = ("strategy=best_of_n,deepconf_online", "n=40", "strategy.deepconf_online.window=8", "prm=none")
    assert launch("-m", *line, "dataset.limit=3", name="online") == 0
    paths, steps = (stored(tmp_path / "online", table) for table in ("paths", "steps"))
    online = paths["strategy"] == "deepconf_online"
    assert paths.loc[online, "confidences"].notna().all()
    assert paths.loc[~online, "confidences"].isna().all()
    assert {"eos", "unsure"} == set(steps["finish"].dropna())
    assert set(paths.loc[online, "finish"]) == {"eos"}
    rows = Folder(tmp_path / "online").frame("readout")
    assert set(rows.loc[rows["headline"], "vote"]) == {"majority", "deepconf_all"}
