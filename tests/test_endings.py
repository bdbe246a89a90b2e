"""Pools that end by themselves: the rules against plain references, what they save, and budgets; sampled
until they end, and replayed on full pools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import stored
from ttc.readout import elections, make_readout, read_out
from ttc.readout.ballots import Ballots
from ttc.readout.endings import affordable, enough
from ttc.readout.votes import majority
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder
from ttc.types import Ending

GROUPS = st.lists(st.integers(-1, 3), min_size=1, max_size=24)


def ballots(groups: list[int]) -> Ballots:
    return Ballots(np.array([groups]), list(range(1, len(groups) + 1)))


def stops(groups: list[int], n: int, ending: Ending) -> int:
    return int(enough(ballots(groups), n, ending)[0])


def first(groups: list[int], n: int, window: int, says: Callable[[list[int]], bool]) -> int:
    looks = (k for k in range(window, min(n, len(groups)) + 1, window) if says(groups[:k]))
    return next(looks, n)


def two_highest(seen: list[int]) -> tuple[int, int]:
    counts = [count for _, count in Counter(group for group in seen if group >= 0).most_common(2)]
    return (*counts, 0, 0)[:2]  # type: ignore[return-value]


def leads(seen: list[int]) -> float:
    """P(the first is the likelier one), as a sum over coin flips."""
    a, b = two_highest(seen)
    return sum(comb(a + b + 1, k) for k in range(a + 1)) / 2 ** (a + b + 1)


@settings(deadline=None)
@given(GROUPS, st.integers(1, 4), st.sampled_from([0.8, 0.95, 0.99]))
def test_beta_stops_where_the_posterior_says_so(groups: list[int], window: int, certainty: float) -> None:
    n = len(groups)
    ending = Ending("beta", certainty, window)
    assert stops(groups, n, ending) == first(groups, n, window, lambda seen: leads(seen) >= certainty)


@settings(deadline=None)
@given(GROUPS, st.integers(2, 5))
def test_esc_stops_where_a_window_agrees(groups: list[int], window: int) -> None:
    def agrees(seen: list[int]) -> bool:
        return len(set(seen[-window:])) == 1 and seen[-1] >= 0

    n = len(groups)
    assert stops(groups, n, Ending("esc", window=window)) == first(groups, n, window, agrees)


@settings(deadline=None)
@given(GROUPS)
def test_decided_never_changes_the_majority(groups: list[int]) -> None:
    winner_KC = majority(ballots(groups))
    used = stops(groups, len(groups), Ending("decided"))
    assert winner_KC[0, used - 1] == winner_KC[0, -1]
    a, b = two_highest(groups[: used - 1])
    assert used == len(groups) or a - b <= len(groups) - used + 1, "it stops as soon as it can"


@settings(deadline=None)
@given(GROUPS, st.sampled_from([Ending("beta"), Ending("decided"), Ending("esc", window=3)]))
def test_a_rule_looks_at_nothing_behind_the_place_where_it_stops(groups: list[int], ending: Ending) -> None:
    used = stops(groups, len(groups), ending)
    other = groups[:used] + [3 - group for group in groups[used:]]
    assert stops(other, len(groups), ending) == used


def test_a_budget_pays_whole_units_and_a_part_of_the_next() -> None:
    price_KU = np.array([[10.0, 20.0, 30.0]])
    found = [
        round(float(affordable(np.array([5.0]), price_KU, limit)[0]), 6)
        for limit in (4, 5, 14, 15, 20, 65, 1000)
    ]
    assert found == [0, 0, 0.9, 1, 1.25, 3, 3]


# --- Launches on the fakes --------------------------------------------------------------------------------

FULL = ("-m", "strategy=best_of_n", "n=12", "stop=none,beta,esc,decided", "dataset.limit=6", "seeds=[0,1]")


def answers(folder: Path, words: str, subset: str = "prefix") -> pd.DataFrame:
    rows = pd.read_parquet(folder / "answers.parquet")
    rows = rows[(rows["subset"] == subset) & rows["variant"].str.contains(words, regex=False)]
    keys = ["problem_key", "seed", "vote", "agg"]
    return rows.fillna({"agg": ""}).set_index(keys).sort_index()[["correct", "answer", "reason"]]


def readings(folder: Path, subset: str, vote: str = "majority") -> pd.DataFrame:
    rows = pd.read_parquet(folder / "readout.parquet")
    rows = rows[(rows["subset"] == subset) & (rows["vote"] == vote) & rows["agg"].fillna("last").eq("last")]
    return rows.assign(variant=rows["variant"].str.replace(r" ?limit=\d+ ?", "", regex=True))


@pytest.mark.parametrize("rule", ["beta", "esc", "decided"])
def test_what_is_sampled_until_it_ends_is_the_beginning_of_the_full_pool(
    rule: str, launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch(*FULL, name="full") == 0
    assert launch("n=12", f"stop={rule}", "dataset.limit=6", "seeds=[0,1]", name="own") == 0
    own, full = answers(tmp_path / "own", "stop"), answers(tmp_path / "full", f"stop={rule}")
    pd.testing.assert_frame_equal(own, full)
    full, own = (
        readings(tmp_path / name, "prefix").query("variant.str.contains('stop')") for name in ("full", "own")
    )
    full = full[full["variant"] == f"stop={rule}"]
    assert own["paths"].item() == full["paths"].item() < 12
    assert own["policy_tokens"].item() == pytest.approx(full["policy_tokens"].item())
    searches = stored(tmp_path / "own", "searches")
    assert searches["units"].mean() == own["paths"].item(), "and not a path more was sampled"
    assert launch("plan_only=true", "n=12", f"stop={rule}", "dataset.limit=6", "seeds=[0,1]", name="own") == 0


def test_decided_saves_paths_and_no_accuracy(launch: Callable[..., int], tmp_path: Path) -> None:
    assert launch(*FULL) == 0
    rows = readings(tmp_path / "default", "prefix").set_index("variant")
    assert rows.loc["stop=decided", "accuracy"] == rows.loc["", "accuracy"]
    assert rows.loc["stop=decided", "paths"] < 12
    assert np.isnan(rows.loc["", "paths"])


def test_a_surer_rule_goes_on_where_the_first_one_stopped(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("n=12", "stop=beta", "dataset.limit=6", "seeds=[0,1]")
    assert launch(*words) == 0
    before = stored(tmp_path / "default", "paths")
    assert launch(*words, "stop.certainty=0.999") == 0
    assert launch("n=12", "stop=beta", "stop.certainty=0.999", *words[2:], name="fresh") == 0
    after = stored(tmp_path / "default", "paths", without=("n",))  # that of the search that drew it first
    pd.testing.assert_frame_equal(after, stored(tmp_path / "fresh", "paths", without=("n",)))
    assert len(before) < len(after)
    capsys.readouterr()
    assert launch(*words, "stop.certainty=0.999") == 0
    assert "everything is done already" in capsys.readouterr().out


@pytest.mark.parametrize("unscored", [1, 3])
def test_an_ended_pool_without_all_its_scores_is_missing(
    unscored: int, launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch("n=12", "stop=beta", "dataset.limit=3") == 0
    folder = tmp_path / "default"
    [part] = (folder / "scores").glob("*.parquet")
    rows = pq.read_table(part)
    lost = sorted(set(rows["problem_key"].to_pylist()))[:unscored]
    pq.write_table(rows.filter(~pc.field("problem_key").isin(lost)), part)
    read_out(Folder(folder))
    row = readings(folder, "prefix").iloc[0]
    assert (row["status"], row["missing"]) == ("incomplete", unscored)


def test_no_size_of_a_block_changes_a_figure(
    launch: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert launch(*FULL) == 0
    assert launch("-m", "strategy=best_of_n,beam", "n=1,4", "dataset.limit=4") == 0
    assert launch(*BUDGET) == 0
    folder = Folder(tmp_path / "default")
    usual = make_readout(folder, ReadoutConfig())
    for places in (1, 300):
        monkeypatch.setattr(elections, "PLACES", places)
        for name, table in make_readout(folder, ReadoutConfig()).items():
            pd.testing.assert_frame_equal(table.to_pandas(), usual[name].to_pandas(), rtol=1e-12)


BUDGET = ("-m", "strategy=best_of_n,beam,dvts", "n=4", "dataset.limit=6", "budget.tokens=500,900,2500")


def test_no_search_costs_more_than_its_budget_and_one_that_is_ended_costs_all_of_it(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch(*BUDGET) == 0
    for vote in ("majority", "weighted"):
        rows = readings(tmp_path / "default", "prefix", vote)
        spent = rows["policy_tokens"] + rows["prm_tokens"]
        limit = rows["variant"].str.extract(r"budget.tokens=(\d+)")[0].astype(float)
        assert (spent <= limit + 1e-6).all()
        beam = rows["strategy"] == "beam"  # begins again until nothing is left; a pool has n paths at most
        assert spent[beam].tolist() == pytest.approx(limit[beam].tolist())
        assert rows[beam].sort_values("policy_tokens")["paths"].is_monotonic_increasing
    assert rows.loc[beam, "paths"].max() > 4


def test_a_budget_that_pays_for_no_search_is_an_empty_result_and_says_why(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch("strategy=beam", "n=8", "budget.tokens=100", "dataset.limit=4") == 0
    row = readings(tmp_path / "default", "prefix", "weighted").iloc[0]
    assert (row["accuracy"], row["over_budget"], row["paths"]) == (0.0, 4, 0.0)


def test_a_larger_budget_grows_from_the_smaller_ones_searches(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    line = ("strategy=beam", "n=4", "dataset.limit=4")
    for tokens in (900, 2500):
        assert launch(*line, f"budget.tokens={tokens}", name="grown") == 0
    assert launch(*line, "budget.tokens=2500", name="fresh") == 0
    for table in ("paths", "steps"):
        grown, fresh = (stored(tmp_path / name, table) for name in ("grown", "fresh"))
        pd.testing.assert_frame_equal(grown, fresh)
    # the first of them is the search that a line without a budget makes
    assert launch(*line, name="plain") == 0
    plain, own = stored(tmp_path / "plain", "paths"), stored(tmp_path / "fresh", "paths")
    pd.testing.assert_frame_equal(plain, own[own["unit"] == 0].reset_index(drop=True), check_like=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stop.rule=bta",), "stop.rule='bta': take one of beta, decided, esc; did you mean beta?"),
        (("stop=beta", "stop.certainty=0.5"), "stop.certainty=0.5: must be above 0.5 and below 1"),
        (("stop=esc", "stop.window=1"), "stop.window=1: one path agrees with itself; take 2 or more"),
        (("budget.tokens=0",), "budget.tokens=0: must be greater than or equal to 1"),
        (("budget.flops=1e9",), "budget.flops=1e+09: nobody knows what a token of policy=fake takes"),
        (("budget.seconds=3",), "budget.seconds=3: nobody knows how fast policy=fake is"),
    ],
)
def test_what_cannot_be_is_refused(
    words: tuple[str, ...], said: str, launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(*words) == 2
    assert said in capsys.readouterr().err
