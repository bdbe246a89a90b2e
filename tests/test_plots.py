"""The table that a sweep ends with, and the figures, from rows of a readout."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from rich.console import Console

from ttc.report.console import keep_tables
from ttc.report.draw import draw_all, draw_headline
from ttc.report.figures import accuracy, incomplete, levels, majority, searches, selection, start, votes
from ttc.report.labels import spread
from ttc.report.pictures import COLOURS, GREY, colours, octaves, styled
from ttc.report.plots import Subject, draw_lines
from ttc.report.summary import print_readout
from ttc.settings.schema import Doubts
from ttc.store import Folder
from ttc.strategies import STRATEGIES
from ttc.types import Reference

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


@pytest.fixture
def by_rows(rows: pd.DataFrame) -> pd.DataFrame:
    seeds = [rows.assign(level=NAN, seed=seed) for seed in (0, 1)]
    return pd.concat([rows.assign(level=level, seed=NAN) for level in (1, 2)] + seeds)


def told(points: pd.DataFrame, *columns: str) -> list[Any]:
    """What a frame says in these columns, each once; "" where nothing is said."""
    return list(points[list(columns)].fillna("").drop_duplicates().itertuples(index=False, name=None))


def test_the_headline_figure_has_the_declared_votes_greedy_and_the_samples_upper_bound(
    rows: pd.DataFrame,
) -> None:
    points = accuracy(rows)
    assert told(points, "line", "vote", "agg") == [
        *(("greedy", "weighted", "last"), ("best_of_n", "weighted", "last"), ("best_of_n", "oracle", "")),
        ("dvts width=2", "weighted", "last"),
    ]
    line = points[points["line"] == "dvts width=2"]
    assert line[["n", "accuracy", "shared"]].values.tolist() == [
        *([1, 0.55, True], [2, 0.6, False], [4, 0.7, False])  # n = 8 is incomplete
    ]
    assert incomplete(rows) == {"nano: policy pol, prm none, prompt plain, limit=9": ["dvts width=2@8"]}


def test_one_path_is_no_line_of_a_search_whose_vote_is_not_its_headline(rows: pd.DataFrame) -> None:
    """`strategy=majority,weighted,dvts`: the first named vote is the headline at n = 1."""
    pool, one = rows["strategy"] == "best_of_n", rows["n"] == 1
    first = pool & (rows["vote"] == "majority")
    named = rows.assign(headline=(rows["headline"] & ~(pool & one)) | first)
    found = accuracy(named)
    assert ("dvts width=2", "majority") not in told(found, "line", "vote")
    assert found[found["vote"] == "majority"]["n"].tolist() == [1, 4]
    assert found[(found["line"] == "best_of_n") & (found["vote"] == "weighted")]["n"].tolist() == [1, 4]


def test_every_figure_shows_what_it_is_of(rows: pd.DataFrame, by_rows: pd.DataFrame) -> None:
    every = ["weighted", "best", "majority", "oracle"]
    assert told(votes(rows), "facet", "vote") == [
        (line, vote) for line in ("best_of_n", "dvts width=2") for vote in every
    ]
    assert told(majority(rows), "line", "vote", "n") == [
        *(("best_of_n", "majority", 1), ("best_of_n", "majority", 4), ("greedy", "weighted", 1))
    ]
    assert told(selection(rows), "facet", "vote", "agg") == [
        *(("last", "weighted", "last"), ("last", "best", "last"), ("last", "majority", "")),
        *(("min", "best", "min"), ("min", "majority", "")),
    ]
    assert told(searches(rows), "line", "vote") == [
        *(("best_of_n", "weighted"), ("best_of_n", "majority"), ("dvts width=2", "weighted"))
    ]
    points = levels(by_rows)
    assert told(points, "facet", "bar", "level", "one_path") == [
        (f"n = {n}", bar, level, 0.55)
        for n, bars in ((2, ["dvts width=2"]), (4, ["best_of_n", "dvts width=2"]))
        for bar in bars
        for level in (1, 2)
    ]


def test_the_pictures_are_those_that_the_rows_have_something_for(
    rows: pd.DataFrame, by_rows: pd.DataFrame, tmp_path: Path
) -> None:
    def drawn(name: str, rows: pd.DataFrame, by_rows: pd.DataFrame) -> set[str]:
        names = draw_all(Folder(tmp_path / name), rows, by_rows, [Reference("theirs", 0.8, "a paper")])
        files = {file.name for file in (tmp_path / name / "plots").iterdir()}
        assert files == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
        return set(names)

    every = {"accuracy", "votes", "majority", "best_of_n", "searches", "difficulty"}
    both = [pd.concat([one, one.assign(policy="other")]) for one in (rows, by_rows)]
    assert drawn("all", rows, by_rows) == drawn("two policies", *both) == every
    assert drawn("flops known", rows.assign(flops=1e9 * rows["n"]), by_rows) == every | {"compute"}
    assert drawn("no search", rows[rows["strategy"] == "best_of_n"], by_rows[:0]) == every - {
        "searches",
        "difficulty",
    }
    assert drawn("no scores", rows[rows["agg"].isna()], by_rows[:0]) == {"accuracy", "votes", "majority"}
    assert drawn("one path", rows[rows["n"] == 1], by_rows[:0]) == {"accuracy", "votes"}
    assert drawn("nothing", rows[rows["missing"] > 0], by_rows[:0]) == {"accuracy"}


def test_lines_are_the_frames_points(rows: pd.DataFrame) -> None:
    points = accuracy(rows)
    with styled():
        figure = draw_lines(
            points, Subject("", "generated_tokens"), [Reference("theirs", 0.8, "a paper", n=4)]
        )
    (axes,) = figure.axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()]
    for _, part in points.groupby(["line", "vote"]):
        assert (part["generated_tokens"].tolist(), part["accuracy"].tolist()) in lines
    assert ([0, 1], [0.8, 0.8]) in lines
    assert {text.get_text() for text in axes.texts} == {
        "greedy",
        "best_of_n",
        "dvts width=2",
        "pass@n",
        "theirs",
    }
    assert "theirs: 80.0 % with n = 4, a paper." in [text.get_text() for text in figure.texts][-1]


def test_equal_rows_are_equal_files_whose_text_is_text_whatever_names_are(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows = rows.assign(policy='<b>&"', dataset="$\\frac{x$ \x01\u202e\u65e5")
    texts = []
    for name in ("a", "b"):
        draw_headline(Folder(tmp_path / name), rows)
        texts.append(
            [(tmp_path / name / "plots" / f"accuracy.{kind}").read_bytes() for kind in ("png", "svg")]
        )
    assert texts[0] == texts[1]
    said = [text for text in ElementTree.fromstring(texts[0][1]).itertext() if text.strip()]
    assert any(text.startswith('$\\frac{x$ \ufffd\ufffd\u65e5: policy <b>&", prm none') for text in said)
    assert {"best_of_n", "dvts width=2"} <= set(said)


@given(st.lists(st.floats(0, 250), max_size=12).map(sorted))
def test_names_keep_their_distance_and_move_no_further_than_they_must(wanted: list[float]) -> None:
    places = spread(wanted, 10, 0, 250)
    gaps = [after - before for before, after in pairwise(places)]
    assert all(gap >= 10 - 1e-6 for gap in gaps)
    assert not places or (places[0] >= -1e-6 and places[-1] <= 250 + 1e-6)
    if all(after - before >= 10 for before, after in pairwise(wanted)):
        assert places == pytest.approx(wanted)


def test_a_strategy_and_a_vote_that_no_list_knows_are_drawn_and_printed(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    strange = rows.replace({"strategy": {"dvts": "mine"}, "vote": {"majority": "loudest"}})
    assert "searches" in draw_all(Folder(tmp_path), strange, strange[:0].assign(level=NAN))
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
        "mine w=2": COLOURS[(len(STRATEGIES) - 1) % len(COLOURS)],  # behind the registry, free here
    }
    assert colours({"dvts": "dvts"}) == {"dvts": COLOURS[2]}


def test_lines_share_a_colour_only_where_they_are_more_than_colours() -> None:
    lines = {f"beam w={i}": "beam" for i in range(len(COLOURS))}
    assert set(colours(lines).values()) == set(COLOURS)
    assert colours(lines)["beam w=0"] == COLOURS[1]
    assert len(colours(lines | {"mine": "mine"})) == len(COLOURS) + 1
    every = colours({name: name for name in STRATEGIES if name != "greedy"})
    assert len(set(every.values())) == min(len(every), len(COLOURS))


def test_a_line_starts_at_the_shared_cell_of_its_own_settings() -> None:
    variants = ["", "temperature=0.6", "temperature=1.0"]
    starts = pd.DataFrame([{"variant": v, "vote": "best", "accuracy": i} for i, v in enumerate(variants)])
    assert start(starts, "temperature=0.6 width=2", "best")["accuracy"].tolist() == [1]
    assert start(starts, "width=2", "best")["accuracy"].tolist() == [0]
    assert start(starts[:0], "width=2", "best").empty


@pytest.mark.parametrize("most", [6, 9])
@pytest.mark.parametrize("factor", [1, 4, 1e2, 1e4, 1e7])
@pytest.mark.parametrize("least", [64, 2e8, 1e12])
def test_a_scale_of_costs_has_some_marks_and_not_too_many(least: float, factor: float, most: int) -> None:
    with styled():
        axes = Figure().subplots()
        octaves(axes, [least, least * factor], most=most)
        low, high = axes.get_xlim()
        assert 1 <= sum(low <= tick <= high for tick in axes.get_xticks()) <= most
