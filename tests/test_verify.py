"""`ttc verify`: its figures against definitions and brute force, its data, its words, and whole runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ttc.commands.cli import main
from ttc.data.files import read_rows
from ttc.nano.labelled import labelled
from ttc.types import UserError
from ttc.verify.data import Labelled, map_rows
from ttc.verify.formats import LabelColumns

# --- Data ------------------------------------------------------------------------------------------------


def first_wrong(problem: str, steps: list[str]) -> int:
    """By plain arithmetic on the texts, without the generator."""
    value = int(re.match(r"Start with (\d+)\.", problem)[1])  # type: ignore[index]
    events = re.findall(r"Day \d+: (\w+)(?: (\d+))?", problem)
    for index, (word, number) in enumerate(events):
        n = int(number or 0)
        changes = {"gets": n, "finds": n, "gives": -n, "loses": -n, "lends": -n, "buys": 2 * n, "wins": 3 * n}
        factors = {"doubles": 2, "triples": 3, "halves": 0.5, "shares": 0.5}
        value = int(value * factors[word]) if word in factors else value + changes[word]
        sum_ = re.search(r"(\d+) ([-+*/]) (\d+) = (\d+)$", steps[index])
        assert sum_
        if int(sum_[4]) != value:
            return index
    return -1 if steps[-1] == rf"\boxed{{{value}}}" else len(events)


def test_the_worlds_labels_are_right_by_plain_arithmetic() -> None:
    rows: list[Any] = labelled(300, seed=1)
    for row in rows:
        found = first_wrong(row["problem"], row["steps"])
        if found != row["label"]:  # a wrong operation with the right result, as 4 / 2 for 4 - 2
            operation = re.search(r" ([-+*/] \d+) = ", row["steps"][row["label"]])[1]  # type: ignore[index]
            assert operation not in right_operation(row["problem"], row["label"])
            assert found == -1 or found > row["label"]
    labels = [row["label"] for row in rows]
    assert 0.3 < labels.count(-1) / len(labels) < 0.6
    assert max(labels) >= 8
    assert labelled(20, seed=1) == rows[:20]


def right_operation(problem: str, day: int) -> str:
    word, number = re.findall(r"Day \d+: (\w+)(?: (\d+))?", problem)[day]
    n = int(number or 0)
    plus = {"gets": n, "finds": n, "buys": 2 * n, "wins": 3 * n}
    minus = {"gives": n, "loses": n, "lends": n}
    if word in plus or word in minus:
        return f"+ {plus[word]}" if word in plus else f"- {minus[word]}"
    return {"doubles": "* 2", "triples": "* 3", "halves": "/ 2", "shares": "/ 2"}[word]


@pytest.mark.parametrize(
    ("label", "index"),
    [(-1, -1), ("1", 1), (1.0, 1), ([1, 1, 1], -1), ([True, False, True], 1), ("[0, 1, 0]", 0)],
)
def test_a_label_is_an_index_or_a_verdict_for_each_step(label: Any, index: int) -> None:
    row = {"problem": "q", "steps": ["a", "b", "c"], "label": label, "id": 7}
    assert map_rows([row], LabelColumns(), "x") == [Labelled("7", "q", ("a", "b", "c"), index)]


def test_blank_steps_are_left_out_and_the_label_moves_with_its_step() -> None:
    row = {"problem": "q", "steps": ["a", " \n", "b", ""], "label": 2, "id": "x"}
    assert map_rows([row], LabelColumns(), "x") == [Labelled("x", "q", ("a", "b"), 1)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": 2}, "row 2: column label: 2 is not in -1..1, and there are 2 steps"),
        ({"label": "no"}, "row 2: column label: 'no' is neither the index of a step"),
        ({"label": float("inf")}, "row 2: column label: inf is neither the index of a step"),
        ({"label": True}, "row 2: column label: True is neither"),
        ({"label": [1, 2]}, "row 2: column label: a list must have one 0 or 1 for each of the 2 steps"),
        ({"steps": "a, b"}, "row 2: column steps must be a list of texts"),
        ({"steps": ["a", "  "], "label": 1}, "row 2: step 1, the first wrong one, is blank"),
        ({"problem": None}, "row 2: no question"),
    ],
)
def test_a_row_at_fault_is_named(change: dict[str, Any], said: str) -> None:
    row = {"problem": "q", "steps": ["a", "b"], "label": -1, "id": "x"}
    with pytest.raises(UserError, match=re.escape(said)):
        map_rows([row, row | change, row], LabelColumns(), "file")


def test_every_kind_of_file_holds_the_same_solutions(tmp_path: Path) -> None:
    rows = [{k: row[k] for k in ("id", "problem", "steps", "label")} for row in labelled(5)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "a.json").write_text(json.dumps(rows))
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    frame = pd.DataFrame(rows).assign(steps=[json.dumps(row["steps"]) for row in rows])
    frame.to_csv(tmp_path / "a.csv", index=False)
    read = [
        map_rows([row for _, row in read_rows(file)], LabelColumns(), file.name)
        for file in sorted(tmp_path.iterdir())
    ]
    assert len(read) == 4
    assert all(one == map_rows(rows, LabelColumns(), "rows") for one in read)


# --- The command line ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vrify"], "vrify: no such command; take one of "),
        (["verify", "prm=fake"], "SOURCE is missing"),
        (["verify", "nano"], "prm is missing: name the verifier, such as prm=nano"),
        (["verify", "nano", "prm=none"], "prm=none: no verifier to look at"),
        (["verify", "nano", "prm=fake,nano"], "prm=fake,nano: one verifier at a time"),
        (
            ["verify", "nano", "prm=fake", "columns=x"],
            "columns='x': must be said key by key: columns.KEY=VALUE",
        ),
        (["verify", "nano", "prm=fak"], "prm=fak: unknown prm; take one of"),
        (
            ["verify", "nano", "prm=fake", "prm.contex=3"],
            "prm.contex: unknown key; did you mean prm.context?",
        ),
        (["verify", "nano", "prm=fake", "treshold=0.3"], "treshold: unknown key; did you mean threshold?"),
        (["verify", "nano", "prm=fake", "threshold=2"], "threshold=2: must be less than or equal to 1"),
        (["verify", "nano", "prm=fake", "-m"], "No such option: -m"),
        (["verify", "nano", "prm=logprob"], "prm=logprob: needs the policy's log-probabilities"),
        (["verify", "gone.jsonl", "prm=fake"], "gone.jsonl: no such file or folder"),
        (["verify", "tests", "prm=fake"], "tests: no results folder, it has no searches/"),
        (["verify", "README.md", "prm=fake"], "README.md: take a .jsonl, .json, .csv, .parquet file"),
        (["verify", "{file}", "prm=oracle"], "prm=oracle: needs the gold answers: columns.answer=..."),
        (
            ["verify", "{file}", "prm=fake", "columns.label=first_error"],
            "has no such column; it has id, problem, steps, label",
        ),
        (["verify", "{file}", "prm=nano"], "its tokenizer does not know 'juggles' (problem one)"),
        (["verify", "{broken}", "prm=fake"], "broken.jsonl: cannot be read"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    file, broken = tmp_path / "mine.jsonl", tmp_path / "broken.jsonl"
    # a verifier reads the steps, too: there stands the word that it does not know
    file.write_text('{"id": "one", "problem": "Start with 12.", "steps": ["Day 1: juggles"], "label": -1}\n')
    broken.write_text("not json\n")
    out = tmp_path / "out"
    given = [word.format(file=file, broken=broken) for word in words]
    assert main([*given, *([f"out={out}"] if "verify" in words else [])]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not printed.out
    assert not out.exists()


def test_faults_come_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "gone.jsonl", "prm=gone", "limit=0", "agg=median", "colums.id=x"]) == 2
    lines = capsys.readouterr().err.splitlines()
    said = ["gone.jsonl: ", "colums: ", "agg='median': ", "limit=0: ", "prm=gone: "]
    assert all(line.startswith(f"error: {start}") for line, start in zip(lines, said, strict=True))


# --- Whole runs ------------------------------------------------------------------------------------------


def read(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "verify.json").read_text())
    return content


def test_labelled_solutions_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["verify", "nano", "prm=fake", "limit=80", "seed=2", "threshold=0.4", f"out={out}"]) == 0
    content, steps = read(out), pd.read_parquet(out / "steps.parquet")
    rows: list[Any] = labelled(80, seed=2)
    assert len(steps) == sum(len(row["steps"]) for row in rows)
    right = {True: [], False: []}  # type: ignore[var-annotated]
    for row in rows:
        mine = steps[steps["id"] == row["id"]].sort_values("step")
        low = [step for step, score in zip(mine["step"], mine["score"], strict=True) if score < 0.4]
        right[row["label"] >= 0].append((low[0] if low else -1) == row["label"])
        wrong = mine[mine["label"].eq(False).fillna(False)]["step"].tolist()
        assert wrong == [row["label"]] * (row["label"] >= 0)
        assert mine["label"].isna().sum() == (len(mine) - row["label"] - 1 if row["label"] >= 0 else 0)
    error, correct = np.mean(right[True]), np.mean(right[False])
    found = content["figures"]["found"]
    assert found == pytest.approx(
        {"error": error, "correct": correct, "f1": 2 * error * correct / (error + correct)}
    )
    low, high = content["figures"]["f1_interval"]
    assert low < found["f1"] < high
    assert content["config"]["settings"]["threshold"] == 0.4
    assert content["config"]["prm"]["name"] == "fake"
    assert "python" in content["versions"]
    assert f"{100 * found['f1']:.1f}" in capsys.readouterr().out


def test_a_verifier_that_fails_in_passing_is_asked_again(tmp_path: Path) -> None:
    words = ["verify", "nano", "prm=fake", "limit=40"]
    assert main([*words, f"out={tmp_path / 'sound'}"]) == 0
    assert main([*words, "prm.fail_rate=0.05", f"out={tmp_path / 'faulty'}"]) == 0
    sound, faulty = read(tmp_path / "sound"), read(tmp_path / "faulty")
    assert sound["figures"] == faulty["figures"]
    assert main([*words, "prm.fail_rate=1.0", f"out={tmp_path / 'dead'}"]) == 1
    assert not (tmp_path / "dead" / "verify.json").exists()


def test_texts_too_long_for_the_verifier_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["verify", "nano", "prm=fake", "prm.context=250", "limit=40", f"out={out}"]) == 0
    figures, steps = read(out)["figures"], pd.read_parquet(out / "steps.parquet")
    assert figures["unscored_steps"] == steps["score"].isna().sum() > 0
    assert (
        f"{figures['unscored_steps']} steps of {figures['unscored_solutions']} solutions have no score"
        in (capsys.readouterr().out)
    )


def test_a_results_folder_end_to_end(launch: Callable[..., int], tmp_path: Path) -> None:
    assert launch("-m", "strategy=best_of_n,beam", "n=4", "dataset.limit=20", name="x") == 0
    out = tmp_path / "out"
    assert main(["verify", str(tmp_path / "x"), f"out={out}"]) == 0
    figures = read(out)["figures"]
    assert {(one["strategy"], one["agg"]) for one in figures} == {
        (strategy, agg) for strategy in ("best_of_n", "beam") for agg in ("last", "min", "prod", "mean")
    }
    whole = next(
        one for one in figures if (one["strategy"], one["agg"], one["level"]) == ("best_of_n", "min", None)
    )
    grades = pd.read_parquet(tmp_path / "x" / "grades")[["path", "verdict"]]
    scores = pd.read_parquet(tmp_path / "x" / "scores", filters=[("strategy", "==", "best_of_n")])
    rows = scores.merge(grades, on="path").assign(score=[min(path) for path in scores["scores"]])
    good, bad = (rows[rows["verdict"] == verdict]["score"] for verdict in (True, False))
    pairs = [(a > b) + (a == b) / 2 for a in good for b in bad]
    assert (whole["paths"], whole["right"]) == (len(rows), len(good)) == (80, len(good))
    assert whole["auroc"] == pytest.approx(np.mean(pairs))
    assert (whole["mean_right"], whole["mean_wrong"]) == pytest.approx((good.mean(), bad.mean()))
    levels = [one for one in figures if (one["strategy"], one["agg"]) == ("best_of_n", "min")][1:]
    assert [one["level"] for one in levels] == [1, 2, 3, 4, 5]
    assert sum(one["right"] for one in levels) == whole["right"]


def test_a_folder_with_two_gradings_is_read_by_the_declared_one(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch("n=4", "dataset.limit=6", name="x") == 0
    words = ["verify", str(tmp_path / "x"), f"out={tmp_path / 'out'}"]
    assert main(words) == 0
    one = read(tmp_path / "out")["figures"]
    assert main(["regrade", str(tmp_path / "x"), "readout.extract=last_number"]) == 0
    assert main(words) == 0
    assert read(tmp_path / "out")["figures"] == one


def test_a_folder_that_was_read_with_thinking_tags_is_read_so(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    assert launch("strategy=best_of_n", "n=4", "dataset.limit=8", "readout.thinking=[plan]", name="pool") == 0
    assert main(["verify", str(tmp_path / "pool")]) == 0


def test_a_folder_is_asked_no_verifier(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("prm=none", "n=1", "dataset.limit=2", name="x") == 0
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "x"), "prm=fake", f"out={tmp_path / 'out'}"]) == 2
    assert main(["verify", str(tmp_path / "x"), f"out={tmp_path / 'out'}"]) == 2
    asked, empty = capsys.readouterr().err.splitlines()
    assert "the scores of a results folder are read as they are" in asked
    assert "no path in it has scores and a grade" in empty
