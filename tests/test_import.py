"""`ttc import sal`: what becomes of search-and-learn's rows, and what is refused before it is written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conftest import DATA, data_file
from ttc.commands.cli import main
from ttc.readout import read_out
from ttc.sal.belonging import check_belonging
from ttc.sal.rows import steps_of
from ttc.sal.settings import parse, told_by
from ttc.sal.source import HEADER, read_source
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder
from ttc.types import UserError

BOX = "Some thought.\n\nSo it is \\boxed{%s}."
NAN = float("nan")


def row(id_: str = "a", answers: tuple[str, ...] = ("1", "2", "2", "2"), **more: Any) -> dict[str, Any]:
    """Two steps a completion; scores that prefer the first."""
    scores = [[0.5, 0.9]] + [[0.5, 0.1]] * (len(answers) - 1)
    usual = {"problem": f"How many are in {id_}?", "answer": "1", "unique_id": id_, "level": 2}
    return usual | {"completions": [BOX % answer for answer in answers], "scores": scores} | more


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    """`ttc import sal` into tmp_path/out; no grading process."""
    usual = ["policy=p", "dataset=d", "name=out", f"results_dir={tmp_path}", "readout.grader=exact"]
    return lambda *words: main(["import", "sal", *map(str, words), *usual])


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    found = Folder(folder).read(table).to_pylist()
    return sorted(found, key=lambda one: (one["seed"], int(one.get("address") or 0)))


# --- What becomes of a file -----------------------------------------------------------------------------


def test_a_pool_is_read_out_as_one_of_ours(run, tmp_path):
    file = write(tmp_path / "bon.jsonl", row("a"), row("b", ("3", "1", "1", "3")))
    assert run(file) == 0
    readout = read_out(Folder(tmp_path / "out"), ReadoutConfig(grader="exact"))["readout"].to_pandas()
    assert set(readout["strategy"]) == {"sal_best_of_n"}
    found = readout[(readout["subset"] == "prefix") & readout["agg"].isin([None, "last"])]
    accuracy = found.set_index(["vote", "n"])["accuracy"]
    assert [accuracy["majority", n] for n in (1, 2, 4)] == [0.5, 0.5, 0]  # b: a tie goes to 3, seen first
    assert [accuracy["best", n] for n in (1, 2, 4)] == [0.5] * 3
    assert [accuracy["oracle", n] for n in (1, 2, 4)] == [0.5, 1, 1]
    assert readout["generated_tokens"].isna().all()  # nobody counted them
    entry = Folder(tmp_path / "out").runs()[0]
    assert (entry["command"], len(entry["sources"][0]["sha256"])) == ("import", 64)


@pytest.mark.parametrize(
    ("text", "scores", "kept", "raw", "status"),
    [
        ("A\n\nB", [0.1, 0.2], [0.1, 0.2], None, "ok"),
        ("A\n\nB", [0.1, 0.2, 0.9], [0.1, 0.2], [0.1, 0.2, 0.9], "ok"),  # of the empty step behind the text
        ("A\n\nB\n\n", [0.1, 0.2, 0.9], [0.1, 0.2], [0.1, 0.2, 0.9], "ok"),
        ("A\n\n\n\nB", [0.1, 0.9, 0.2], [0.1, 0.2], [0.1, 0.9, 0.2], "ok"),
        (HEADER + "A\n\nB", [0.9, 0.1, 0.2], [0.1, 0.2], [0.9, 0.1, 0.2], "ok"),
        ("A\n\nB", [0.1], [0.1, None], [0.1], "unscored"),
        ("A\n\nB", [0.1, NAN], [0.1, None], None, "unscored"),
        ("A\n\nB", None, [None, None], None, "unscored"),
        ("A\n\nB", [0.1] * 5, [None, None], [0.1] * 5, "unscored"),  # of lines? whose they are is not known
    ],
)
def test_scores_lie_on_the_steps_that_are_not_blank(run, tmp_path, text, scores, kept, raw, status):
    file = write(tmp_path / "beam.jsonl", row(completions=[text, "C"], scores=[scores, [0.5]]))
    assert run(file) == 0
    path = rows(tmp_path / "out", "paths")[0]["path"]
    (found,) = [one for one in Folder(tmp_path / "out").read("scores").to_pylist() if one["path"] == path]
    assert (found["scores"], found["raw_scores"], found["status"]) == (kept, raw, status)


@pytest.mark.parametrize(
    ("text", "scores", "kept", "raw"),
    [
        ("A\n\nB", [-4.0, 4.0], [0.018, 0.982], [-4.0, 4.0]),
        ("A\n\n\n\nB", [-4.0, 9.0, float("-inf")], [0.018, 0], [-4.0, float("-inf")]),  # one is nobody's
        ("A\n\nB", [-4.0], [0.018, None], [-4.0, None]),
        ("A\n\nB", None, [None, None], None),
    ],
)
def test_log_likelihoods_go_through_a_sigmoid_where_that_is_said(
    run, tmp_path, capsys, text, scores, kept, raw
):
    file = write(tmp_path / "beam.jsonl", row(completions=[text, "C"], scores=[scores, [0.5]]))
    if scores:
        assert run(file) == 2
        assert "is not in [0, 1]; scores=sigmoid makes probabilities of" in capsys.readouterr().err
    assert run(file, "scores=sigmoid") == 0
    path = rows(tmp_path / "out", "paths")[0]["path"]
    (found,) = [one for one in Folder(tmp_path / "out").read("scores").to_pylist() if one["path"] == path]
    known = [score if score is None else round(score, 3) for score in found["scores"]]
    assert (known, found["raw_scores"]) == (kept, raw)
    assert "scores made by a sigmoid" in capsys.readouterr().out


@pytest.mark.parametrize("scores", [[[-4.08]] * 4, [["x"]] * 4, [0.5] * 4, [[0.5]], "none"])
def test_scores_that_cannot_be_read_can_be_left_out(run, tmp_path, capsys, scores):
    file = write(tmp_path / "bon.jsonl", row(scores=scores))
    assert run(file) == 2
    assert "scores=ignore imports the file without them" in capsys.readouterr().err
    assert run(file, "scores=ignore") == 0
    assert not rows(tmp_path / "out", "scores")
    assert {path["prm"] for path in rows(tmp_path / "out", "paths")} == {None}


def test_the_text_is_all_there_but_for_the_header_and_what_is_unknown_is_null(run, tmp_path, capsys):
    texts = [HEADER + "A\n\n\n\nB\n\n", "C\ud83d"]
    file = write(tmp_path / "best-of-n.jsonl", row(completions=texts, scores=None, completion_tokens=[0, 7]))
    assert run(file) == 0
    paths = rows(tmp_path / "out", "paths")
    assert [path["steps"] for path in paths] == [["A\n\n", "\n\n", "B\n\n"], ["C?"]]
    assert [path["finish"] for path in paths] == [None, "eos"]
    assert steps_of("") == []
    (search,) = rows(tmp_path / "out", "searches")
    assert search["generated_tokens"] is None
    assert {paths[0]["prm"], *(c["verifier"] for c in Folder(tmp_path / "out").runs()[0]["cells"])} == {None}
    assert "1 completions began with the chat header" in capsys.readouterr().out


def test_a_second_import_changes_nothing_and_seeds_join(run, tmp_path):
    first, second = write(tmp_path / "dvts-0.jsonl", row()), write(tmp_path / "dvts-1.jsonl", row())
    assert run(first, second, "seeds=[3,4]", "width=2") == 0
    before = rows(tmp_path / "out", "paths")
    assert run(first, "seed=3", "width=2") == 0
    assert rows(tmp_path / "out", "paths") == before
    assert {(path["seed"], path["unit"]) for path in before} == {(3, 0), (3, 1), (4, 0), (4, 1)}
    readout = read_out(Folder(tmp_path / "out"), ReadoutConfig(grader="exact"))["readout"].to_pandas()
    assert readout.groupby("n")["seeds"].unique().map(list).to_dict() == {2: [2], 4: [2]}
    assert readout["prm_tokens"].isna().all()


def test_names_tell_what_search_and_learn_writes_into_them():
    config = (
        "HuggingFaceH4_MATH-500--T-0.6--top_p-1.0--n-256--m-8--iters-40--look-0--seed-2--agg_strategy-prod"
    )
    told = told_by("HuggingFaceH4/Llama-3.2-1B-Instruct-DVTS-completions", config)
    assert told == {
        **{"policy": "Llama-3.2-1B-Instruct", "strategy": "sal_dvts", "seed": 2, "temperature": 0.6},
        **{"top_p": 1.0, "width": 8, "depth": 40, "search_agg": "prod", "dataset": "math500"},
    }
    told = told_by("data/meta-llama/Llama-3.2-1B-Instruct/best_of_n_completions.jsonl")
    assert told == {"policy": "Llama-3.2-1B-Instruct", "strategy": "sal_best_of_n"}
    assert told_by("completions_sal_beam_llama3.2-3b-awq_n16_q100.jsonl")["policy"] == "llama3.2-3b-awq"


def test_every_kind_of_file_holds_the_same_run(tmp_path):
    made = [row("a", scores=[[0.25, 0.5]] * 4, subject="s"), row("b", scores=[[0.5, 0.75]] * 4)]
    whole = write(tmp_path / "beam.jsonl", *made)
    with gzip.open(tmp_path / "beam.json.gz", "wt") as stream:
        json.dump(made, stream)
    frame = pd.DataFrame(made)
    frame.to_parquet(tmp_path / "beam.parquet")
    cells = frame.map(lambda value: json.dumps(value) if isinstance(value, list) else value)
    cells.to_csv(tmp_path / "beam.csv", index=False)
    read = {file.name: read_source(str(file), None, "train") for file in sorted(tmp_path.iterdir())}
    assert len(read) == 4
    for source in read.values():
        assert [(one.problem, one.completions) for one in source.rows] == [
            (one.problem, one.completions) for one in read[whole.name].rows
        ]
        assert told_by(source.name) == told_by(str(whole))


def test_a_dataset_of_the_hub_is_read_as_a_file_is(run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "ttc.sal.source.read_hub", lambda config: asked.append(config) or [row("a"), row("b")]
    )
    assert run("someone/Model-beam-search-completions", "config=x--seed-7") == 0
    assert (asked[0].path, asked[0].config, asked[0].split) == (
        "someone/Model-beam-search-completions",
        "x--seed-7",
        "train",
    )
    assert {path["seed"] for path in rows(tmp_path / "out", "paths")} == {7}


# --- What is refused ------------------------------------------------------------------------------------


def lines(*rows_: Any) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows_).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (lines(row("a"), row("b"))[:-20], "line 2: no JSON"),
        (lines(row("a"), row("b"))[:-20], "it was cut"),
        (lines(row("a")) + "{\"problem\": \"caf\u00e9\"}\n".encode("latin-1"), "line 2: not UTF-8 (byte 17"),
        (lines({"question": "?", "answer": "1"}), "row 1: no completions of search-and-learn: no problem"),
        (lines([1]), "row 1: no completions of search-and-learn"),
        (lines(row("a"), row("a")), "row 2: the id 'a' of row 1 again"),
        (lines(row("a", scores=[[0.5]])), "row 1: scores: not one list"),
        (lines(row("a", scores=[["x"]] * 4)), "row 1: scores: 'x' is no number"),
        (lines(row("a", scores=[[3.5]] * 4)), "row 1: scores: 3.5 is not in [0, 1]"),
        (lines(row("a", answer=" ")), "row 1: answer: empty"),
        (lines(row("a", completions=[])), "row 1: completions: not a list of texts"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_line_and_reason_and_nothing_is_written(
    run, tmp_path, capsys, content, said
):
    bad = tmp_path / "beam-bad.jsonl"
    bad.write_bytes(content)
    good = write(tmp_path / "beam.jsonl", row("c"))
    assert run(good, bad, "seeds=[0,1]") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["x.jsonl"], "strategy=sal_best_of_n, sal_beam or sal_dvts"),
        (["x.jsonl", "strategy=sal_dvts", "width=3"], "4 completions are no multiple of width=3"),
        (["x.jsonl", "strategy=sal_beam", "y.jsonl"], "seed 0, as x.jsonl"),
        (
            ["x.jsonl", "strategy=sal_best_of_n", "z.jsonl", "seeds=[0,1]"],
            "other problems or gold answers than x.jsonl",
        ),
        (["x.jsonl", "polcy=q"], "did you mean policy?"),
        (["x.jsonl", "strategy=beam"], "strategy='beam'"),
        (["x.jsonl", "seeds=3"], "seeds=3: must be a list: seeds=[3]"),
        (["x.jsonl", "seeds=0,1"], "seeds='0,1': must be a list: seeds=[0,1]"),
        (["x.jsonl", "readout.habits=blanks_vote"], "must be a list: readout.habits=[blanks_vote]"),
        (["x.jsonl", "strategy=sal_best_of_n", "g.jsonl", "seeds=[0,1]"], "gold answers than x.jsonl"),
        (["x.jsonl", "dataset.limit=3"], "dataset.limit: unknown key"),
        (["x.jsonl", "readout.headline=wieghted"], "readout.headline='wieghted': take one of weighted"),
        ([], "FILE is missing"),
    ],
)
def test_words_are_checked_before_anything_is_written(run, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    write(Path("x.jsonl"), row("a")), write(Path("y.jsonl"), row("a")), write(Path("z.jsonl"), row("b"))
    write(Path("g.jsonl"), row("a", answer="2"))
    assert run(*words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_all_that_is_wrong_with_the_files_is_said_at_once(run, tmp_path, capsys):
    bad = [row("a", answer=""), row("b", scores=[["x"]] * 4), row("c")]
    files = write(tmp_path / "bon-0.jsonl", *bad), write(tmp_path / "bon-1.jsonl", row("a", completions=[]))
    assert run(*files, "seeds=[0,1]") == 2
    said = [line.split(": ")[2] for line in capsys.readouterr().err.splitlines()]
    assert said == ["row 1", "row 2", "row 1"]


def test_another_gold_answer_is_no_seed_of_a_run_in_the_folder(run, tmp_path, capsys):
    assert run(write(tmp_path / "bon.jsonl", row())) == 0
    again = write(tmp_path / "bon-1.jsonl", row(answer="2"))
    assert run(again, "seed=1") == 2
    assert "was graded with the gold answer '1', and the dataset says '2' now" in capsys.readouterr().err


def test_the_same_completions_under_two_seeds_are_named(run, tmp_path, capsys):
    file = write(tmp_path / "bon.jsonl", row())
    assert run(file, file, "seeds=[0,1]") == 0
    assert f"the same completions as {file}, counted twice" in capsys.readouterr().out.replace("\n", "")


def test_only_sal_is_imported(capsys):
    assert main(["import", "them", "x.jsonl"]) == 2
    assert "there is: sal" in capsys.readouterr().err


# --- Prompts and answers that do not belong together -----------------------------------------------------


def mixed(source: list[dict[str, Any]], batch: int) -> list[dict[str, Any]]:
    """As best-of-N did it before its #32: sampled p1 p2 ... p1 p2 ..., cut as p1 p1 ... p2 p2 ..."""
    out = []
    for start in range(0, len(source), batch):
        part = source[start : start + batch]
        n = len(part[0]["completions"])
        flat = [one["completions"][j] for j in range(n) for one in part]
        out += [one | {"completions": flat[i * n : i * n + n]} for i, one in enumerate(part)]
    return out


