import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.answers_statistics import difference_covered
from tests.hand import CELLS, GOLD, POOL, TREE, HandFolder, change, pool
from ttc.commands.cli import main
from ttc.readout.names import Results
from ttc.report.console import make_console
from ttc.stats.paired import bootstrap_weights, holm, mcnemar, percentiles, sign_flip
from ttc.studies.compare import FILE, compare
from ttc.types import UserError

# --- Arithmetic ------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([-1.0, -0.5, -0.2, 0.0, 0.2, 1 / 3, 1.0]), min_size=1, max_size=9))
def test_sign_flips_are_counted_exactly(differences):
    sums = [abs(np.dot(signs, differences)) for signs in product([-1, 1], repeat=len(differences))]
    extreme = np.mean([total >= abs(sum(differences)) - 1e-9 for total in sums])
    assert sign_flip(np.array(differences)) == pytest.approx(extreme)


def test_random_flips_agree_with_all_of_them():
    difference_P = np.random.default_rng(0).normal(0.5, 1, 20)
    exact = sign_flip(difference_P)
    assert 0.02 < exact < 0.5
    # One problem without a difference changes no sum, but 21 problems are drawn from.
    assert sign_flip(np.append(difference_P, 0.0)) == pytest.approx(exact, abs=4 * (exact / 10_000) ** 0.5)


def test_the_tests_by_hand():
    one, nine = [1.0], [-1.0] * 9
    assert mcnemar(np.array(one + nine + [0.0] * 5)) == pytest.approx(22 / 1024)  # 2 (1 + 10) / 2^10
    assert mcnemar(np.zeros(4)) == sign_flip(np.zeros(4)) == 1
    assert sign_flip(np.ones(5)) == 2 / 32
    assert sign_flip(np.ones(30)) == 1 / 10_001
    assert holm([0.01, 0.04, 0.03, 0.6]) == pytest.approx([0.04, 0.09, 0.09, 0.6])
    assert holm([0.5, 0.6]) == [1.0, 1.0]


def test_every_cell_gets_the_same_replicates():
    weight_RP = bootstrap_weights(40, 4000)
    assert (weight_RP == bootstrap_weights(40, 4000)).all()
    assert (weight_RP.sum(axis=1) == 40).all()
    assert weight_RP.mean(axis=0) == pytest.approx(np.ones(40), abs=0.1)
    assert weight_RP.var() == pytest.approx(1 - 1 / 40, abs=0.02)  # multinomial
    assert percentiles(np.arange(1001.0)) == pytest.approx((25, 975))


def test_the_interval_of_a_difference_covers_a_known_truth():
    assert 0.91 <= difference_covered(100, 3, gain=0.1, trials=500, replicates=1000) <= 0.98


# --- The command -----------------------------------------------------------------------------------------


