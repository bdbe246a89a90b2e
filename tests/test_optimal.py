from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from ttc.commands.cli import main
from ttc.readout import readout_config
from ttc.readout.names import Results
from ttc.readout.pools import Tables
from ttc.report.console import make_console
from ttc.settings.build import read
from ttc.stats.two_fold import Prices, choose, halves, quintiles, strata
from ttc.store import Folder
from ttc.studies.candidates import CostReader, studies
from ttc.studies.difficulty import find_pool, measure
from ttc.studies.optimal import limits_between, optimal, second_half
from ttc.studies.settings import OptimalSettings
from ttc.types import UserError

# --- Choosing --------------------------------------------------------------------------------------------

P = 80
EASY = np.arange(P) < P // 2
ONES = np.ones((1, P))


def two_kinds(seeds=2):
    """Two bins of 40; the first candidate is right on the easy ones, the second on the others."""
    bin_PS = np.repeat(np.where(EASY, 0, 1)[:, None], seeds, axis=1)
    correct_CP = np.stack([EASY, ~EASY, np.zeros(P, dtype=bool)]).astype(float)
    return np.repeat(correct_CP[:, :, None], seeds, axis=2), bin_PS


def test_each_bin_gets_its_best_candidate():
    correct_CPS, bin_PS = two_kinds()
    [found] = choose(correct_CPS, bin_PS, ONES, splits=5)
    assert (found.curve_R[0], found.best_R[0]) == (1.0, 0.5)
    assert found.chosen == {(0, 0): 10, (1, 1): 10}
    assert found.single == {0: 10}  # the halves are of each bin alike: equals, so the first


def test_a_replicate_reweights_problems_and_chooses_anew():
    correct_CPS, bin_PS = two_kinds()
    hard = np.where(EASY, 0.5, 1.5)
    [found] = choose(correct_CPS, bin_PS, np.stack([np.ones(P), hard, np.where(EASY, 2.0, 0.0)]), splits=3)
    assert found.curve_R == pytest.approx([1, 1, 1])
    assert found.best_R == pytest.approx(
        [0.5, 0.75, 1]
    )  # the second candidate where the hard ones weigh more
    assert found.single == {0: 6}  # told of the first row only


def test_a_small_bin_takes_the_choice_of_all():
    correct_CPS, bin_PS = two_kinds()
    bin_PS[~EASY] = 1 + (np.arange(P // 2) % 4 == 0)[:, None]  # bins of 40, 30 and 10
    correct_CPS[1, :4] = 1  # so that the second candidate is the best one overall
    [found] = choose(correct_CPS, bin_PS, ONES, splits=4)
    assert {b: found.fallbacks[b] for b in range(3)} == {0: 0, 1: found.fallbacks[1], 2: 8}
    assert found.chosen[2, 1] == 8
    assert found.fallbacks[1] == 0
    assert found.single == {1: 8}


def test_ties_go_to_the_first_whatever_the_order_of_summation():
    correct_CPS = np.random.default_rng(0).random((1, P, 3)).repeat(4, axis=0)
    [found] = choose(correct_CPS, np.zeros((P, 3), dtype=np.int64), ONES, splits=20)
    assert found.single == {0: 40}
    assert found.chosen == {(0, 0): 40}
    assert found.curve_R[0] == pytest.approx(correct_CPS[0].mean())


def test_a_budget_is_a_mean_cost_on_the_choosing_half():
    correct_CPS, bin_PS = two_kinds()
    prices = Prices(np.array([np.full(P, 1.0), np.full(P, 5.0), np.full(P, 2.0)]), 0.5, [1.0, 2.0, 5.0, 10.0])
    found = choose(correct_CPS, bin_PS, ONES, splits=2, prices=prices)
    assert [one.curve_R[0] for one in found] == [0.5, 0.5, 0.5, 1.0]  # 5 and the probe are above 5
    assert [len(one.open) for one in found] == [1, 1, 2, 3]
    assert [one.best_R[0] for one in found] == [0.5] * 4
    assert (found[3].curve_cost, found[3].best_cost) == (3.0, 1.0)


def test_halves_are_of_every_stratum_alike():
    stratum_P = np.array([0] * 21 + [1] * 30 + [2])
    sides = list(halves(stratum_P, 40))
    for side_P in sides:
        assert abs((side_P[:21] == 0).sum() - 10.5) == 0.5
        assert (side_P[21:51] == 0).sum() == 15
    assert {int(side_P[51]) for side_P in sides} == {0, 1}
    assert strata(np.array([[0, 2, 2], [1, 0, 0]])).tolist() == [2, 0]


def test_equal_values_share_a_quintile_and_empty_ones_are_merged():
    assert quintiles(np.arange(10.0)[:, None])[:, 0].tolist() == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]
    many = np.array([0.0] * 7 + [0.5, 0.9, 1.0])
    assert quintiles(many).tolist() == [2] * 7 + [1, 0, 0]
    assert set(quintiles(np.full((6, 2), 0.3)).ravel().tolist()) == {0}


def test_budgets_are_round_and_reach_from_the_cheapest_to_the_dearest():
    assert limits_between(130, 1900) == [200, 500, 1000, 2000]
    assert limits_between(1.0, 1.0) == [1.0]


# --- On a folder -----------------------------------------------------------------------------------------


def folder_of(path: Path, seeds: str) -> Folder:
    usual = ("policy=fake", "prm=fake", "cluster=none", "name=x", f"results_dir={path}", "dataset.limit=20")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).parents[1])
        assert main(["run", "-m", "strategy=best_of_n,beam", "n=1,4,8", f"seeds={seeds}", *usual]) == 0
    return Folder(path / "x")


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("two"), "[0,1]")


