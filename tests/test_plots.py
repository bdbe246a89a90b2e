import io
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.image import imread
from rich.console import Console

from tests.test_readout import CELLS, POOL, TREE, Folder, pool
from ttc.report.plots import _start, plot_accuracy
from ttc.report.summary import print_table


@pytest.fixture
def rows(tmp_path):
    folder = Folder(tmp_path)
    pool(folder)
    pool(folder, TREE)
    greedy = replace(POOL, cell="greedy", family="greedy", strategy="greedy", n=1, unit=None)
    for problem in ("p", "q"):
        folder.search(greedy, problem, [("1", [0.5], [5])])
    trees = [replace(TREE, cell=f"dvts-{n}", n=n, variant="width=2") for n in (2, 4, 8)]
    folder.commit(*CELLS, greedy, *trees)
    return folder.rows_of()


def printed(rows, width=100):
    console = Console(file=io.StringIO(), width=width)
    print_table(rows, console)
    return console.file.getvalue()


def test_the_table_names_its_subset_and_marks_headline_bound_and_gaps(rows):
    text = printed(rows)
    assert all(len(line.rstrip()) <= 100 for line in text.splitlines())
    lines = [line.split() for line in text.splitlines()]
    assert ["best_of_n", "one", "path", "1"] in [line[:4] for line in lines]
    assert [line[-1] for line in lines if line[:2] == ["weighted", "4"]] == ["headline", "headline"]
    assert [line[-2:] for line in lines if line[:2] == ["oracle", "2"]] == [["upper", "bound"]] * 2
    assert ["weighted", "8", "-", "incomplete", "2", "missing"] in lines
    assert "subset resample" in text
    narrow = printed(rows, width=60).splitlines()
    assert [line for line in text.splitlines() if "95 %" in line or "bound" in line][:5] == [
        line for line in narrow if "95 %" in line or "bound" in line
    ][:5]  # a pipe loses no column


def test_the_picture_is_written_whole_and_again_over_itself(rows, tmp_path):
    target = tmp_path / "plots" / "accuracy.png"
    plot_accuracy(rows, target)
    plot_accuracy(pd.concat([rows, rows.assign(policy="other")]), target)
    assert min(imread(target).shape[:2]) > 400
    assert [file.name for file in target.parent.iterdir()] == ["accuracy.png"]


def test_a_line_starts_at_the_shared_cell_of_its_own_settings():
    variants = ["", "temperature=0.6", "temperature=1.0"]
    starts = pd.DataFrame([{"variant": v, "vote": "best", "accuracy": i} for i, v in enumerate(variants)])
    assert _start(starts, "temperature=0.6 width=2", "best")["accuracy"].tolist() == [1]
    assert _start(starts, "width=2", "best")["accuracy"].tolist() == [0]
    assert _start(starts[:0], "width=2", "best").empty
