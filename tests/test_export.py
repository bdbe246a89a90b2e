"""`ttc export`: tables on their way out say what the folder says, and no file is half-written."""

from __future__ import annotations

import csv
import io
import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ttc.commands.cli import main
from ttc.readout.votes import VOTES
from ttc.store import Folder
from ttc.strategies.aggregations import aggregate

Export = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> File:
    """Two strategies; the pool is scored by a second verifier."""
    path = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTC_CACHE", "off")
        fakes = ("policy=fake", "prm=fake", "cluster=none", "name=x", f"results_dir={path}")
        assert main(["run", "-m", "strategy=best_of_n,beam", "n=1,4", "dataset.limit=5", *fakes]) == 0
        assert main(["rescore", str(path / "x"), "prm=length", "cluster=none"]) == 0
    return path / "x"


@pytest.fixture
def export(results: File, capsys: pytest.CaptureFixture[str]) -> Export:
    """The command: its exit code, and what it says."""

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["export", str(results), *words])
        return code, *capsys.readouterr()

    return call


def test_a_flat_row_has_what_the_tables_say_of_its_path(
    results: File, export: Export, tmp_path: File
) -> None:
    code, out, _ = export("table=flat", f"out={tmp_path / 'flat.parquet'}")
    assert (code, "flat.parquet" in out) == (0, True)
    folder = Folder(results)
    rows = pd.read_parquet(tmp_path / "flat.parquet").set_index("path")
    paths = folder.read("paths").to_pandas().set_index("path")
    assert [*rows.index] == [*paths.index]
    assert [*rows["text"]] == ["".join(steps) for steps in paths["steps"]]
    assert [*rows["tokens"]] == [sum(counts) for counts in paths["step_tokens"]]
    grades = folder.read("grades").to_pandas().set_index("path").loc[rows.index]
    assert [*rows["right"]] == [*grades["verdict"]]
    assert [*rows["answer"].fillna("")] == [*grades["answer"].fillna("")]
    problems = folder.frame("problems").set_index("problem_key").loc[rows["problem_key"]]
    assert [*rows["question"]] == [*problems["question"]]
    assert [*rows["gold"]] == [*problems["gold"]] == [*grades["gold"]]
    scores = folder.read("scores").to_pandas()
    for prm in ("fake", "length"):
        own = scores[scores["prm"] == prm].set_index("path")["scores"]
        told = rows[f"scores_{prm}"].dropna()
        assert {path: [*one] for path, one in told.items()} == {path: [*one] for path, one in own.items()}
        least = rows[f"score_min_{prm}"].dropna()
        assert [*least] == pytest.approx([aggregate([*own[path]], "min") for path in least.index])
        assert len(least) == len(own)
    assert rows["scores_length"].isna().sum() == (rows["strategy"] == "beam").sum() > 0


def test_csv_is_the_table(results: File, export: Export, tmp_path: File) -> None:
    for words in ((), (f"out={tmp_path / 'a.csv'}",)):
        code, out, _ = export("table=answers", *words)
        text = (tmp_path / "a.csv").read_text() if words else out
        told, wanted = pd.read_csv(io.StringIO(text), dtype={"answer": str}), Folder(results).frame("answers")
        assert (code, [*told.columns]) == (0, [*wanted.columns])
        for name in ("cell", "problem_key", "seed", "answer", "correct", "agg"):
            same = told[name].astype(object).where(told[name].notna(), None)
            assert [*same] == [*wanted[name].astype(object).where(wanted[name].notna(), None)]
    _, out, _ = export("table=paths")
    first = next(csv.DictReader(io.StringIO(out)))
    assert json.loads(first["steps"]) == Folder(results).read("paths")["steps"][0].as_py()


def test_the_headline_for_people_and_programs(export: Export, tmp_path: File) -> None:
    _, latex, _ = export("--as", "latex")
    assert "\\toprule" in latex
    assert "exploratory" not in latex.partition("\\bottomrule")[0]
    for end, form in (("tex", "latex"), ("md", "markdown"), ("json", "json"), ("csv", "csv")):
        assert export(f"out={tmp_path / f'a.{end}'}")[0] == 0
        assert (tmp_path / f"a.{end}").read_text() == export("--as", form)[1]
    (table,) = json.loads(export("table=readout", "--json")[1])["tables"]
    assert {row["vote"] for row in table["rows"]} == {
        name for name, vote in VOTES.items() if vote.columns <= {"scores", "tokens"}
    }
    (told,) = json.loads(export("table=readout", f"out={tmp_path / 'r.csv'}", "--json")[1])["tables"]
    assert told["rows"][0]["table"] == "readout"


@pytest.fixture
def full() -> Iterator[None]:
    """No file can grow beyond 4 kB: what a full disk does to one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_file_that_does_not_fit_is_not_there_and_an_earlier_one_stays(
    full: None, export: Export, tmp_path: File, name: str
) -> None:
    place = tmp_path / name
    for before in (None, b"earlier"):
        if before:
            place.write_bytes(before)
        code, out, err = export("table=flat", f"out={place}")
        assert (code, out) == (1, "")
        assert err == f"error: {place}: cannot be written (File too large)\n"
        assert [file.name for file in tmp_path.iterdir()] == [name] * bool(before)
    assert place.read_bytes() == b"earlier"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("table=nope",), "has no such table; there is headline, flat, paths, steps"),
        (("table=../x",), "table='../x': must be headline, flat, or"),
        (("out=a.txt",), "out=a.txt: its ending says the form; take one of .csv, .parquet"),
        (("out=a.parquet",), "out=a.parquet: the headline is for people; its Parquet is table=readout"),
        (("flat",), "flat: settings read key=value"),
        (("form=csv",), "form: unknown key; known keys: table, out"),
    ],
)
def test_a_mistake_is_one_line(export: Export, words: tuple[str, ...], said: str) -> None:
    code, out, err = export(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


def test_nothing_is_written_into_the_results_folder_or_over_another(
    results: File, export: Export, tmp_path: File
) -> None:
    code, _, err = export("table=answers", f"out={results / 'readout.csv'}")
    assert (code, "lies in the results folder" in err) == (2, True)
    (tmp_path / "a.csv").mkdir()
    code, _, err = export("table=answers", f"out={tmp_path / 'a.csv'}")
    assert (code, err) == (2, f"error: {tmp_path}/a.csv: a folder, where a file belongs\n")


def test_a_folder_from_before_there_were_questions(results: File, export: Export, tmp_path: File) -> None:
    (results / "problems.parquet").rename(tmp_path / "kept")
    try:
        code, out, _ = export("table=flat")
        rows: Any = pd.read_csv(io.StringIO(out))
    finally:
        (tmp_path / "kept").rename(results / "problems.parquet")
    assert code == 0
    assert rows["question"].isna().all()
    assert set(np.unique(rows["right"])) == {False, True}
