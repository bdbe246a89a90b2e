"""Where a step ends, on hand-made vocabularies."""

from __future__ import annotations

import pytest

from ttc.models.steps import StepRule, step_rule

EOS = 0


def rule(*pieces: str, separator: str = "\n\n") -> StepRule:
    """Token i is pieces[i - 1]; token 0 ends the text and is not a special token."""
    texts = ["<eos>", *pieces]
    return step_rule(lambda ids: "".join(texts[i] for i in ids), len(texts), separator, frozenset({EOS}))


def texts(steps) -> list[str]:
    return [step.text for step in steps]


def test_a_step_ends_at_the_separator_and_keeps_it():
    steps = rule("a", "\n\n").split([1, 2, 1, 1, EOS], "eos")
    assert texts(steps) == ["a\n\n", "aa"]
    assert [step.end for step in steps] == ["step", "eos"]
    assert [step.tokens for step in steps] == [(1, 2), (1, 1, EOS)]


def test_two_tokens_that_make_the_separator_together_end_a_step():
    newlines = rule("a", "\n", "b\n")
    assert not newlines.exact
    assert texts(newlines.split([1, 2, 2, 3, 2, 1], "length")) == ["a\n\n", "b\n\n", "a"]


def test_a_token_that_reaches_past_the_separator_belongs_to_the_step_it_ends():
    steps = rule("a", ".\n\nb").split([1, 2, 1], "length")
    assert texts(steps) == ["a.\n\nb", "a"]
    assert texts(steps)[0] + texts(steps)[1] == "a.\n\nba"


@pytest.mark.parametrize(
    ("pieces", "exact"),
    [
        (("a", "\n\n"), True),
        (("a", "\n\n", ".\n\n"), True),
        (("a", "\n\n", "\n"), False),
        (("a", "\n\n", "b\n"), False),
        (("a", "\n\n", "\ufffd"), False),
        (("a", "b"), False),
    ],
)
def test_stop_ids_stand_for_the_separator_only_where_no_other_tokens_make_it(pieces, exact):
    assert rule(*pieces).exact is exact


def test_a_sample_that_ends_with_a_separator_has_no_empty_step_behind_it():
    (step,) = rule("a", "\n\n").split([1, 2], "length")
    assert (step.text, step.end) == ("a\n\n", "length")


def test_eos_behind_a_separator_is_a_blank_step_of_one_token():
    *_, last = rule("a", "\n\n").split([1, 2, EOS], "eos")
    assert (last.text, last.tokens, last.end, last.blank) == ("", (EOS,), "eos", True)


def test_a_path_is_over_at_two_blank_steps_in_a_row():
    steps = rule("a", "\n\n").split([1, 2, 2, 1, 2, 2, 2, 1, EOS], "eos")
    assert texts(steps) == ["a\n\n", "\n\n", "a\n\n", "\n\n", "\n\n"]
    assert texts(rule("a", "\n\n").split([2, 1], "length", after_blank=True)) == ["\n\n"]


def test_logprobs_are_summed_by_step():
    steps = rule("a", "\n\n").split([1, 2, 1], "length", [-1.0, -2.0, -4.0])
    assert [step.logprob for step in steps] == [-3.0, -4.0]


def test_splitting_does_not_depend_on_where_the_sample_was_cut():
    """A path drawn step by step and the same tokens drawn whole have the same steps."""
    made = rule("a", "\n", "\n\n", "b\n", ".\n\nb")
    tokens = [1, 2, 1, 2, 2, 4, 2, 1, 5, 1, 3, 1]
    whole = made.split(tokens, "length")
    stepwise, start = [], 0
    for stop in range(1, len(tokens) + 1):
        if "\n\n" in made.decode(tokens[start:stop]) or stop == len(tokens):
            stepwise.append(tuple(tokens[start:stop]))
            start = stop
    assert [step.tokens for step in whole] == stepwise


def test_the_embedded_policy_stops_at_an_id():
    """Its blank line is one token and no others make one, which saves decoding while it writes."""
    from transformers import AutoTokenizer

    from ttc.models.checkpoint import fetch

    tokenizer = AutoTokenizer.from_pretrained(fetch("nano:policy"))
    made = step_rule(
        tokenizer.backend_tokenizer.decode, len(tokenizer), "\n\n", frozenset({tokenizer.eos_token_id})
    )
    assert made.exact
    assert [step.text for step in made.split(tokenizer.encode("Day 1: so 3\n\n\\boxed{3}<eos>"), "eos")] == [
        "Day 1: so 3\n\n",
        r"\boxed{3}",
    ]
