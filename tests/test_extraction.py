"""Which part of a solution is its answer, rule by rule."""

from __future__ import annotations

import pytest

from ttc.grading import extract, name_reading


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
