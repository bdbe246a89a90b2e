import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tests.hand import CELLS, GOLD, POOL, PRM_SIZES, SIZES, TREE, HandFolder, change, one, pool
from ttc.commands.cli import main
from ttc.readout import check, read_out
from ttc.readout.rows import schemas
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder
from ttc.store.schema import SCHEMA_VERSION


@pytest.fixture
def folder(tmp_path):
    return HandFolder(tmp_path)


def test_prefix_is_the_first_n_and_equals_resample_where_there_is_nothing_to_choose(folder):
    pool(folder)
    folder.commit(*CELLS)
    rows = folder.rows_of()
    wanted = {  # p is right by its first path alone, q by 7
        "bon-1": {"majority": 0.5, "weighted": 0.5, "best": 0.5, "oracle": 0.5},
        "bon-2": {"majority": 0.5, "weighted": 0.5, "best": 0.5, "oracle": 0.5},
        "bon-4": {"majority": 0.0, "weighted": 0.5, "best": 1.0, "oracle": 1.0},
    }
    for cell, votes in wanted.items():
        for vote, accuracy in votes.items():
            assert one(rows, cell, vote, "prefix").accuracy == accuracy, (cell, vote)
    whole = rows[rows.cell == "bon-4"].set_index(["vote", "agg", "subset"]).drop(columns="headline")
    pd.testing.assert_frame_equal(whole.xs("prefix", level=2), whole.xs("resample", level=2))
    assert one(rows, "bon-4", "best", "prefix", "min").accuracy == 0.5  # in q 0.4 beats 0.1


def test_resample_is_the_expectation_over_ordered_subsets(folder):
    pool(folder)
    folder.commit(*CELLS)
    rows = folder.rows_of(permutations=4000)
    assert one(rows, "bon-2", "oracle", "resample").accuracy == pytest.approx((1 / 2 + 5 / 6) / 2)
    assert one(rows, "bon-2", "best", "resample").accuracy == pytest.approx((1 / 2 + 1 / 2) / 2)
    for vote in ("majority", "weighted"):  # one of four and two of four; the unscored 7 is no weighted choice
        exact = (1 / 4 + (2 if vote == "majority" else 1) / 4) / 2
        row = one(rows, "bon-1", vote, "resample")
        assert (row.accuracy, row.mc_error) == (pytest.approx(exact), 0)
    # majority of 2: p is right with the blank (2 of 12 orders) or seen before a 2 (2 of 12);
    # q with both 7s (2 of 12) or a 7 before a 5 (4 of 12)
    row = one(rows, "bon-2", "majority", "resample")
    assert 0 < row.mc_error < 0.01
    assert row.accuracy == pytest.approx((4 / 12 + 6 / 12) / 2, abs=4 * row.mc_error)


def test_costs_are_those_of_the_cell_alone(folder):
    pool(folder)
    folder.commit(*CELLS)
    rows = folder.rows_of()
    prefix = one(rows, "bon-2", "weighted", "prefix")
    assert (prefix.generated_tokens, prefix.policy_tokens) == (10, 10 + 10)
    assert prefix.prm_tokens == 6 + 2 * 4
    resample = one(rows, "bon-2", "weighted", "resample")
    assert resample.generated_tokens == (2 * 16 / 4 + 2 * 20 / 4) / 2
    policy = 2 * 100 * 20 + 4 * 3 * (45 + 2 * (5 * 10 + 10))  # the prompt's positions, then each path's
    verifier = 2 * 1000 * 14 + 4 * 5 * (15 + 80)
    assert prefix.flops == policy + verifier
    assert prefix.seconds == 20 / 50 + 14 / 20
    majority = one(rows, "bon-2", "majority", "prefix")
    assert (majority.prm_tokens, majority.flops, majority.seconds) == (0, policy, 20 / 50)


def test_a_guided_search_pays_for_its_verifier_and_its_units_are_subtrees(folder):
    for problem in GOLD:
        good = (GOLD[problem], [0.9], [8])
        folder.search(TREE, problem, [("3", [0.1], [8]), ("4", [0.2], [8]), good, good])
    folder.commit(TREE, change(TREE, cell="dvts-2", n=2), change(TREE, cell="dvts-3", n=3))
    rows = folder.rows_of()
    assert set(rows.cell) == {"dvts-4", "dvts-2"}  # 3 is no multiple of the unit
    half = one(rows, "dvts-2", "majority", "resample")
    assert half.accuracy == pytest.approx(0.5)
    assert half.mc_error == 0  # each of two subtrees alone: counted, not drawn
    assert (half.policy_tokens, half.prm_tokens, half.pool) == (10 + 16, 6 + 6, 4)
    assert half.flops == 2 * 100 * 26 + 4 * 3 * (45 + 160) + 2 * 1000 * 12 + 4 * 5 * (15 + 60)
    assert one(rows, "dvts-2", "oracle", "prefix").accuracy == 0


