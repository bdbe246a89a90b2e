"""`ttc verify`: files of labelled steps as PRM800K, Math-Shepherd, PRMBench and their like publish them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ttc.commands.cli import main
from ttc.types import UserError
from ttc.verify.data import map_rows
from ttc.verify.formats import FORMATS, LabelColumns


def read(format_: str, *rows: Any) -> list[tuple[str, tuple[str, ...], int]]:
    found = map_rows(rows, FORMATS[format_].columns, "file", format_)
    return [(one.question, one.steps, one.label) for one in found]


# --- PRM800K ---------------------------------------------------------------------------------------------


def step(*completions: tuple[str, int | None], chosen: int | None = None, own: Any = None) -> dict[str, Any]:
    rated = [{"text": text, "rating": rating, "flagged": None} for text, rating in completions]
    return {"completions": rated or None, "human_completion": own, "chosen_completion": chosen}


def prm800k(finish: str, *steps: Any) -> dict[str, Any]:
    question = {"problem": "q", "ground_truth_answer": "4", "pre_generated_steps": ["a", "b"]}
    return {"question": question, "label": {"steps": list(steps), "total_time": 9, "finish_reason": finish}}


A = step(("a", 1), ("other", -1), chosen=0)
OWN = {"text": "mine", "rating": None, "source": "human"}


@pytest.mark.parametrize(
    ("row", "steps", "label"),
    [
        (prm800k("found_error", A, step(("b", 0), chosen=0), step(("c", -1), ("d", 1))), ("a", "b", "c"), 2),
        (prm800k("found_error", A, step(("d", 0), ("c", -1))), ("a", "c"), 1),  # nothing was gone on with
        (prm800k("solution", A, step(("b", 0), chosen=0)), ("a", "b"), -1),
        (prm800k("solution", A, step(("b", -1), own=OWN), step(("c", 1), chosen=0)), ("a", "mine", "c"), -1),
        (prm800k("solution", A, step(("b", -1), own="mine")), ("a", "mine"), -1),
        (prm800k("give_up", step(("b", -1), chosen=0), A), ("b",), 0),
    ],
)
def test_prm800k_is_read_along_the_steps_that_were_taken(
    row: Any, steps: tuple[str, ...], label: int
) -> None:
    assert read("prm800k", row) == [("q", steps, label)]


@pytest.mark.parametrize(
    "row",
    [
        prm800k("give_up", A),
        prm800k("bad_problem", step(("b", -1))),
        prm800k("solution", A, step()),
        prm800k("solution", A, step(("b", None), chosen=0), A),
    ],
)
def test_a_labelling_that_was_given_up_says_nothing(row: Any) -> None:
    assert read("prm800k", row, prm800k("solution", A)) == [("q", ("a",), -1)]


# --- Math-Shepherd ---------------------------------------------------------------------------------------


def shepherd(text: str, signs: str) -> dict[str, str]:
    pieces = text.split("ки")
    return {"input": text, "label": "".join(a + b for a, b in zip(pieces, f"{signs} ", strict=True)).rstrip()}


@pytest.mark.parametrize(
    ("text", "signs", "question", "steps", "label"),
    [
        ("Is 1 + 1 2? Step 1: a+b ки\nStep 2: c ки", "++", "Is 1 + 1 2?", ("Step 1: a+b", "Step 2: c"), -1),
        ("Find $p$.Step 1: a.\n\nb ки\nStep 2: c ки", "+-", "Find $p$.", ("Step 1: a.\n\nb", "Step 2: c"), 1),
        ("Add. step 1: a ки\nstep 2: b ки\n", "-+", "Add.", ("step 1: a", "step 2: b"), 0),
        ("Why? a ки\nb ки", "+-", "Why?", ("a", "b"), 1),
        ("Round ки to 3. Step 1: a ки", "-+", "Round  to 3.", ("Step 1: a",), -1),  # a tag in the question
        ("In Step 1: add. Now? Step 1: a ки", "-", "In Step 1: add. Now?", ("Step 1: a",), 0),
    ],
)  # fmt: skip
def test_math_shepherd_is_one_text_with_signs_for_tags(
    text: str, signs: str, question: str, steps: tuple[str, ...], label: int
) -> None:
    assert read("math_shepherd", shepherd(text, signs)) == [(question, steps, label)]


# --- PRMBench, and lists of numbers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "wrong", "label"),
    [
        (["a"], [1], 0),
        (["a", "b", "c"], [3, 2], 1),
        (["a", "b"], [], -1),
        (["a", "b"], "[2]", 1),
        (["a"], 1, 0),
    ],
)
def test_prmbench_counts_wrong_steps_from_one(steps: list[str], wrong: Any, label: int) -> None:
    row = {"modified_question": "q'", "modified_process": steps, "error_steps": wrong, "idx": "c_1"}
    assert read("prmbench", row | {"question": "q"}) == [("q'", tuple(steps), label)]


def test_a_list_of_one_says_all_right_only_where_the_file_shows_that_it_is_a_verdict() -> None:
    one = {"problem": "q", "steps": ["a"], "label": [1], "id": 0}
    more = one | {"steps": ["a", "b"], "label": [1, 0]}
    with pytest.raises(UserError, match=r"row 1: column label: \[1\] of one step: .*format=prmbench"):
        read("processbench", one)
    assert [label for _, _, label in read("processbench", one, more)] == [-1, 1]
    assert [label for _, _, label in read("processbench", one | {"label": [True]})] == [-1]
    assert [label for _, _, label in read("processbench", one | {"label": [0]})] == [0]


def test_what_only_names_its_columns_otherwise_is_a_line_of_the_registry() -> None:
    mistake = {"input": "q", "steps": ["a", "b"], "mistake_index": 1, "target": "4", "answer": "5"}
    right = mistake | {"mistake_index": None}
    assert [label for _, _, label in read("bigbench_mistake", mistake, right)] == [1, -1]
    trl = {"prompt": "q", "completions": ["a", "b"], "labels": [True, False]}
    assert [label for _, _, label in read("trl", trl)] == [1]


# --- A label that says that nothing is wrong -------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "value"),
    [
        *[(None, None), (None, ""), (None, float("nan")), ("none", "none"), ("-1", -1.0), (None, -1)],
        *[("-1", "-1.0"), ("[]", []), ("len", 2)],
    ],
)
def test_no_mistake_is_read_as_the_settings_say_it(said: str | None, value: Any) -> None:
    row = {"problem": "q", "steps": ["a", "b"], "label": value, "id": 0}
    (found,) = map_rows([row], LabelColumns(label_none=said), "file")
    assert found.label == -1


# --- What is refused, and what it says -------------------------------------------------------------------


def plain(**changed: Any) -> dict[str, Any]:
    return {"problem": "q", "steps": ["a", "b"], "label": 0, "id": 0} | changed


@pytest.mark.parametrize(
    ("format_", "row", "said"),
    [
        ("prm800k", prm800k("done", A), "label.finish_reason='done': must be one of found_error, "),
        ("prm800k", prm800k("solution", {"text": "a"}), "step 0 has no completions with text and rating"),
        ("prm800k", prm800k("solution", step(("a", 2), chosen=0)), "step 0: 'a' is rated 2"),
        ("prm800k", {"question": "q", "label": 1}, "columns question and label must be PRM800K's objects"),
        ("math_shepherd", shepherd("Add 1. a ки", "+"), "where the question ends is not said"),
        ("math_shepherd", {"input": "q? Step 1: a", "label": "q? Step 1: a"}, "no ки behind a step"),
        ("math_shepherd", {"input": "q? Step 1: a ки", "label": "q? Step 1: b +"}, "with + or - for each ки"),
        ("math_shepherd", {"input": "q? Step 1: a ки b", "label": "q? Step 1: a + b"}, "behind the last ки"),
        ("prmbench", {"modified_question": "q", "modified_process": ["a"], "error_steps": [0], "idx": 1},
         "[0] must be the numbers of wrong steps, from 1 to 1"),
        ("processbench", plain(label=None), "columns.label_none=null if it says that none is wrong"),
        ("processbench", plain(label="none"), "columns.label_none=none if it says that none is wrong"),
        ("processbench", plain(label=[2]), "(format=prmbench: the numbers of the wrong ones)"),
        ("processbench", plain(label=2), "numbers from 1 on; columns.label_none=len: all are right)"),
        ("processbench", plain(label=3), "(format=prmbench: numbers from 1 on)"),
    ],
)  # fmt: skip
def test_a_row_that_is_not_of_the_format_is_named(format_: str, row: Any, said: str) -> None:
    with pytest.raises(UserError, match=rf"file: row 1: .*{re.escape(said)}"):
        read(format_, row)


def test_the_command_reads_a_format_and_names_it_to_who_did_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "phase2_test.jsonl", tmp_path / "out"
    rows = [prm800k("found_error", A, step(("b", -1))), prm800k("solution", A), prm800k("give_up", A)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["verify", str(file), f"out={out}"]
    assert main([*words, "prm=fake"]) == 2
    assert "format=prm800k reads such columns" in capsys.readouterr().err
    assert main([*words, "prm=oracle", "format=prm800k"]) == 0  # its gold answers are known
    printed = capsys.readouterr().out
    assert "2 solutions of 3 steps, 1 with an error" in printed
    assert "1 row left out" in printed
    assert pd.read_parquet(out / "steps.parquet")["label"].tolist() == [True, False, True]
