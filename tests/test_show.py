"""`ttc show`: which problem and which search are meant, and a tree that shows what a model wrote as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as File

import pytest

from tests.hand import POOL, TREE, HandFolder, change, pool
from ttc.commands.cli import main
from ttc.readout import read_out
from ttc.settings.schema import ReadoutConfig
from ttc.studies.lookup import find_cells
from ttc.types import UserError

HOSTILE = "[red]x[/red] \x1b[31m\x07 \u202eabc\u2066 </script>\r\n" + "y" * 100_000
Show = Callable[..., tuple[int, str, str]]


@pytest.fixture
def show(tmp_path: File, capsys: pytest.CaptureFixture[str]) -> Show:
    """The command on tmp_path: its exit code, and what it says."""

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["show", str(tmp_path), *words])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def folder(tmp_path: File) -> HandFolder:
    """A pool, and a subtree of dvts whose first step is hostile."""
    folder = HandFolder(tmp_path)
    pool(folder)
    folder.search(TREE, "p", [(HOSTILE, [0.5], [3]), ("1", [0.25], [3])])
    for row in folder.rows["steps"]:
        row |= {"parent": "", "text": HOSTILE, "score": 0.5, "finish": "eos", "verb": "finish"}
    small = change(TREE, cell="dvts-2", n=2)
    folder.commit(POOL, change(POOL, cell="bon-2", n=2), small)
    read_out(folder.folder, ReadoutConfig())
    return folder


def test_what_a_model_wrote_is_shown_as_text(folder: HandFolder, show: Show) -> None:
    code, out, _ = show("p", "strategy=dvts")
    assert code == 0
    assert all(one.isprintable() for one in out.replace("\n", ""))
    line = next(line for line in out.splitlines() if line.startswith("└── 1 0.500 over "))
    assert "[red]x[/red] \\x1b[31m\\x07 \\u202eabc\\u2066 </script> y" in line
    assert max(map(len, out.splitlines())) < 160  # 100,000 characters of one text


def test_leaves_say_their_answers_and_votes_who_won(folder: HandFolder, show: Show) -> None:
    _, out, _ = show("p", "n=4")
    assert "p (d, level 1): best_of_n n=4, seed 0, done" in out
    assert "cells, too" not in out
    _, two, _ = show("p", "n=2")
    assert "p (d, level 1): dvts n=2," in two
    assert "The same words mean other cells, too: best_of_n n=2 (cell=bon-2)." in two
    ends = [line.partition("  = ")[2].strip() for line in out.splitlines() if "over" in line]
    assert ends == ["1, right, group 0", "2, wrong, group 1", "2, wrong, group 1", "no answer, wrong"]
    votes = [line.split() for line in out.partition("\nvotes\n")[2].splitlines()]
    assert ["weighted", "last", "1", "right", "0", "0.9,", "0.5", "headline"] in votes
    assert ["majority", "2", "wrong", "1", "1,", "2", "exploratory"] in votes


def test_a_search_that_returned_nothing_says_why(folder: HandFolder, show: Show) -> None:
    folder.search(POOL, "p", [], seed=1, status="cut")
    folder.rows["searches"][-1] |= {"units": 4, "reason": "4 steps, and search_steps=3"}
    folder.commit(change(POOL, seeds=(0, 1)))
    _, out, _ = show("p", "n=4", "seed=1")
    assert "nothing is there\ncut: 4 steps, and search_steps=3\n" in out
    assert "nothing: no path has such an answer  wrong" in out


def test_a_tree_for_programs_has_all_of_it(folder: HandFolder, show: Show) -> None:
    code, out, _ = show("p", "strategy=dvts", "--json")
    tree, votes = json.loads(out)["tables"]
    assert (code, tree["cell"], tree["n"], tree["status"]) == (0, "dvts-2", 2, "done")
    assert [node["texts"] for node in tree["rows"]] == [[HOSTILE], [HOSTILE]]
    assert [leaf["group"] for leaf in tree["leaves"]] == [0, 1]
    assert {"weighted", "best", "majority", "short_3", "oracle"} <= {vote["vote"] for vote in votes["rows"]}


def test_the_list_of_problems_has_their_solved_share(folder: HandFolder, show: Show) -> None:
    code, out, _ = show("--json")
    (table,) = json.loads(out)["tables"]
    assert code == 0
    assert [(row["place"], row["id"], row["level"]) for row in table["rows"]] == [(1, "p", 1), (2, "q", 2)]
    shares = [row["solved"] for row in json.loads(show("n=4", "--json")[1])["tables"][0]["rows"]]
    assert shares == [1, 0]  # weighted: 0.9 against 0.5; 0.8 against 0.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("x",), "x: no problem has this id, key or place; there is #1 p (p, d), #2 q (q, d)"),
        (("#3",), "#3: no problem has"),
        (
            ("p", "strategy=beam"),
            "strategy=beam: no such cell; there is best_of_n n=4, best_of_n n=2, dvts n=2",
        ),
        (("p", "seed=3"), "seed=3: dvts n=2 has 0"),
        (("p", "q", "n=0", "of=x"), "q: show takes one problem"),
    ],
)
def test_what_is_not_there_is_one_line(
    folder: HandFolder, show: Show, words: tuple[str, ...], said: str
) -> None:
    code, out, err = show(*words)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {said}")
    assert len(err.splitlines()) == (3 if len(words) == 4 else 1)


def test_no_results(tmp_path: File, show: Show) -> None:
    assert show("p") == (2, "", f"error: {tmp_path}: no results here (no cells in sweep.json)\n")


def test_of_what_is_not_said_a_guided_search_comes_first_and_the_largest_n() -> None:
    cells = [change(POOL, cell=f"bon-{n}", n=n) for n in (1, 4, 2)]
    cells += [change(TREE, cell=f"dvts-{n}", n=n) for n in (2, 8, 4)]
    names = [cell.cell for cell in find_cells(cells, {})]
    assert names == ["dvts-8", "dvts-4", "dvts-2", "bon-4", "bon-2", "bon-1"]
    assert find_cells(cells, {"strategy": "best_of_n"})[0].cell == "bon-4"
    assert [cell.cell for cell in find_cells(cells, {"n": 4})] == ["dvts-4", "bon-4"]
    assert [cell.cell for cell in find_cells(cells, {"cell": "dvts-2"})] == ["dvts-2"]
    with pytest.raises(UserError, match="n=3 prm=ver: no such cell; there is best_of_n n=1"):
        find_cells(cells, {"n": 3, "prm": "ver"})