def test_an_empty_result_is_wrong_with_its_reason_and_never_dropped(folder):
    folder.search(POOL, "p", [("1", [0.9], [5])] * 4)
    folder.search(POOL, "q", [], status="too_long")
    folder.rows["searches"][-1]["units"] = 4
    folder.commit(*CELLS)
    readout = read_out(folder.folder)
    row = one(readout["readout"].to_pandas(), "bon-4", "weighted", "resample")
    assert (row.accuracy, row.problems, row.too_long, row.no_answer) == (0.5, 2, 1, 0)
    assert row.policy_tokens == (10 + 20 + 0) / 2
    answers = readout["answers"].to_pandas().query("cell == 'bon-4' and problem_id == 'q'")
    assert answers["answer"].isna().all()
    assert set(answers["reason"]) == {"too_long"}
    assert (answers["correct"] == 0).all()


def test_a_cell_that_no_seed_completes_has_no_accuracy_and_counts_what_is_missing(folder):
    cell = change(POOL, cell="bon-4", seeds=(0, 1))
    pool(folder)
    folder.search(cell, "p", [("1", [0.9], [5])] * 4, seed=1)
    folder.search(cell, "q", [], seed=1, status="failed")
    folder.commit(cell, change(cell, cell="bon-8", n=8))
    rows = folder.rows_of()
    row = one(rows, "bon-4", "best", "prefix")  # seed 1 is not complete on all problems
    assert (row.accuracy, row.seeds, row.missing, row.failed, row.status) == (1.0, 1, 1, 1, "complete")
    row = one(rows, "bon-8", "best", "prefix")
    assert pd.isna(row.accuracy)
    assert (row.status, row.seeds, row.missing, row.problems) == ("incomplete", 0, 4, 2)


@pytest.mark.parametrize("lacking", ["graded", "scored"])
def test_paths_that_are_not_yet_graded_or_scored_are_missing(folder, lacking):
    folder.search(POOL, "p", [("1", [0.9], [5])] * 4)
    folder.search(POOL, "q", [("7", [0.9], [5])] * 2)
    folder.search(POOL, "q", [("7", [0.9], [5])] * 2, first=2, **{lacking: False})
    unguided = change(POOL, cell="none-4", prm=None, verifier=None)
    folder.commit(*CELLS, unguided)
    rows = folder.rows_of()
    assert one(rows, "bon-4", "majority", "prefix").missing == 1
    assert one(rows, "bon-2", "majority", "resample").pool == 2  # the largest number that both pools have
    assert (one(rows, "none-4", "majority", "prefix").status == "complete") == (lacking == "scored")


def test_a_seed_of_a_later_run_joins_and_a_repeated_search_replaces_the_failed_one(folder):
    folder.search(POOL, "p", [("1", [0.9], [5])] * 4)
    folder.search(POOL, "q", [], status="failed")
    folder.commit(POOL)
    assert pd.isna(one(folder.rows_of(), "bon-4", "best", "prefix").accuracy)
    folder.search(POOL, "q", [("7", [0.9], [5])] * 4)
    for problem in GOLD:
        folder.search(POOL, problem, [("0", [0.9], [5])] * 4, seed=1)
    folder.commit(change(POOL, seeds=(1,), temperature=0.7))
    readout = read_out(folder.folder)
    row = one(readout["readout"].to_pandas(), "bon-4", "best", "prefix")
    assert (row.accuracy, row.seeds, row.failed, row.temperature) == (0.5, 2, 0, 0.7)
    by = readout["readout_by"].to_pandas().query("vote == 'majority' and subset == 'prefix'")
    assert (by["level"].isna() != by["seed"].isna()).all()
    assert by.set_index("seed")["accuracy"].loc[[0, 1]].tolist() == [1, 0]
    assert by.set_index("level")["accuracy"].loc[[1, 2]].tolist() == [0.5, 0.5]