WIDE = change(POOL, cell="bon-wide", family="wide", variant="width=8", seeds=(0, 1))
TREES = [change(TREE, cell="dvts-n4", n=4), change(TREE, cell="dvts-n8", n=8)]
ELSEWHERE = change(POOL, cell="other-n4", family="other", strategy="beam", selection="t", variant="limit=1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """p and q: bon@4 weighted reads p right; the wide one is right with seed 1 only; a cell of p alone."""
    made = HandFolder(tmp_path_factory.mktemp("compare"))
    pool(made)
    pool(made, TREE)
    for problem, right in GOLD.items():
        for seed in (0, 1):
            made.search(WIDE, problem, [(right if seed else "3", [0.9], [5])] * 4, seed=seed)
    made.search(ELSEWHERE, "p", [("1", [0.5], [5])] * 4)
    made.commit(*CELLS, *TREES, WIDE)
    made.commit(ELSEWHERE)
    runs = made.folder.runs()
    runs[-1]["selections"] = {"t": [["p", "p", 1]]}
    made.folder.save_runs(runs)
    made.rows_of()
    return made.folder


def compared(folder, *names):
    return compare(folder, names, make_console()).set_index("name")


def test_cells_are_compared_with_the_first_on_paired_problems(folder, capsys):
    names = ["best_of_n@4:majority", "best_of_n@4", "best_of_n+width=8@4:best/min", "dvts-n4:oracle"]
    table = compared(folder, *names)
    first, same_pool, wide, bound = (row for _, row in table.iterrows())
    assert list(table.index[1:3]) == ["best_of_n@4:weighted/last", "best_of_n+width=8@4:best/min"]
    assert (first["accuracy"], same_pool["accuracy"], wide["accuracy"], bound["accuracy"]) == (0, 0.5, 0.5, 1)
    assert (same_pool["difference"], same_pool["better"], same_pool["worse"]) == (0.5, 1, 0)
    assert (same_pool["difference_low"], same_pool["difference_high"]) == (0, 1)
    # Both problems differ by 0.5: no flip but the two equal ones reaches the sum; McNemar needs 0 or 1.
    assert (wide["difference"], wide["p_sign_flip"], wide["better"], wide["seeds"]) == (0.5, 0.5, 2, 2)
    assert np.isnan(wide["p_mcnemar"])
    assert same_pool["p_mcnemar"] == 1
    assert same_pool["p_holm"] == 1
    assert folder.frame(FILE)["difference"].tolist()[1:] == table["difference"].tolist()[1:]
    text = " ".join(capsys.readouterr().out.split())
    assert "One pool of paths behind best_of_n@4:majority, best_of_n@4:weighted/last" in text
    assert "upper bound" in text
    assert "Not all have the same seeds" in text


def test_a_comparison_of_two_has_no_holm_and_the_list_names_every_cell(folder, capsys):
    assert main(["compare", str(folder), "best_of_n@4", "dvts@4"]) == 0
    assert "Holm" not in capsys.readouterr().out
    assert main(["compare", str(folder)]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if re.match(r"\S+@\d+ ", line)]
    usable = [name for name in listed if name != "dvts@8"]
    assert len(usable) == 6
    assert [Results(folder).find(name).row["n"] for name in usable] == [int(n.split("@")[1]) for n in usable]


def test_at_equal_cost_each_is_compared_with_the_cheapest_that_costs_as_much(folder, capsys):
    table = compared(folder, "best_of_n", "axis=tokens", "by=level")
    names = ["best_of_n@4:weighted/last", "best_of_n+width=8@4:weighted/last", "dvts@4:weighted/last"]
    assert list(table.index) == names
    assert table["against"].fillna("").tolist() == ["", names[0], names[0]]
    assert table["difference"].isna().tolist() == [True, False, False]
    assert table["tokens"][names[0]] < table["tokens"][names[2]]
    said = " ".join(capsys.readouterr().out.split())
    assert f"{names[0]} is the dearest of its line, and costs less than {names[1]}, {names[2]}." in said
    by = folder.frame("compare_by").dropna(subset="against")
    assert by.groupby("level")["difference"].apply(list).to_dict() == {1: [-0.5, 0.0], 2: [0.5, 0.0]}
    assert by["p_holm"].tolist() == [1.0] * 4
    cheap = compared(
        folder, "best_of_n:majority", "best_of_n@1", "best_of_n@2", "dvts@4", "axis=generated_tokens"
    )
    assert cheap["against"].dropna().tolist() == [f"best_of_n@{n}:majority" for n in (1, 2, 4)]
    wide = compared(folder, "best_of_n+width=8", "dvts@4", "axis=tokens")  # at one n only
    assert wide["against"].dropna().tolist() == ["best_of_n+width=8@4:weighted/last"]


def test_an_axis_wants_a_line(folder):
    for words, fault in (
        (["best_of_n@4", "axis=flops"], "best_of_n@4: here a line is meant, at whichever n"),
        (["best", "axis=flops"], "best: no such line; take one of best_of_n, best_of_n+width=8, beam"),
        (["axis=flops"], "axis=flops: name what is compared"),
        (["best_of_n", "dvts@4", "dvts@4", "axis=flops"], "named twice"),
        (["best_of_n", "best_of_n@2", "axis=flops"], "or is of the line itself"),
        (["best_of_n", "axis=token"], "axis='token': must be 'n', 'tokens'"),
        (["best_of_n@4", "dvts@4", "by=subject"], "by='subject': must be 'level'"),
    ):
        with pytest.raises(UserError, match=re.escape(fault)):
            compared(folder, *words)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (
            "beam@3",
            "no such cell; take one of best_of_n@1, best_of_n@2, best_of_n@4, best_of_n+width=8@4, beam",
        ),
        (
            "bon-",
            "several cells are meant; take one of best_of_n@1, best_of_n@2, best_of_n@4, best_of_n+width",
        ),
        ("best_of_n+width=9@4", "no such cell"),
        ("best_of_n@4:final", "it has no vote final; take one of weighted/last, weighted/min"),
        ("best_of_n@4:best/max", "it has no vote best/max"),
        ("dvts@8", "incomplete, 2 searches are missing"),
        ("@4", "not a cell"),
        ("beam@4", "on 1, 1 in common: compare cells of one selection"),
        ("best_of_n@4:weighted", "named twice"),
    ],
)
def test_a_wrong_name_is_one_line_that_says_what_there_is(folder, name, fault):
    with pytest.raises(UserError) as error:
        compared(folder, "best_of_n@4", name)
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


def test_a_word_may_be_left_out_where_one_cell_remains(folder):
    results = Results(folder)
    assert results.find("beam@4").row["cell"] == results.find("beam+limit=1+policy=pol@4").row["cell"]
    assert results.find("best_of_n@4").row["variant"] == ""  # its full name, though another fits too
