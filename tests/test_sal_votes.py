"""search-and-learn's ways to read a run, each by its name and alone (semantics, "search-and-learn"), and its
own stored choices."""

from __future__ import annotations

import asyncio
import io
import shutil

import pandas as pd
import pyarrow as pa
import pytest
from rich.console import Console

from benchmarks.answers_replay import FILES, replay
from tests.conftest import data_file
from tests.hand import CELLS, POOL, TREE, HandFolder, change, one, pool
from ttc.commands.cli import main
from ttc.readout import check, read_out
from ttc.readout.habits import HABITS
from ttc.sal.canonical import Canonical
from ttc.sal.quirks import quirks
from ttc.sal.report import print_quirks
from ttc.settings.build import build
from ttc.settings.compose import compose
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder
from ttc.types import UserError

BEAM = change(TREE, cell="beam-4", family="beam", strategy="beam", unit=None)


@pytest.fixture
def folder(tmp_path):
    return HandFolder(tmp_path)


def correct(rows, vote, subset="prefix", agg="last"):
    """n -> accuracy."""
    fits = rows["agg"].isna() | (rows["agg"] == agg)
    found = rows[(rows["vote"] == vote) & (rows["subset"] == subset) & fits]
    assert found["n"].is_unique
    return dict(zip(found["n"], found["accuracy"], strict=True))


def test_sal_prefix_reads_the_first_rows_of_any_search(folder):
    """p: right from the third row on, q: in the first alone."""
    for cell in (BEAM, TREE):
        folder.search(cell, "p", [("2", [0.5], [5]), ("3", [0.6], [5]), ("1", [0.7], [5]), ("1", [0.1], [5])])
        folder.search(cell, "q", [("7", [0.9], [5]), ("3", [0.2], [5]), ("3", [0.1], [5]), ("3", [0.1], [5])])
    folder.commit(BEAM, TREE, change(TREE, cell="dvts-2", n=2), change(TREE, cell="dvts-3", n=3))
    rows = folder.rows_of(subset="sal_prefix")
    beam, dvts = (rows[rows["strategy"] == name] for name in ("beam", "dvts"))
    assert correct(beam, "best", "sal_prefix") == {1: 0.5, 2: 0.5, 4: 1.0}
    assert correct(beam, "majority", "sal_prefix") == {1: 0.5, 2: 0.5, 4: 0.5}
    assert correct(dvts, "best", "sal_prefix") == {1: 0.5, 2: 0.5, 3: 1.0, 4: 1.0}  # 3: no multiple of 2
    assert set(dvts.loc[dvts["subset"] == "prefix", "n"]) == {2, 4}
    headline = rows[rows["headline"]].set_index("cell")
    assert set(headline["subset"]) == {"sal_prefix"}
    assert {"beam-4@1", "beam-4@2", "beam-4", "dvts-2@1", "dvts-2", "dvts-4@3", "dvts-4"} == set(
        headline.index
    )
    # a beam search is paid whole, of dvts the subtrees that the rows begin
    paid = headline["generated_tokens"]
    assert paid["beam-4@1"] == paid["beam-4"] == 32
    assert (paid["dvts-2@1"], paid["dvts-4@3"]) == (16, 32)


def test_sal_prefix_leaves_all_other_rows_alone(folder):
    pool(folder)
    pool(folder, TREE)
    folder.commit(*CELLS, TREE)
    plain = folder.rows_of()
    with_it = folder.rows_of(subset="sal_prefix")
    kept = with_it[with_it["subset"] != "sal_prefix"].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        kept.drop(columns="headline"), plain.drop(columns="headline"), check_like=True
    )


def test_blanks_are_a_group_that_may_win(folder):
    paths = [("1", [0.5], [5]), (None, [0.9], [5]), (None, [0.1], [5]), ("2", [0.2], [5])]
    folder.search(POOL, "p", paths)
    folder.search(POOL, "q", [("7", [0.5], [5])] * 3 + [(None, [0.9], [5])])
    folder.commit(POOL)
    ignored, voting = folder.rows_of(), folder.rows_of(habits=("blanks_vote",))
    assert [correct(ignored, vote)[4] for vote in ("majority", "weighted", "best")] == [1.0, 1.0, 1.0]
    assert [correct(voting, vote)[4] for vote in ("majority", "weighted", "best")] == [0.5, 0.5, 0.0]
    row = one(voting, "bon-4", "majority", "prefix")
    assert (row.no_answer, row.accuracy) == (1, 0.5)
    assert correct(voting, "oracle") == correct(ignored, "oracle")


def test_a_place_without_a_path_is_no_blank(folder):
    """q's search returned one path of two: what is missing casts no vote."""
    folder.search(TREE, "p", [("1", [0.9], [5]), ("1", [0.9], [5])])
    folder.search(TREE, "q", [("7", [0.9], [5])])
    folder.commit(change(TREE, cell="dvts-2", n=2))
    assert correct(folder.rows_of(habits=("blanks_vote",)), "majority") == {2: 1.0}


def test_canonical_groups_are_what_sympy_writes_alike():
    async def groups(answers):
        canonical = Canonical(5.0)
        try:
            return await canonical.group(answers)
        finally:
            await canonical.close()

    answers = ["0.5", "\\frac{1}{2}", None, "\\sqrt{117}", "3\\sqrt{13}", "1,2", "2,1", "a ? b", "a ?b", " "]
    assert asyncio.run(groups(answers)) == [0, 0, -1, 1, 1, 2, 3, 4, 4, -1]
    assert asyncio.run(groups(["x=5", "5", "y = 5.0", "x = 5 = 5"])) == [0, 0, 0, 1]