def test_the_headline_is_the_declared_one_and_without_a_verifier_the_majority(folder):
    greedy = change(POOL, cell="greedy", family="greedy", strategy="greedy", n=1, unit=None)
    pool(folder)
    for problem, answer in GOLD.items():
        folder.search(greedy, problem, [(answer, [0.5], [5])])
    folder.commit(POOL, greedy, change(POOL, cell="none", prm=None, verifier=None))
    rows = folder.rows_of(headline="weighted/min")
    headlines = rows[rows.headline].set_index("cell")[["vote", "agg", "subset"]].fillna("-")
    assert headlines.loc["bon-4"].tolist() == ["weighted", "min", "resample"]
    assert headlines.loc["greedy"].tolist() == ["majority", "-", "resample"]
    assert headlines.loc["none"].tolist() == ["majority", "-", "resample"]
    assert not {"weighted", "best"} & set(rows[rows.cell == "none"].vote)


def test_what_was_not_measured_is_null_and_never_zero(folder):
    pool(folder)
    for row in folder.rows["searches"] + folder.rows["scores"]:
        row |= dict.fromkeys(set(row) & {*SIZES, *PRM_SIZES})
    folder.commit(POOL)
    row = one(folder.rows_of(), "bon-4", "weighted", "prefix")
    assert pd.isna(row.flops)
    assert pd.isna(row.seconds)
    assert row.policy_tokens > 0


def test_every_reader_finds_flat_columns_and_the_schema_version(folder):
    pool(folder)
    folder.commit(*CELLS)
    read_out(folder.folder)
    for name in schemas():
        file = folder.path / f"{name}.parquet"
        assert pa.parquet.read_schema(file).metadata[b"schema"] == str(SCHEMA_VERSION).encode()
        count = duckdb.sql(f"select count(*) from '{file}'").fetchone()[0]
        assert count == len(pd.read_parquet(file)) == pl.read_parquet(file).height > 0
    assert not [file for file in folder.path.iterdir() if "writing" in file.name]


def headlines(rows):
    """cell -> its headlines in the file's order, which is that in which they were declared."""
    found = rows[rows.headline]
    names = found["vote"] + ("/" + found["agg"]).fillna("")
    return {cell: names[found.cell == cell].tolist() for cell in dict.fromkeys(rows.cell)}


def test_votes_that_a_line_names_as_strategies_are_the_headlines_of_its_cells(folder):
    pool(folder)
    both = [change(one, headlines=("majority", None)) for one in CELLS]
    folder.commit(*both, change(POOL, cell="alone", variant="x", headlines=("majority",)))
    found = headlines(folder.rows_of(headline="best/min"))
    assert found == {"bon-1": ["majority"], "bon-2": ["majority", "best/min"]} | {
        "bon-4": ["majority", "best/min"],
        "alone": ["majority"],
    }
    weighted = change(POOL, headlines=(None, "weighted"))
    folder.commit(weighted, change(weighted, cell="none", variant="y", prm=None, verifier=None))
    found = headlines(folder.rows_of(headline="best/min"))
    assert found["bon-4"] == ["majority", "best/min", "weighted/min"]  # it was named before, in another line
    assert found["none"] == ["majority"]  # there are no scores to vote with


def test_strategy_majority_prints_the_majority_as_the_result(launch, tmp_path, capsys):
    words = ("-m", "n=1,4", "dataset.limit=4")
    assert launch("strategy=majority,beam", *words) == 0
    rows = Folder(tmp_path / "default").frame("readout")
    of_pool = rows[rows["strategy"] == "best_of_n"]
    assert set(of_pool.loc[of_pool["headline"], "vote"]) == {"majority"}
    assert set(rows.loc[rows["headline"] & (rows["strategy"] == "beam"), "vote"]) == {"weighted"}
    marked = [line.split() for line in capsys.readouterr().out.splitlines() if "headline" in line]
    assert ["majority" in line for line in marked if "4" in line] == [True, False]
    assert main(["compare", str(tmp_path / "default"), "best_of_n@4", "beam@4"]) == 0
    assert "best_of_n@4:majority" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"headline": "oracle"}, "readout.headline='oracle': take one of weighted, best, majority"),
        ({"headline": "first"}, "readout.headline='first': take one of weighted, best, majority"),
        ({"headline": "best/max"}, "readout.headline='best/max': the aggregation is one of last, min"),
        ({"headline": "majority/min"}, "'majority/min': the aggregation is none; majority reads no scores"),
        ({"subset": "foo"}, "readout.subset='foo': take one of resample, prefix, sal_prefix"),
        ({"habits": ("foo",)}, "'foo': take some of blanks_vote, canonical_groups, trailing_scores"),
    ],
)
def test_a_name_that_no_registry_has_is_one_line_that_says_what_there_is(config, fault):
    [line] = check(ReadoutConfig(**config))
    assert fault in line


def test_the_shipped_readouts_name_what_there_is():
    assert check(ReadoutConfig()) == check(ReadoutConfig(headline="majority")) == []
