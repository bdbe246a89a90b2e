"""The report's data: what is said of a study, its pairs, and how much goes along; how a folder is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests import hand
from tests.hand import POOL, TREE, HandFolder, change
from tests.pages import core_of
from ttc.commands.cli import main
from ttc.report.console import make_console
from ttc.report.page import pack, render
from ttc.store import Folder
from ttc.studies.compare import compare
from ttc.studies.page import forests, make_report
from ttc.studies.page.findings import find
from ttc.studies.page.panels import make_pairs, make_panels
from ttc.studies.page.sources import Source

PROBLEMS = [f"p{i}" for i in range(12)]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Makes a folder in which best_of_n@4 solves nothing and dvts@4 the first so many of twelve problems."""
    monkeypatch.setattr(hand, "GOLD", dict.fromkeys(PROBLEMS, "1"))

    def make(solved: int) -> Folder:
        folder = HandFolder(tmp_path / f"solved-{solved}")
        for place, problem in enumerate(PROBLEMS):
            right = "1" if place < solved else "2"
            folder.search(POOL, problem, [("2", [0.5], [5])] * 4)
            folder.search(change(TREE, unit=2), problem, [(right, [0.5], [5])] * 4)
        folder.commit(POOL, change(TREE, n=4), problems=PROBLEMS)
        folder.rows_of()
        return folder.folder

    return make


def panel_of(folder):
    (panel,) = make_panels([Source.of(folder)])
    return panel


@pytest.mark.parametrize(
    ("solved", "said"),
    [
        (12, "dvts beats best_of_n at 4 by 100.0 points (100.0 to 100.0)."),
        (8, "dvts beats best_of_n at 4 by 66.7 points (41.7 to 91.7)."),
        (3, "No difference between dvts and best_of_n is shown at 4 (at 4: +25.0, +0.0 to +50.0)."),
        (0, "No difference between dvts and best_of_n is shown at 4 (at 4: +0.0, +0.0 to +0.0)."),
    ],
)
def test_a_finding_is_what_the_paired_test_supports(study, solved, said):
    assert find(panel_of(study(solved)))[0] == said


def test_the_pages_pairs_are_those_of_compare(study):
    folder = study(8)
    panel = panel_of(folder)
    pairs = make_pairs(panel.correct(panel.compared))
    readings = panel.compared["reading"]
    assert len(pairs["a"]) == len(list(itertools.combinations(readings, 2))) > 20
    for place in (0, 7, len(pairs["a"]) - 1):
        names = [readings[pairs[side][place]] for side in "ba"]
        (_, row) = compare(folder, names, make_console()).to_dict("records")
        assert pairs["difference"][place] == pytest.approx(100 * row["difference"], abs=0.005)
        assert pairs["difference_low"][place] == pytest.approx(100 * row["difference_low"], abs=0.005)
        assert pairs["p_sign_flip"][place] == pytest.approx(row["p_sign_flip"], abs=1e-5)
        assert (pairs["better"][place], pairs["worse"][place]) == (row["better"], row["worse"])


def test_cells_on_other_problems_are_not_paired():
    import pandas as pd

    correct = pd.DataFrame({0: [1.0, 0.0], 1: [0.0, np.nan], 2: [0.0, 0.0]})
    pairs = make_pairs(correct)
    assert (pairs["a"], pairs["b"], pairs["difference"]) == ([0], [2], [50.0])


def test_what_a_model_wrote_is_packed_and_never_a_tag():
    wild = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\ud800"
    page = render(f"<b>{wild[:5]}", {"text": wild}, {"trees-0-0": pack({"text": wild})}).decode()
    assert "alert(1)" not in page
    assert page.count("</script>") == 4  # core, licences, the trees and the script
    assert "&lt;b&gt;" in page
    assert core_of(page.encode())["text"] == wild.replace("\ud800", "?")


def test_trees_go_along_as_far_as_there_is_room(study, monkeypatch):
    folder = study(8)
    core = core_of(make_report([folder])[0])
    assert [one["key"] for one in core["panels"][0]["trees"]] == PROBLEMS
    monkeypatch.setattr(forests, "ROOM", 4000)
    core = core_of(make_report([folder])[0])
    here = len(core["panels"][0]["trees"])
    assert 0 < here < len(PROBLEMS)
    assert f"Trees of {here} of 12 problems have room" in core["trees_note"]


def test_several_folders_are_one_page(study):
    page, found = make_report([study(8), study(3)])
    (panel,) = core_of(page)["panels"]
    lines = {one["line"] for one in panel["readings"]}
    assert lines == {f"{name} [solved-{n}]" for name in ("best_of_n", "dvts") for n in (8, 3)}
    assert found[0]["found"] == (
        "dvts [solved-8] beats best_of_n [solved-8] at 4 by 66.7 points (41.7 to 91.7)."
    )


def test_a_folder_that_cannot_be_shown_says_what_it_is(study, tmp_path, capsys):
    folder = study(8)
    assert main(["report", str(tmp_path)]) == 2
    assert "no results here (no sweep.json)" in capsys.readouterr().err
    assert main(["report", str(folder), str(study(3))]) == 2
    assert "say where it goes, as in out=report.html" in capsys.readouterr().err
    assert main(["report", str(folder), "otu=x"]) == 2
    assert "did you mean out?" in capsys.readouterr().err
    sweep = folder.local("sweep.json")
    sweep.write_text(sweep.read_text().replace('"schema": 2', '"schema": 1'))
    assert main(["report", str(folder)]) == 2
    assert "written by ttc's schema 1" in capsys.readouterr().err


def test_a_half_written_folder_is_shown_as_far_as_it_is(tmp_path, monkeypatch, capsys):
    """A launch was killed: no readout, one cell complete and one not."""
    monkeypatch.setattr(hand, "GOLD", dict.fromkeys(PROBLEMS, "1"))
    folder = HandFolder(tmp_path / "killed")
    for problem in PROBLEMS:
        folder.search(POOL, problem, [("1", [0.5], [5])] * 4)
    folder.search(TREE, "p0", [("1", [0.5], [5])] * 4)
    folder.commit(POOL, TREE, problems=PROBLEMS)
    runs = folder.folder.runs()
    folder.folder.save_runs([runs[0] | {"status": "running"}])
    assert main(["report", str(folder.folder)]) == 0
    assert "best_of_n at 4 solves 100.0 %" in " ".join(capsys.readouterr().out.split())
    (panel,) = core_of(folder.folder.local("report.html").read_bytes())["panels"]
    assert any("1 of the cells are incomplete" in one for one in panel["warnings"])


def test_a_sweep_of_which_nothing_came_has_a_report(tmp_path, launch, capsys):
    assert launch("n=4", "dataset.limit=3", "policy.fail_rate=1") == 1
    (panel,) = core_of((tmp_path / "default/report.html").read_bytes())["panels"]
    assert panel["findings"] == ["Nothing is complete yet: 3 searches missing."]
    assert panel["failed"][0]["title"] == "3 searches without a full result"