def test_canonical_groups_differ_from_equivalent_ones_where_only_the_grader_knows(folder):
    """Two paths are one set to the grader; as strings they are two groups, and the pair of 5s wins."""
    sets = [("\\{1,2\\}", [0.5], [5]), ("\\{2,1\\}", [0.5], [5])]
    fives = [("5", [0.5], [5])] * 2
    folder.search(POOL, "p", [*sets, *fives])
    folder.search(POOL, "q", [*sets, *fives])
    folder.commit(POOL)
    read_out(folder.folder)
    equivalent = chosen(folder, "p")
    read_out(folder.folder, ReadoutConfig(habits=("canonical_groups",)))
    assert (equivalent, chosen(folder, "p")) == ("\\{1,2\\}", "5")


def chosen(folder, problem):
    rows = pd.read_parquet(folder.path / "answers.parquet")
    rows = rows[(rows["problem_id"] == problem) & (rows["vote"] == "majority") & (rows["subset"] == "prefix")]
    return rows["answer"].iloc[0]


def test_trailing_scores_are_dropped_and_kept_by_name(folder):
    """An import's own list, where it does not lie on the steps; a raw reward is another thing."""
    folder.search(POOL, "p", [("1", [0.9], [5]), ("2", [0.2], [5])])
    folder.search(POOL, "q", [("7", [0.9], [5]), ("2", [0.2], [5])])
    for row in folder.rows["scores"]:
        if row["problem_key"] == "p":
            row["raw_scores"] = [*row["scores"], 1 - row["scores"][0]]  # as long as the steps and one more
        else:
            row["raw_scores"] = [-row["scores"][0]]  # a reward
    folder.commit(change(POOL, cell="bon-2", n=2))
    assert correct(folder.rows_of(), "best")[2] == 1.0
    assert correct(folder.rows_of(habits=("trailing_scores",)), "best")[2] == 0.5
    assert correct(folder.rows_of(habits=("trailing_scores",)), "best", agg="min")[2] == 0.5


def test_answers_and_verdicts_are_those_of_the_rule_and_one_that_is_missing_is_named(folder):
    pool(folder)
    grades = list(folder.rows["grades"])
    for row in grades:  # by the other rule all paths say the right thing
        gold = {"p": "1", "q": "7"}[row["problem_key"]]
        folder.rows["grades"].append(row | {"extract": "sal", "answer": gold, "verdict": True})
    folder.commit(POOL)
    assert correct(folder.rows_of(), "majority")[4] == 0.0
    assert correct(folder.rows_of(extract="sal"), "majority")[4] == 1.0
    assert chosen(folder, "p") == "1"
    with pytest.raises(UserError, match=r"ttc regrade \S+ readout.grader=math_verify readout.extract=last_n"):
        folder.rows_of(extract="last_number")


def test_readout_sal_is_all_of_it():
    (point,) = compose(["readout=sal"])
    config = build(ReadoutConfig, point["readout"])
    assert (config.extract, config.subset, config.headline) == ("sal", "sal_prefix", "weighted/last")
    assert config.habits == tuple(HABITS)
    assert check(config) == []
    (point,) = compose([])
    assert build(ReadoutConfig, point["readout"]) == ReadoutConfig()


def test_quirks_are_measured_alone_and_together(folder, capsys):
    paths = [("1", [0.5], [5]), (None, [0.9], [5]), (None, [0.1], [5]), ("2", [0.2], [5])]
    for problem, right in (("p", "1"), ("q", "7")):
        folder.search(
            BEAM, problem, [(answer and answer.replace("1", right), *rest) for answer, *rest in paths]
        )
    folder.rows["grades"] += [row | {"extract": "sal"} for row in folder.rows["grades"]]
    for row in folder.rows["grades"]:
        row["answer"] = None if row["path"][-1] in "12" else {"p": "1", "q": "7"}[row["problem_key"]]
    folder.commit(BEAM)
    read_out(folder.folder)
    before = (folder.path / "readout.parquet").read_bytes()
    rows = quirks(folder.folder).to_pandas()
    assert (folder.path / "readout.parquet").read_bytes() == before
    assert pa.parquet.read_table(folder.path / "quirks.parquet").num_rows == len(rows)
    best = rows[rows["vote"] == "best"].set_index(["quirk", "n"])
    assert best.loc[("sound", 4), "accuracy"] == 1.0
    assert ("sound", 2) not in best.index
    assert best.loc[("blanks_vote", 4), "difference"] == -1.0
    assert best.loc[("blanks_vote", 2), "difference"] == -1.0  # to the same rows with blanks ignored
    assert best.loc[("trailing_scores", 4), "difference"] == 0.0
    assert best.loc[("all", 4), "accuracy"] == 0.0
    console = Console(file=io.StringIO(), width=60)
    print_quirks(rows, console)
    assert "1.0 (-100.0)" not in console.file.getvalue()
    assert ["best", "4", "100.0", "100.0", "(+0.0)", "+0.0", "-100.0"] in [
        line.split()[:7] for line in console.file.getvalue().splitlines()
    ]
    assert main(["quirks", str(folder.path / "nothing")]) == 2


def test_stored_choices_of_search_and_learn_are_ours(tmp_path):
    lines = data_file(FILES[0]).read_text().splitlines(keepends=True)
    (tmp_path / FILES[0]).write_text("".join(lines[:12]))
    shutil.copy(data_file("derived_results_sal.csv"), tmp_path)
    figures, differences = replay(tmp_path, FILES[:1])
    assert (figures["choices"].sum(), len(differences)) == (12 * 3 * 5, 0)
    sound, _ = replay(tmp_path, FILES[:1], ReadoutConfig(subset="sal_prefix", permutations=1))
    assert sound["same"].sum() < figures["same"].sum()  # the options are what does it
    assert Folder(tmp_path).runs() == []
