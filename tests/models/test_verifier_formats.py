"""RLHFlow's format: what it writes, that it only ever appends, and what it refuses."""

from __future__ import annotations

import pytest

from tests.models import tiny
from ttc.models.formats import FORMATS
from ttc.models.formats.rlhflow import RLHFlow
from ttc.types import UserError

QUESTION = "What is the sum of 1 and 2?"
STEPS = ("so we get 1+2=3\n\n", "then we get 3", r"\boxed{3}")


@pytest.fixture(scope="module")
def made() -> RLHFlow:
    return RLHFlow(tiny.tokenizer())


def test_the_chat_is_rlhflows(made):
    text = made.tokenizer.decode(made.layout(QUESTION, STEPS).ids)
    assert text == (
        f"<|user|>{QUESTION} so we get 1+2=3<|assistant|>+<turn_end>"
        r"<|user|>then we get 3<|assistant|>+<turn_end><|user|>\boxed{3}<|assistant|>"
    )


def test_every_score_is_read_where_the_answer_begins(made):
    layout = made.layout(QUESTION, STEPS)
    assert len(layout.ends) == len(STEPS)
    opening = made.tokenizer.convert_tokens_to_ids("<|assistant|>")
    assert [layout.ids[end - 1] for end in layout.ends] == [opening] * 3


def test_the_root_is_the_question_whatever_step_comes_first(made):
    roots = {made.layout(QUESTION, [step]).root for step in STEPS}
    assert roots == {len(made.tokenizer.encode("<|user|>" + QUESTION))}
    assert made.layout(QUESTION, ()).ends == ()


def test_more_steps_only_append(made):
    whole = made.layout(QUESTION, STEPS)
    for count in range(1, len(STEPS)):
        part = made.layout(QUESTION, STEPS[:count])
        assert part.ids == whole.ids[: len(part.ids)]
        assert part.ends == whole.ends[:count]


def test_a_template_that_strips_is_followed():
    stripping = tiny.TEMPLATE.replace("message['content'] }}", "message['content'] | trim }}")
    made = RLHFlow(tiny.tokenizer(stripping))
    assert made.tokenizer.decode(made.layout(" What ", ["so"]).ids) == "<|user|>What  so<|assistant|>"


@pytest.mark.parametrize(
    ("template", "pieces", "message"),
    [
        (
            tiny.TEMPLATE,
            [piece for piece in tiny.PIECES if piece != "-"],
            "tiny: the tag '-' .* it is unknown",
        ),
        (None, None, "tiny: the format rlhflow needs a chat template"),
        (
            tiny.TEMPLATE.replace("{% for message in messages %}", "{% for message in messages[-1:] %}"),
            None,
            "drops",
        ),
        (
            tiny.TEMPLATE.replace("'<|' +", "loop.index0 ~ '<|' +"),
            None,
            r"template is not append-only; between two steps it writes '1<\|assistant\|>\+<turn_end>2",
        ),
        (
            tiny.TEMPLATE.replace("{{ '<|assistant|>' }}{% endif %}", "{{ '<|system|>' }}{% endif %}"),
            None,
            r"opens an answer with '<\|system\|>'",
        ),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_refused(template, pieces, message):
    with pytest.raises(UserError, match=message):
        RLHFlow(tiny.tokenizer(template, pieces))


def test_a_tag_of_two_tokens_is_refused_with_what_was_found():
    words = tiny.tokenizer()
    encode = words.encode
    words.encode = lambda text, **more: [1, *encode(text, **more)]
    with pytest.raises(UserError, match=r"tiny: the tag '\+' must be one token .* it is 2 tokens \[1, \d+\]"):
        RLHFlow(words)


def test_a_header_that_melts_into_the_answer_is_refused():
    """Its last space and the tag become one token, so the tag's own id never stands there."""
    melting = tiny.TEMPLATE.replace("'|>' +", "'|> ' +").replace("'<|assistant|>'", "'<|assistant|> '")
    with pytest.raises(
        UserError, match=r"tiny: the answer '\+' does not stand where its score is read, but ' \+"
    ):
        RLHFlow(tiny.tokenizer(melting))


def test_every_family_takes_a_tokenizer_and_has_two_tags(made):
    assert FORMATS["rlhflow"] is RLHFlow
    assert made.tags[0] != made.tags[1]


def test_the_embedded_verifier_fits_the_format_and_spends_three_tokens_a_step_on_it():
    """Two headers and the answer; no closing tokens (ttc/nano/tokenizer.py)."""
    from transformers import AutoTokenizer

    from ttc.models.checkpoint import fetch

    made = RLHFlow(AutoTokenizer.from_pretrained(fetch("nano:prm")))
    step = "Day 2: so 19 - 4 = 15"
    layout = made.layout(
        "Start with 12. Day 1: gets 7. Day 2: gives 4. How many are there?", ["Day 1: now 12", step]
    )
    assert layout.ends[1] - layout.ends[0] == len(made.tokenizer.encode(step)) + 3
