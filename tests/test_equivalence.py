"""Which answers are equal: the rules one by one, and real graders' test suites as a whole."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.answers import EQUAL, UNEQUAL, Pair
from tests.conftest import data_file
from ttc.grading import decide, extract, normal_form
from ttc.grading.worker.judge import judge
from ttc.grading.worker.latex import clean


def equal(gold: str, answer: str) -> bool:
    """`equivalent` in this process: the rules without the worker around them."""
    if not answer.strip():
        return False
    sure = decide(normal_form(gold), normal_form(answer))
    return judge(gold, answer)[0] if sure is None else sure


def pairs(table: list[Pair]) -> list[Any]:
    return [pytest.param(gold, answer, id=f"{rule}: {gold} {answer}") for rule, gold, answer in table]


@pytest.mark.parametrize(("a", "b"), pairs(EQUAL))
def test_what_is_equal_is_so_both_ways(a: str, b: str) -> None:
    assert equal(a, b) is True  # and no truth of sympy's, which no pipe carries
    assert equal(b, a) is True


@pytest.mark.parametrize(("a", "b"), pairs(UNEQUAL))
def test_what_is_not_is_so_both_ways(a: str, b: str) -> None:
    assert equal(a, b) is False
    assert equal(b, a) is False


def test_what_cannot_be_read_whole_says_so_and_is_no_number_inside_it() -> None:
    for answer in ("x+ or 0", "(, 3", "__import__('os') or 0", "0 0 +"):
        assert judge("0", answer) == (False, "parse_error")
    assert judge("x+1", "1+x") == (True, "ok")
    assert judge("x+1", "x-1") == (False, "ok")


# --- The suites of other graders -------------------------------------------------------------------------


def cases(kind: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in data_file("equivalence_cases.jsonl").read_text().splitlines()]
    return [row for row in rows if row["kind"] == kind and row["flag"] == "core"]


def safely(gold: str, answer: str) -> bool:
    try:
        return equal(gold, answer)
    except Exception:  # as in the worker
        return False


def test_the_core_pairs_of_other_graders_suites() -> None:
    rows = cases("pair")
    wrong = [row["id"] for row in rows if safely(row["gold"], row["pred"]) is not row["equivalent"]]
    assert len(rows) == 258
    assert set(wrong) <= {"eq0007", "eq0032", "eq0128"}, "docs/grading.md tells what is left and why"


def test_the_core_pairs_are_symmetric() -> None:
    rows = cases("pair")
    assert not [
        row["id"] for row in rows if safely(row["gold"], row["pred"]) != safely(row["pred"], row["gold"])
    ]


def read(text: str) -> tuple[str, str | None]:
    """The rule that a text assumes, and what it reads: a box, a final answer, else what it says, or all."""
    rule = "boxed" if "boxed" in text else "final answer" if "final answer is" in text.lower() else "none"
    return rule, extract(text) or (text if rule == "none" else None)


def test_the_extraction_rows_under_the_rule_that_each_assumes() -> None:
    right: Counter[str] = Counter()
    for row in cases("extraction"):
        rule, answer = read(row["pred"])
        found = safely(extract(row["gold"]) or row["gold"], answer) if answer else False
        right[rule] += found == row["equivalent"]
    print(right)
    assert right["boxed"] + right["final answer"] >= 105


@pytest.mark.parametrize("text", [r"\sqrt", "^", "*", "√", r"\frac", "{", r"\left(", "^{", "a,", r"\text{"])
def test_no_text_takes_long_to_clean(text: str) -> None:
    clean(text * (1990 // len(text)))


def test_no_text_takes_long_to_extract() -> None:
    extract("\\" * 20_000)