def test_real_runs_belong_together_and_the_same_runs_mixed_up_are_refused(tmp_path):
    data_file("completions_sal_bon_llama3.2-3b-awq_n1_q500.jsonl")
    for path in sorted(DATA.glob("completions_*.jsonl")):
        check_belonging(read_source(str(path), None, "train"))
        rows_ = [json.loads(line) for line in path.read_bytes().splitlines()]
        if len(rows_[0]["completions"]) == 1:
            shifted = np.roll([one["completions"][0] for one in rows_], 1).tolist()
            broken = [[one | {"completions": [text]} for one, text in zip(rows_, shifted, strict=True)]]
        else:
            broken = [mixed(rows_, len(rows_)), mixed(rows_, 25), mixed(rows_[:10], 10)]
        for made in broken:
            bad = write(tmp_path / "bad.jsonl", *[one | {"scores": None} for one in made])
            with pytest.raises(UserError, match=r"do not belong together.* row \d+ reads like row \d+"):
                check_belonging(read_source(str(bad), None, "train"))


def test_a_mixed_up_file_is_refused_by_the_command_unless_it_is_told_not_to_look(run, tmp_path, capsys):
    words = [["apples", "basket", "orchard", "harvest"], ["triangle", "angle", "degrees", "vertex"]]
    source = [
        row(str(i), problem=" ".join(own), completions=[" ".join(words[1 - i])] * 4, scores=None)
        for i, own in enumerate(words)
    ]
    file = write(tmp_path / "bon.jsonl", *source)
    assert run(file) == 2
    assert "do not belong together" in capsys.readouterr().err
    assert run(file, "check=false") == 0


def test_the_settings_name_the_folder_and_the_readout(tmp_path):
    task = parse(["a/b c.jsonl", f"results_dir={tmp_path}", "readout.extract=last_number", "seed=3"])
    assert task.folder == tmp_path / "import-b-c"
    assert (task.readout.extract, task.settings.seed) == ("last_number", 3)