@pytest.fixture(scope="module")
def one_seed(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("one"), "[0]")


def opened(folder):
    results, tables = Results(folder), Tables(folder, readout_config(folder))
    [study] = studies(results)
    return results, tables, study


def test_no_path_both_bins_and_votes_with_several_seeds(two_seeds):
    results, tables, study = opened(two_seeds)
    pool = find_pool(tables, study)
    right_PSU = tables.right_N[pool.place_PSU]
    assert right_PSU.shape == (20, 2, 8)
    bins = measure(results, tables, study, "oracle").bins
    swapped = quintiles(right_PSU.mean(axis=2)[:, ::-1])  # seed 0 is binned by seed 1's pool
    assert (bins[[0, 1]].to_numpy() == swapped).all()
    score_PSU = tables.scores(pool.record.verifier).values_N["last"][pool.place_PSU]
    bins = measure(results, tables, study, "predicted@3").bins
    assert (bins[[0, 1]].to_numpy() == quintiles(score_PSU[:, ::-1, :3].mean(axis=2))).all()


def test_with_one_seed_half_of_the_pool_bins_and_the_other_half_is_read(one_seed):
    results, tables, study = opened(one_seed)
    found = measure(results, tables, study, "oracle")
    place_PU = found.pool.place_PSU[:, 0]
    right_PU = tables.right_N[place_PU]
    assert found.halved == 4
    assert (found.bins[0].to_numpy() == quintiles(right_PU[:, :4].mean(axis=1))).all()
    half = second_half(tables, study, found, readout_config(one_seed))
    read = {(one.record.strategy, *one.choice): one.correct[0].to_numpy() for one in half.candidates}
    assert read["best_of_n", 1, "majority", None] == pytest.approx(right_PU[:, 4:].mean(axis=1))
    score_PU = tables.scores(found.pool.record.verifier).values_N["min"][place_PU[:, 4:]]
    best_P = right_PU[np.arange(20), 4 + score_PU.argmax(axis=1)]
    assert (read["best_of_n", 4, "best", "min"] == best_P).all()
    assert not [key for key in read if key[:2] == ("best_of_n", 8)]  # four paths are left
    assert ("beam", 8, "majority", None) in read
    assert any("One seed" in note and "4 paths" in note for note in found.notes)


def test_oracles_are_no_candidates_and_ties_are_cheaper_then_by_registry(two_seeds):
    curve, choices = optimal(two_seeds, ["difficulty=level", "splits=3"], make_console())
    assert curve["budget"].tolist() == [1, 4, 8]
    assert curve["candidates"].tolist() == [9, 18, 18]
    assert "oracle" not in set(choices["vote"])
    first = choices[(choices["budget"] == 1) & choices["bin"].isna()]
    assert first["candidate"].tolist() == [
        "best_of_n majority"
    ]  # one path: all equal, and it needs no verifier
    assert choices.groupby(["budget", "label"])["share"].sum().to_numpy() == pytest.approx(1)
    assert (choices.dropna(subset="bin")["too_small"] == 1).all()  # 4 problems a level
    assert curve["curve"].to_numpy() == pytest.approx(curve["best"].to_numpy())
    assert (curve["curve_low"] <= curve["curve"]).all()
    assert curve["difference_low"].to_numpy() == pytest.approx(0)
    assert two_seeds.frame("optimal")["curve"].tolist() == curve["curve"].tolist()
    assert len(two_seeds.frame("optimal_choices")) == len(choices)


def test_probe_paths_are_paid_for(two_seeds):
    words = ["difficulty=predicted@4", "axis=policy_tokens", "splits=2"]
    curve, _ = optimal(two_seeds, words, make_console())
    rows = two_seeds.frame("readout")
    four = rows[(rows["strategy"] == "best_of_n") & (rows["n"] == 4) & (rows["subset"] == "prefix")]
    assert curve["probe"].to_numpy() == pytest.approx(four["policy_tokens"].iloc[0])
    assert (curve["best_cost"] <= curve["budget"] * 1.1).all()
    last = curve.iloc[-1]
    assert last["curve_cost"] == pytest.approx(
        last["best_cost"] + last["probe"]
    )  # 4 problems a bin: one choice
    assert curve["candidates"].is_monotonic_increasing
    assert min(imread(two_seeds.local("plots", "optimal.png")).shape[:2]) > 400
    assert "compute-optimal" in two_seeds.local("plots", "optimal.svg").read_text()


def test_costs_are_the_readouts(two_seeds):
    _, tables, study = opened(two_seeds)
    price = CostReader(tables, "generated_tokens", study.problems)
    for one in study.candidates:
        mean = price.per_problem(one, study.seeds).mean()
        assert mean == pytest.approx(one.reading.row["generated_tokens"])


def test_the_command_says_what_must_be_said_and_refuses_the_rest(two_seeds, capsys):
    assert main(["optimal", str(two_seeds), "difficulty=predicted", "splits=2"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "The cost of the samples that bin is not counted" in text
    assert "every other seed's pool" in text
    assert main(["optimal", str(two_seeds), "axis=flops"]) == 2
    assert "was not measured" in capsys.readouterr().err
    assert main(["optimal", str(two_seeds), "difficulty=predicted@9"]) == 2
    assert "at most 8 paths" in capsys.readouterr().err
    with pytest.raises(UserError) as error:
        read(OptimalSettings, ["difficulty=hard", "axis=x", "splits=0", "foo"])
    assert len(str(error.value).splitlines()) == 4
