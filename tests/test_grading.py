import asyncio
import contextlib
import sys
from collections.abc import Sequence
from fractions import Fraction

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex2sympy2_extended import latex2sympy
from sympy import srepr

from tests.hostile import hostile
from ttc.grading import MathVerify, Verdict, equivalent, group, make_grader, normal_form
from ttc.grading.worker.grammar import CONVERSION, NORMALIZATION, parse
from ttc.grading.worker.process import Worker, WorkerPool


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTC_CACHE", "off")


# --- What needs no process -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 000 4/9", Fraction(9004, 9)),
        (r"0.1\overline{6}", Fraction(1, 6)),
        (r"1.25 \times 10^{5}", Fraction(125000)),
        ("3e-4", Fraction(3, 10_000)),
        (r"\frac{-3}{4}", Fraction(-3, 4)),
        ("2/(-3)", Fraction(-2, 3)),
        (r"11,\! 111", Fraction(11111)),
        ("32, 349", "32,349"),
        ("0,111", "0,111"),
        ("11\n5/6", "11\n5/6"),
        (r"\left( x + 1 \right)", "(x+1)"),
    ],
)
def test_a_plain_number_is_known_by_its_value_and_other_text_by_one_spelling(text, value):
    assert normal_form(text) == value


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
    monkeypatch.setattr(Worker, "start", None)
    assert equivalent(gold, answer) is same


def test_the_simple_graders():
    async def grade(name, gold, answer):
        return await make_grader(name).grade(gold, answer)

    assert asyncio.run(grade("exact", "0.5", "1/2")).correct
    assert not asyncio.run(grade("exact", "2x", "x+x")).correct
    assert asyncio.run(grade("numeric", "1/3", "0.33333333")).correct
    assert asyncio.run(grade("numeric", "1/3", "a third")).status == "parse_error"


# --- Processes that can be killed ------------------------------------------------------------------------


def workers():
    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a killed one may be a zombie for a moment
            if "ttc.grading.worker" in child.cmdline():
                found.add(child.pid)
    return found


def test_no_hostile_text_keeps_a_worker_or_costs_another_pair_its_verdict():
    """Every fourth pair is an honest one, asked beside the others of the same two workers."""
    honest = [(f"(x+{k})^2", f"x^2+{2 * k}x+{k * k}") for k in range(1, len(hostile()) // 3)]
    pairs = [("x+1", text) for text in hostile()]
    for place, pair in enumerate(honest):
        pairs.insert(4 * place, pair)

    async def grade_all() -> list[Verdict]:
        grader = make_grader("math_verify", limit=3.0)
        try:
            return await asyncio.gather(*(grader.grade(*pair) for pair in pairs))
        finally:
            await grader.close()

    before = workers()
    verdicts = dict(zip(pairs, asyncio.run(grade_all()), strict=True))
    assert len(pairs) >= 250
    assert [verdicts[pair] for pair in honest] == [Verdict(True)] * len(honest)
    assert not any(verdict.correct for pair, verdict in verdicts.items() if pair not in honest)
    assert verdicts["x+1", "9^{9^{9^9}}"].status == "timeout"
    assert verdicts["x+1", "a" * 100_000].status == "parse_error"
    assert workers() <= before


@pytest.mark.parametrize("said", ["'no JSON'", "'[1]'", "'x' * 2**17"])
def test_a_worker_that_says_what_is_no_answer_has_died_of_the_request(said, monkeypatch):
    async def start() -> Worker:
        script = f"import time; print({said}, flush=True); time.sleep(60)"
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-c", script)
        return Worker(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))

    async def ask() -> None:
        pool = WorkerPool(limit=20.0)
        with pytest.raises(EOFError):
            await asyncio.wait_for(pool.ask(text="x"), 30)
        await pool.close()

    monkeypatch.setattr(Worker, "start", start)
    asyncio.run(ask())


def test_each_pair_is_asked_once_and_equivalence_works_inside_a_running_loop(monkeypatch):
    asked = []
    send = Worker.send

    async def counted(self, requests):
        asked.extend(requests)
        await send(self, requests)

    monkeypatch.setattr(Worker, "send", counted)

    async def twice():
        grader = MathVerify()
        await asyncio.gather(*(grader.grade("x+1", "1+x") for _ in range(3)))
        await grader.close()
        return equivalent("x+1", "1+x")

    assert asyncio.run(twice())
    assert len(asked) == 2  # once by the grader, once by `equivalent`, which has its own


# --- Groups ----------------------------------------------------------------------------------------------


def test_a_group_is_known_by_its_first_answer_and_no_answer_is_no_group():
    class Chain:  # a ~ b and b ~ c, but not a ~ c: the order decides
        async def same(self, a, b):
            return {a, b} in ({"a", "b"}, {"b", "c"})

    def grouped(*answers):
        return asyncio.run(group(answers, Chain()))

    assert grouped("a", None, "c", "b", " ", "a") == [0, -1, 1, 0, -1, 0]
    assert grouped("b", "a", "c") == [0, 0, 0]
    assert grouped("1/2", "3", "0.50", "3.0") == [0, 1, 0, 1]


CLASSES = [["x", "x+0", "1x"], ["y"], ["1/2", "0.5", r"\frac12"], ["2"], ["a b", "ba"], ["0.3333", "1/3"]]
CLASS_OF = {text: number for number, texts in enumerate(CLASSES) for text in texts}


class Oracle:
    """Knows the classes, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def same(self, a: str, b: str) -> bool:
        self.asked.append((a, b))
        return CLASS_OF[a] == CLASS_OF[b]


def partition(answers: Sequence[str], groups: Sequence[int]) -> set[frozenset[str]]:
    numbers = {
        number: frozenset(a for a, g in zip(answers, groups, strict=True) if g == number) for number in groups
    }
    return set(numbers.values())


@given(st.lists(st.sampled_from(sorted(CLASS_OF)), min_size=1, max_size=256), st.randoms())
def test_groups_do_not_depend_on_the_order_but_for_their_names(answers, random):
    oracle = Oracle()
    groups = asyncio.run(group(answers, oracle))
    shuffled = random.sample(answers, len(answers))
    assert partition(answers, groups) == partition(shuffled, asyncio.run(group(shuffled, Oracle())))
    assert list(dict.fromkeys(groups)) == sorted(set(groups))  # numbered as they are seen
    firsts = {number: answers[groups.index(number)] for number in groups}
    assert {a for a, _ in oracle.asked} <= set(firsts.values())  # only representatives are compared with
    assert len(oracle.asked) == len(set(oracle.asked))


def test_texts_of_one_form_share_a_tree_and_keep_their_own_numbers_and_letters():
    pairs = [
        (r"2x^{3}-\frac{1}{7}", r"15 y^{10} - \frac{04}{9}"),
        (r"\sin(3a)", r"\sin( 12 b)"),
        ("x=7", "y = 2.50"),
    ]
    pairs += [(r"\log_2 8", r"\log_{3} 81"), ("(1,2]", "(34, 56]"), (r"\frac{d}{dx}x^2", r"\frac{d}{dx}y^3")]
    config = {"normalization_config": NORMALIZATION, "conversion_config": CONVERSION, "is_real": True}
    for text in [text for pair in (*pairs, *pairs) for text in pair]:
        assert srepr(parse(text)) == srepr(latex2sympy(text, **config))
    for _ in range(2):
        with pytest.raises(ValueError, match="no sentence"):
            parse(r"\frac{1}{+")
