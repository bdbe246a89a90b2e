import asyncio
import contextlib

import psutil
import pytest

from ttc import grading
from ttc.grading import MathVerify, Verdict, equivalent, extract, group, make_grader


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{\frac{1}{2}} it is", r"\frac{1}{2}"),
        (r"first \boxed{1}, then \boxed{2}", "2"),
        (r"\boxed{7} and then cut in \boxed{\frac{1", "7"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{}", None),
        ("The final answer is $x^2$. I hope it is correct.", "x^2"),
        ("Final answer is: 3.5.\nDone", "3.5"),
        ("it must be 17", None),
    ],
)
def test_the_answer_is_the_last_box_else_what_the_final_answer_is_said_to_be(text, answer):
    assert extract(text) == answer


def test_a_last_number_counts_only_by_its_rule():
    assert extract("17 apples, 1,234.5 in all", "last_number") == "1,234.5"
    assert extract(r"\boxed{3} of 5", "last_number") == "3"


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        ("12", r"$\boxed{12}$", True),
        ("1234", "1,234.0", True),
        ("1000", "1 000", True),
        ("0.5", r"\frac{1}{2}", True),
        ("0.5", r"-\frac12", False),
        ("40/9", "4 4/9", True),
        ("12", "13", False),
        ("12", "", False),
    ],
)
def test_plain_numbers_are_decided_without_a_process(gold, answer, same, monkeypatch):
    monkeypatch.setattr(grading.Worker, "start", None)
    assert equivalent(gold, answer) is same


def workers():
    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a killed one may be a zombie for a moment
            if "ttc.grading_worker" in child.cmdline():
                found.add(child.pid)
    return found


async def hostile_then_honest(limit):
    grader = make_grader("math_verify", limit)
    try:
        pairs = [("5", "9^{9^9}"), ("5", "9^{9^{9^9}}"), ("2x", "x+x"), ("5", None), ("5", "\\frac{")]
        verdicts = await asyncio.gather(*(grader.grade(*pair) for pair in pairs))
        return verdicts, await grader.grade(r"\sqrt{8}", r"2\sqrt{2}")
    finally:
        await grader.close()


def test_a_hanging_pair_is_killed_and_no_other_verdict_is_lost():
    before = workers()
    verdicts, after = asyncio.run(hostile_then_honest(limit=3.0))
    assert verdicts[:4] == [
        *[Verdict(False, "timeout")] * 2,
        Verdict(True, "ok"),
        Verdict(False, "no_answer"),
    ]
    assert not verdicts[4].correct
    assert after == Verdict(True, "ok")
    assert workers() <= before


def test_each_pair_is_asked_once_and_equivalence_works_inside_a_running_loop(monkeypatch):
    asked = []
    ask = grading.Worker.ask

    async def counted(self, gold, answer, limit):
        asked.append((gold, answer))
        return await ask(self, gold, answer, limit)

    monkeypatch.setattr(grading.Worker, "ask", counted)

    async def twice():
        grader = MathVerify()
        await asyncio.gather(*(grader.grade("x+1", "1+x") for _ in range(3)))
        await grader.close()
        return equivalent("x+1", "1+x")

    assert asyncio.run(twice())
    assert len(asked) == 2  # once by the grader, once by `equivalent`, which has its own


def test_a_group_is_known_by_its_first_answer_and_no_answer_is_no_group():
    class Chain:  # a ~ b and b ~ c, but not a ~ c: the order decides
        async def same(self, a, b):
            return {a, b} in ({"a", "b"}, {"b", "c"})

    def grouped(*answers):
        return asyncio.run(group(answers, Chain()))

    assert grouped("a", None, "c", "b", " ", "a") == [0, -1, 1, 0, -1, 0]
    assert grouped("b", "a", "c") == [0, 0, 0]
    assert grouped("1/2", "3", "0.50", "3.0") == [0, 1, 0, 1]


def test_the_simple_graders():
    async def grade(name, gold, answer):
        return await make_grader(name).grade(gold, answer)

    assert asyncio.run(grade("exact", "0.5", "1/2")).correct
    assert not asyncio.run(grade("exact", "2x", "x+x")).correct
    assert asyncio.run(grade("numeric", "1/3", "0.33333333")).correct
    assert asyncio.run(grade("numeric", "1/3", "a third")).status == "parse_error"
