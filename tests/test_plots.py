"""The table and the picture that a sweep ends with, from rows of a readout."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.image import imread
from rich.console import Console

from ttc.report.console import keep_tables
from ttc.report.pictures import COLOURS, GREY, colours
from ttc.report.plots import _start, plot_accuracy
from ttc.report.summary import print_readout
from ttc.settings.schema import Doubts
from ttc.store import Folder

NAN = float("nan")
PANEL = {"policy": "pol", "prm": None, "dataset": "nano", "prompt": "plain"}
VOTES = {"weighted": "last", "best": "last", "majority": None, "oracle": None}


def cell(strategy: str, n: int, variant: str = "", missing: int = 0) -> list[dict[str, Any]]:
    """A row per vote of one cell, in both subsets; the wrong aggregation beside."""
    rows = []
    accuracy = NAN if missing else 0.5 + n / 20
    for vote, agg in (("best", "min"), *VOTES.items()):
        row = PANEL | {"cell": f"{strategy}{variant}", "strategy": strategy, "variant": f"limit=9 {variant}"}
        row |= {"n": n, "vote": vote, "agg": agg, "headline": vote == "weighted" and agg == "last"}
        row |= {"upper_bound": vote == "oracle", "problems": 9, "seeds": 2, "missing": missing, "failed": 0}
        row |= {"accuracy": accuracy, "accuracy_low": accuracy - 0.1, "accuracy_high": accuracy + 0.1}
        row |= {"generated_tokens": 100.0 * n, "policy_tokens": 300.0 * n, "prm_tokens": 200.0 * n}
        row |= {"flops": NAN, "seconds": 0.5, "mc_error": 0.0}
        row |= {"share_cut": 0.1, "share_blank": 0.0, "share_no_answer": NAN, "share_ungradable": 0.0}
        rows += [row | {"subset": subset} for subset in ("resample", "prefix")]
    return rows


@pytest.fixture
def rows() -> pd.DataFrame:
    cells = [*cell("dvts", 2, "width=2"), *cell("dvts", 4, "width=2"), *cell("dvts", 8, "width=2", missing=3)]
    cells += [*cell("best_of_n", 1), *cell("best_of_n", 4), *cell("greedy", 1)]
    frame = pd.DataFrame(cells)
    return frame.assign(variant=frame["variant"].str.strip())


def printed(rows: pd.DataFrame, width: int = 100) -> str:
    out = io.StringIO()
    print_readout(rows, Console(file=out, width=width), vars(Doubts()))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_the_table_names_its_subset_and_marks_headline_bound_and_gaps(rows: pd.DataFrame) -> None:
    assert printed(rows) == "\n".join(
        [
            "nano: policy pol, prm none, prompt plain, limit=9 (9 problems, 2 seeds)",
            "strategy     vote     n accuracy 95 % interval tokens PRM tokens GFLOP seconds",
            "greedy       one path 1     55.0  45.0 to 65.0    300        200     -     0.5 headline",
            "best_of_n    one path 1     55.0  45.0 to 65.0    300        200     -     0.5 headline",
            "             weighted 4     70.0  60.0 to 80.0   1.2k        800     -     0.5 headline",
            "             best     4     70.0  60.0 to 80.0   1.2k        800     -     0.5 exploratory",
            "             majority 4     70.0  60.0 to 80.0   1.2k        800     -     0.5 exploratory",
            "             oracle   4     70.0  60.0 to 80.0   1.2k        800     -     0.5 upper bound",
            "dvts width=2 weighted 2     60.0  50.0 to 70.0    600        400     -     0.5 headline",
            "             weighted 4     70.0  60.0 to 80.0   1.2k        800     -     0.5 headline",
            "             weighted 8        -    incomplete                                 3 missing",
            "             best     2     60.0  50.0 to 70.0    600        400     -     0.5 exploratory",
            "             best     4     70.0  60.0 to 80.0   1.2k        800     -     0.5 exploratory",
            "             best     8        -    incomplete                                 3 missing",
            "             majority 2     60.0  50.0 to 70.0    600        400     -     0.5 exploratory",
            "             majority 4     70.0  60.0 to 80.0   1.2k        800     -     0.5 exploratory",
            "             majority 8        -    incomplete                                 3 missing",
            "             oracle   2     60.0  50.0 to 70.0    600        400     -     0.5 upper bound",
            "             oracle   4     70.0  60.0 to 80.0   1.2k        800     -     0.5 upper bound",
            "             oracle   8        -    incomplete                                 3 missing",
            "subset resample: the mean over random subsets of a pool; aggregation last; costs are means per",
            "problem, stand-alone.",
            "The headline was declared before the run; every other vote is exploratory, oracle an upper "
            "bound.",
        ]
    )


def test_a_pipe_loses_no_column(rows: pd.DataFrame) -> None:
    narrow = printed(rows, width=60).splitlines()
    assert [line for line in printed(rows).splitlines() if "95 %" in line or "bound" in line][:4] == [
        line for line in narrow if "95 %" in line or "bound" in line
    ][:4]


def test_programs_get_the_whole_variant(rows: pd.DataFrame) -> None:
    with keep_tables() as tables:
        print_readout(rows, Console(), vars(Doubts()))
    (table,) = tables
    assert {row["variant"] for row in table.rows} == {"limit=9", "limit=9 width=2"}


def test_the_picture_is_written_whole_and_again_over_itself(rows: pd.DataFrame, tmp_path: Path) -> None:
    target = tmp_path / "plots" / "accuracy.png"
    for shown in (rows, pd.concat([rows, rows.assign(policy="other")])):
        Folder(tmp_path).write_bytes("plots/accuracy.png", plot_accuracy(shown))
    assert min(imread(target).shape[:2]) > 400
    assert [file.name for file in target.parent.iterdir()] == ["accuracy.png"]


def test_a_strategy_and_a_vote_that_no_list_knows_are_drawn_and_printed(rows: pd.DataFrame) -> None:
    strange = rows.replace({"strategy": {"dvts": "mine"}, "vote": {"majority": "loudest"}})
    assert plot_accuracy(strange).startswith(b"\x89PNG")
    assert "mine width=2" in printed(strange)
    assert "loudest  4" in printed(strange)


def test_a_strategy_has_the_same_colour_in_every_picture() -> None:
    line_of = {
        "dvts": "dvts",
        "mine w=2": "mine",
        "beam": "beam",
        "greedy": "greedy",
        "best_of_n": "best_of_n",
    }
    assert colours(line_of) == {
        **{"greedy": GREY, "best_of_n": COLOURS[0], "beam": COLOURS[1], "dvts": COLOURS[2]},
        "mine w=2": COLOURS[3],
    }


def test_a_line_starts_at_the_shared_cell_of_its_own_settings() -> None:
    variants = ["", "temperature=0.6", "temperature=1.0"]
    starts = pd.DataFrame([{"variant": v, "vote": "best", "accuracy": i} for i, v in enumerate(variants)])
    assert _start(starts, "temperature=0.6 width=2", "best")["accuracy"].tolist() == [1]
    assert _start(starts, "width=2", "best")["accuracy"].tolist() == [0]
    assert _start(starts[:0], "width=2", "best").empty
