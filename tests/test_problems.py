"""Datasets: columns, answers, selection, and what is said of a dataset that is not to be had."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ttc.data.problems import SOURCES, load_problems
from ttc.grading import make_grader
from ttc.settings.schema import Columns, DatasetConfig
from ttc.types import Problem, UserError

ROWS = [
    {"question": f"q{i}", "answer": str(i), "level": f"Level {1 + i % 3}", "subject": "ab"[i % 2]}
    for i in range(6)
]
COLUMNS = Columns(level="level", subject="subject")
COLUMNS_LEVEL = Columns(level="level")


@pytest.fixture
def rows(tmp_path: Path) -> Any:
    def config(rows: list[dict[str, Any]], **settings: Any) -> DatasetConfig:
        file = tmp_path / "mine.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)))
        return DatasetConfig(path=str(file), **settings)

    return config


def refusal(config: DatasetConfig) -> list[str]:
    with pytest.raises(UserError) as caught:
        load_problems(config)
    return str(caught.value).splitlines()


# --- Answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer_from", "text", "answer"),
    [
        ("column", " 1,234 ", "1,234"),
        ("hashes", "2 * 617 = 1234\n#### 1,234", "1234"),
        ("hashes", "not #### 7\n#### -1,234,567.5", "-1234567.5"),
        ("hashes", "#### (1, 2)", "(1, 2)"),
        ("hashes", "#### 110 \nThe answer is: 110", "110"),
        ("boxed", r"so \boxed{1} and \boxed{\frac{1}{\sqrt{2}}}.", r"\frac{1}{\sqrt{2}}"),
        ("boxed", r"so \boxed{1,234}", "1,234"),
    ],
)
def test_the_gold_answer_is_taken_out_of_its_column(
    rows: Any, answer_from: str, text: str, answer: str
) -> None:
    [problem] = load_problems(rows([{"question": "q", "answer": text}], answer_from=answer_from))
    assert problem.answer == answer


@pytest.mark.parametrize(
    ("answer_from", "text", "said"),
    [
        ("column", " ", "row 2: no answer (column gold)"),
        ("hashes", "it is 7", "row 2: no answer behind '####' (column gold)"),
        ("hashes", "####", "row 2: no answer behind '####' (column gold)"),
        ("boxed", r"it is \boxed{7", r"row 2: no answer in a \boxed{} (column gold)"),
        (
            "column",
            "3 + 4 = 7 #### 7",
            "row 2: column gold holds a solution; answer_from=hashes takes its answer",
        ),
        (
            "column",
            "so " * 20 + r"\boxed{7}",
            "column gold holds a solution; answer_from=boxed takes its answer",
        ),
    ],
)
def test_a_row_without_an_answer_is_named_with_its_column(
    rows: Any, answer_from: str, text: str, said: str
) -> None:
    good = "1" if answer_from == "column" else r"#### \boxed{1}"
    config = rows(
        [{"q": "a", "gold": good}, {"q": "b", "gold": text}],
        answer_from=answer_from,
        columns=Columns("q", "gold"),
    )
    [line] = refusal(config)
    assert line.endswith(said)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": None}, "row 1: no id (column id)"),
        ({"id": " "}, "row 1: no id (column id)"),
        ({"question": "a\ud835"}, "row 1: 'utf-8' codec can't encode"),
    ],
)
def test_what_no_folder_could_hold_is_refused_by_row(rows: Any, row: dict[str, Any], said: str) -> None:
    full = {"id": 1, "question": "q", "answer": "1"}
    [line] = refusal(rows([full | row], columns=Columns(id="id")))
    assert said in line


@pytest.mark.parametrize(
    ("value", "level"),
    [("Level 5", 5), ("4.0", 4), (3.0, 3), ("Level ?", None), ("hard", None), (2.5, ""), ("AIME 2024 I", "")],
)
def test_a_level_is_a_whole_number_and_no_other_text_with_a_digit(rows: Any, value: Any, level: Any) -> None:
    config = rows([{"question": "q", "answer": "1", "level": value}], columns=COLUMNS_LEVEL)
    if level == "":
        assert refusal(config)[0].endswith(f"row 1: level '{value}': must be a whole number")
    else:
        assert [problem.level for problem in load_problems(config)] == [level]


def test_the_index_that_pandas_writes_is_no_level(tmp_path: Path) -> None:
    pd.DataFrame({"question": ["q"], "answer": [1]}).to_csv(tmp_path / "a.csv")
    [problem] = load_problems(DatasetConfig(path=str(tmp_path / "a.csv")))
    assert (problem.id, problem.level, problem.subject) == ("0", None, None)


CHAT = [
    {"role": role, "content": [{"type": "text", "text": text}]}
    for role, text in [("system", "Be brief."), ("user", "2 + 2?"), ("assistant", "#### 4")]
]
SHARED = [{"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "#### 4"}]


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv"])
@pytest.mark.parametrize(
    ("question", "answer", "named"),
    [
        (CHAT, CHAT, ("question.1.content.0.text", "answer.2.content.0.text")),
        (SHARED, SHARED, ("question.0.value", "answer.1.value")),
        ({"stem": "2 + 2?", "n": 7}, {"text": ["#### 4"], "end": [9]}, ("question.stem", "answer.text.0")),
        (["2 + 2?", "b"], ["#### 4", "#### 5"], ("question.0", "answer.0")),
    ],
)
def test_what_is_no_text_is_refused_by_row_and_the_dotted_column_that_is_named_does(
    question: Any, answer: Any, named: tuple[str, str], kind: str, tmp_path: Path
) -> None:
    frame = pd.DataFrame([{"question": question, "answer": answer}] * 2)
    file = tmp_path / f"a.{kind}"
    if kind == "parquet":
        frame.to_parquet(file)
    elif kind == "csv":  # nested values as JSON in its cells
        frame.map(json.dumps).to_csv(file, index=False)
    else:
        frame.to_json(file, orient="records", lines=True)
    first, second = refusal(DatasetConfig(path=str(file), answer_from="hashes"))
    assert ": row 1: column question is " in first
    assert ": row 2: column question is " in second
    assert f"take dataset.columns.question={named[0]}" in second
    assert f"take dataset.columns.answer={named[1]}" in second
    config = DatasetConfig(path=str(file), answer_from="hashes", columns=Columns(*named))
    problems = load_problems(config)
    assert [(problem.question, problem.answer) for problem in problems] == [("2 + 2?", "4")] * 2


@pytest.mark.parametrize(
    ("gold", "read"),
    [(["7"], "7"), ([[7.0]], "7"), ('["7"]', "7"), ("[1, 2]", "[1, 2]"), (r"\{1, 2\}", r"\{1, 2\}")],
)
def test_a_list_of_one_is_its_thing_and_mathematics_in_brackets_is_a_text(
    rows: Any, gold: Any, read: str
) -> None:
    [problem] = load_problems(rows([{"question": "q", "answer": gold}]))
    assert problem.answer == read


@pytest.mark.parametrize(
    "gold",
    [
        "['x' 'y']",
        "['x', 'y']",
        "{'text': 'x'}",
        "[{'a': 1}\n {'b': 2}]",
        ["x", "y"],
        {"a": "x"},
        ["['x' 'y']"],
    ],
)
def test_a_list_or_an_object_is_never_taken_for_a_gold_answer(rows: Any, gold: Any) -> None:
    lines = refusal(rows([{"question": "q", "answer": gold}] * 7))
    assert [line.split(": ")[1] for line in lines[:5]] == [f"row {number}" for number in range(1, 6)]
    assert "column answer" in lines[0]
    assert lines[5:] == [lines[0].split(": ")[0] + ": 2 more rows like these"]


def test_a_column_that_is_not_there_is_answered_with_those_inside_objects(rows: Any) -> None:
    [line] = refusal(rows([{"question": "q", "gold": {"value": "7", "unit": "m"}}]))
    assert line.endswith("the data has no such column; it has question, gold.value, gold.unit")


@pytest.mark.parametrize(
    ("gold", "right", "wrong"),
    [
        ("2**(1/4)", r"\sqrt[4]{2}", r"\sqrt{2}"),
        (r"$x=\boxed{1}$ or $x=\boxed{2}$", "2, 1", "2"),
        (2**70, "2^{70}", str(2**70 + 1)),
        (9007199254740993, "9007199254740993", "9007199254740992"),
    ],
)
def test_a_gold_as_people_write_it_tells_right_from_wrong(
    rows: Any, gold: Any, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTC_CACHE", "off")
    [problem] = load_problems(rows([{"question": "q", "answer": gold}]))

    async def verdicts() -> list[bool]:
        grader = make_grader("math_verify")
        try:
            return [(await grader.grade(problem.answer, answer)).correct for answer in (right, wrong)]
        finally:
            await grader.close()

    assert asyncio.run(verdicts()) == [True, False]


# --- Selection -------------------------------------------------------------------------------------------


def chosen(config: DatasetConfig) -> list[str]:
    return [problem.question for problem in load_problems(config)]


def test_levels_and_subjects_select_in_the_datasets_order_and_limit_cuts_last(rows: Any) -> None:
    assert chosen(rows(ROWS, columns=COLUMNS, levels=(3, 1))) == ["q0", "q2", "q3", "q5"]
    assert chosen(rows(ROWS, columns=COLUMNS, subjects=("b",), limit=2)) == ["q1", "q3"]
    assert chosen(rows(ROWS, columns=COLUMNS, levels=(1,), subjects=("b",))) == ["q3"]


def test_a_shuffle_is_the_same_everywhere_and_comes_before_the_limit(rows: Any) -> None:
    # written down: it must not change with Python, the machine or what else is selected
    everything = ["q0", "q2", "q4", "q5", "q1", "q3"]
    assert chosen(rows(ROWS, shuffle_seed=0)) == everything
    assert chosen(rows(ROWS, shuffle_seed=0, limit=2)) == everything[:2]
    level1 = chosen(rows(ROWS, columns=COLUMNS, levels=(1,), shuffle_seed=0))
    assert level1 == [question for question in everything if question in ("q0", "q3")]
    assert chosen(rows(ROWS, shuffle_seed=1)) != everything


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"levels": (1, 7), "subjects": ("Algebra",)},
            [
                "dataset.levels=[1, 7]: no problem has level 7; there are 1, 2, 3",
                "dataset.subjects=[Algebra]: no problem has subject Algebra; there are a, b",
            ],
        ),
        ({"levels": ()}, ["dataset.levels=[]: give at least one level; there are 1, 2, 3"]),
        (
            {"levels": (1,), "columns": Columns()},
            ["dataset.levels=[1]: the problems have no level; name its column: dataset.columns.level"],
        ),
    ],
)
def test_what_cannot_be_selected_is_named_with_what_can(
    rows: Any, settings: dict[str, Any], said: list[str]
) -> None:
    assert refusal(rows(ROWS, **({"columns": COLUMNS} | settings))) == said


def test_a_level_and_a_subject_that_no_problem_has_together(rows: Any) -> None:
    config = rows(ROWS[:3], columns=COLUMNS, levels=(1,), subjects=("b",))
    assert refusal(config) == ["dataset.levels=[1] dataset.subjects=[b]: no problem is in both"]


def test_the_embedded_world_is_selected_from_in_the_same_way() -> None:
    problems = load_problems(DatasetConfig(path="nano", levels=(5,), limit=3))
    assert [problem.level for problem in problems] == [5, 5, 5]


def test_a_dataset_of_ones_own_is_a_function_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def squares(config: DatasetConfig) -> list[Problem]:
        return [Problem(str(i), f"{i} * {i}?", str(i * i)) for i in range(config.draw or 3)]

    monkeypatch.setitem(SOURCES, "squares", squares)
    problems = load_problems(DatasetConfig(path="squares", draw=9, limit=4))
    assert [problem.answer for problem in problems] == ["0", "1", "4", "9"]


def test_only_a_dataset_that_is_made_is_drawn(rows: Any) -> None:
    assert refusal(rows(ROWS, draw=1)) == [
        "dataset.draw=1: only the nano dataset is drawn; a file's line has dataset=path, too"
    ]
    assert refusal(DatasetConfig(path="file", draw=1)) == [
        "dataset.draw=1: only the nano dataset is drawn; a file's line has dataset=path, too"
    ]
