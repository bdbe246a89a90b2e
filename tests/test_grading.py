import asyncio
import contextlib
from collections.abc import Sequence
from fractions import Fraction

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex2sympy2_extended import latex2sympy
from sympy import srepr

from tests.hostile import hostile
from ttc.grading import (
    MathVerify,
    Verdict,
    equivalent,
    extract,
    group,
    make_grader,
    name_reading,
    normal_form,
)
from ttc.grading.worker.grammar import CONVERSION, NORMALIZATION, parse
from ttc.grading.worker.process import Worker


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTC_CACHE", "off")


# --- Extraction ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{\frac{1}{2}} it is", r"\frac{1}{2}"),
        (r"first \boxed{1}, then \boxed{2}", "2"),
        (r"\boxed{7} and then cut in \boxed{\frac{1", "7"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"escaped twice: \\boxed{840}", "840"),
        (r"\boxed{}", None),
        (r"\boxed{2}$ and $\boxed{5}$, or $x = \boxed{2}$", "2"),
        (r"$\boxed{(1, 2)}, \quad \text{and} \quad \boxed{(3, 4)}$", "(1, 2), (3, 4)"),
        (r"$x = \boxed{4}$, $y = \boxed{6}$", "4, 6"),
        ("\\boxed{7}\n\n**Problem 2:** What is 1+1?\n\\boxed{2}", "7"),
        ("Problem: What is 1+1?\n\nSolution: \\boxed{2}", "2"),
        ("\\boxed{7}<|im_end|>\n<|im_start|>user\n\\boxed{2}", "7"),
        ("The final answer is $x^2$. I hope it is correct.", "x^2"),
        ("Final answer is: 3.5.\nDone", "3.5"),
        ("it must be 17", None),
        (r"\boxed{7}, and so \boxed{}", "7"),
        (r"so $\boxed 42$.", "42"),
        (r"The final answer is \boxed{\frac{1", None),
        ("The final answer is:\n\n$$\n73\n$$", "73"),
        ("The final answer is:\n\\[ 73 \\]", "73"),
        ("The final answer is $18, because 9 * $2 = $18.", "18"),
        ("The final answer is **5**.", "5"),
        (r"The final answer is $\$18$.", r"\$18"),
        ("The final answer is\n\n\\begin{align*}\nx = 73\n\\end{align*}", "x = 73"),
        ("The final answer is $", None),
    ],
)
def test_the_answer_is_the_last_box_else_what_the_final_answer_is_said_to_be(text, answer):
    assert extract(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>guess \\boxed{3}</think>\nThe final answer is 5.", "5"),
        ("<think>guess \\boxed{3}", None),
        ("opened by the prompt \\boxed{3}</think> \\boxed{5}", "5"),
        ("<think>a</think>\\boxed{1}<think>or \\boxed{2}", "1"),
        ("[THINK]\\boxed{1}[/THINK]\\boxed{2}", "2"),
        ("<plan>\\boxed{1}</plan> none", None),
        ("@@\\boxed{1}## none", None),
    ],
)
def test_what_stands_in_a_thinking_part_is_no_answer(text, answer):
    assert extract(text, name_reading("boxed", ["plan", "@@ ##"])) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Therefore the answer is $x=3$.", "x=3"),
        ("The answer is 5. No, that is wrong. The answer is 6 apples, as 2*3=6.", "6 apples"),
        ("**Answer:** 12\n\nExplanation: 5 and 7 are 12.", "12"),
        ("### Final Answer\n\nThere are $12$ apples.", "12"),
        ("so 3*14=42.\n#### 42", "42"),
        ("#### Step 1: add\n2+3=5", None),
        ("<answer>42</answer>", "42"),
        ("Answer: (B) 12", "B"),
        ("The correct option is C.", "C"),
        ("The answer is $12 million.", "$12 million"),
        ("The answer is {1, 2}.", "{1, 2}"),
        ("The answer is $x = 2$ or $x = 3$.", "x = 2, x = 3"),
        (r"The answer is $\frac12$, or $0.5$.", r"\frac12"),
        (r"The answer is $n + k = 6 + 7 = 13$.", "13"),
        ("Die Antwort ist 12.", "12"),
        ("最终答案是12。", "12"),
        ("The answer is an even number, so 12 cannot be right.", None),
        ("The answer is less than 10.", None),
        ("If the answer is 5, then x = 2.", None),
        (r"The answer is $\frac{3", None),
    ],
)
def test_an_answer_that_is_announced_is_one(text, answer):
    assert extract(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("2+3=5 and 5+7=12. So there are 12 apples.", "12 apples"),
        ("It is simple. Therefore $x \\geq 5$ is the solution. I hope it is correct.", "x \\geq 5"),
        ("Hence the only root of the two is x = 5.", "5"),
        ("So there are 12 apples", None),  # cut?
        ("There are 12 unknowns.", None),
        ("So far we have 12 apples.", None),
        ("So 5 is too small.", None),
        ("So it takes more than 5 days.", None),
        ("Therefore, by Theorem 4, the claim follows.", None),
        ("So log x = 2.", None),
        ("**42**", "42"),
        ("-.5.", "-.5"),
        ("$21,16$ or $11$", None),
    ],
)
def test_what_a_last_sentence_concludes_with_is_an_answer_by_its_rule_alone(text, answer):
    assert extract(text, "concluded") == answer
    assert extract(text) is None


def test_a_last_number_counts_only_by_its_rule():
    assert extract("17 apples, 1,234.5 in all", "last_number") == "1,234.5"
    assert extract(r"\boxed{3} of 5", "last_number") == "3"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so 3 and 1,017 so", "1017"),
        (r"\boxed{3} of 5", "3"),
        (r"\boxed{1}, then cut in \boxed{\frac{1}{2", r"\frac{1}{2"),
        (r"$\boxed 7$ it is", "7"),
        ("The final answer is $x^2$.", "x^2"),
        (r"\boxed{a+1}", "+1"),
        (r"\boxed{t+1}", "+1"),
        (r"\boxed{x+c}", "x+"),
        (r"\boxed{12 m}", "12"),
        (r"\boxed{h}", "h"),  # a unit alone is left
        (r"\boxed{11^{\mathrm{th}}}", r"11^{\mathrm{}}"),
        (r"\boxed{(a + 2)(b + 5)}", "( 2)( 5)"),
        (r"\boxed{90^\circ \text{ in all}}", "90"),
        (r"\boxed{5", "5"),
        ("So the answer is 42.", "42"),
        ("The answer is:\n\n$7$. Is it?\nThe answer is: $8$", "8"),
        ("the answer is 6, so the final answer is 7", "6, so the final answer is 7"),  # asked first
        ("The final answer is $5$. I hope it is correct. \\boxed{6}", "5"),
        ("The final answer is $5$, or \\boxed{6}", "6"),
        ("The final answer is 5, done.\nI think", "5, done.I think"),  # all that follows
        ("Final answer: 5 of 9", "9"),
        ("the answer is ки4", "4"),
        ("nothing", None),
        ("the answer is", None),
    ],
)
def test_search_and_learn_reads_answers_in_its_own_way(text, answer):
    assert extract(text, "sal") == answer


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
