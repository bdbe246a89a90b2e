"""The families' formats: what they write, that they only ever append, and what they refuse."""

from __future__ import annotations

from pathlib import Path

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


def test_the_embedded_verifier_fits_the_format_and_spends_three_tokens_a_step_on_it():
    """Two headers and the answer; no closing tokens (benchmarks/world/tokenizer.py)."""
    from transformers import AutoTokenizer

    from ttc.models.checkpoint import fetch

    made = RLHFlow(AutoTokenizer.from_pretrained(fetch("nano:prm")))
    step = "Day 2: so 19 - 4 = 15"
    layout = made.layout(
        "Start with 12. Day 1: gets 7. Day 2: gives 4. How many are there?", ["Day 1: now 12", step]
    )
    assert layout.ends[1] - layout.ends[0] == len(made.tokenizer.encode(step)) + 3


# The other families. Their scores against the definitions: tests/models/test_families.py.

SUM = "What is 1 + 2?"
HERE = ("## we get\n\n 3.\n\n", " then 3")
JUDGE_ASKS = (
    "Is the solution right so far, the last step included? "
    'Answer with one word, "yes" or "no", and nothing else.'
)
WRITTEN = {
    "math_shepherd": (f"<s> {SUM} we get\n\n 3. ки", "\nthen 3 ки", ""),
    "skywork": (f"<|endoftext|>{SUM}\n## we get\n 3.\n", "then 3\n", ""),
    "qwen_prm": (
        "<|im_start|>system\nPlease reason step by step, and put your final answer within \\boxed{}."
        f"<|im_end|>\n<|im_start|>user\n{SUM}<|im_end|>\n<|im_start|>assistant\n## we get\n\n 3.<extra_0>",
        "then 3<extra_0>",
        "",
    ),
    "orm": (
        f"<|im_start|>user\n{SUM}<|im_end|>\n<|im_start|>assistant\n## we get\n\n 3.",
        "\n\nthen 3",
        "<|im_end|>\n",
    ),
    "judge": (
        "<|im_start|>user\nHere is a problem and the beginning of a solution. "
        f"Check the solution step by step.\n\nProblem:\n{SUM}\n\nStep 1:\n## we get\n\n 3.\n\nEnd of step 1",
        "\n\nStep 2:\nthen 3\n\nEnd of step 2",
        f"\n\n{JUDGE_ASKS}<|im_end|>\n<|im_start|>assistant\n",
    ),
}
"""What the first step's input, the second step and the tail read."""


def words_of(family: str):
    return tiny.spiece_tokenizer() if family == "math_shepherd" else tiny.bytes_tokenizer()


@pytest.mark.parametrize("family", WRITTEN)
def test_a_family_writes_its_text_and_only_ever_appends(family):
    tokenizer = words_of(family)
    layout = FORMATS[family](tokenizer).layout(SUM, HERE)
    first, second, tail = WRITTEN[family]
    assert tokenizer.decode(layout.upto(0)) == first + tail
    assert tokenizer.decode(layout.upto(1)) == first + second + tail
    assert FORMATS[family](tokenizer).layout(SUM, HERE[:1]).upto(0) == layout.upto(0)
    # where a full stop and a blank line are one token, a step that follows changes the last one
    kept = layout.ends[0] - (family == "orm")
    assert layout.upto(0)[:kept] == layout.upto(1)[:kept]
    assert tokenizer.decode(layout.ids[: layout.root]).startswith(first.split(SUM)[0] + SUM)


def test_an_outcome_model_reads_a_stop_as_it_stands_in_the_whole_text():
    tokenizer = tiny.bytes_tokenizer()
    layout = FORMATS["orm"](tokenizer).layout(SUM, HERE)
    ends, goes_on = (tokenizer.convert_ids_to_tokens(layout.upto(step)) for step in (0, 1))
    assert ends[-3:] == [".", "<|im_end|>", "Ċ"]
    assert goes_on[len(ends) - 3] == ".ĊĊ"


@pytest.mark.parametrize("family", ["skywork", "qwen_prm", "orm", "judge"])
def test_blank_lines_that_are_cut_differently_before_a_word_are_no_hindrance(family):
    """GPT-2's pattern; the check at construction says so."""
    FORMATS[family](tiny.bytes_tokenizer(split=tiny.GPT2_SPLIT))


def test_math_shepherds_tags_are_the_published_ids_in_its_own_tokenizer(tmp_path):
    """Mistral's first tokenizer comes with vLLM, in mistral_common."""
    files = Path(pytest.importorskip("mistral_common").__file__).parent / "data/tokenizer.model.v1"
    from transformers import LlamaTokenizer

    (tmp_path / "tokenizer.model").write_bytes(files.read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    for legacy in (True, False):
        tokenizer = LlamaTokenizer.from_pretrained(tmp_path, legacy=legacy)
        made = FORMATS["math_shepherd"](tokenizer)
        layout = made.layout("How many?", ["## Step 1: 3 + 4 = 7", "The answer is: 7"])
        assert made.tags == (648, 387)
        assert [layout.ids[end - 1] for end in layout.ends] == [12902, 12902]
        text = "How many? Step 1: 3 + 4 = 7 ки\nThe answer is: 7 ки"
        assert list(layout.ids) == [1, *tokenizer.encode(text, add_special_tokens=False)]


def without(merges: list[str], *gone: str) -> list[str]:
    return [merge for merge in merges if merge not in gone]


@pytest.mark.parametrize(
    ("family", "tokenizer", "message"),
    [
        (
            "math_shepherd",
            tiny.spiece_tokenizer(without(tiny.SPIECE_MERGES, "▁ ки")),
            r"tiny: the tag 'ки' must be one token .* it is 2 tokens \[\d+, \d+\]",
        ),
        (
            "math_shepherd",
            tiny.spiece_tokenizer(without(tiny.SPIECE_MERGES, "▁ -")),
            r"tiny: the tag '-' must be one token .* it is 2 tokens",
        ),
        ("math_shepherd", tiny.tokenizer(), "tiny: the tag 'ки' .* it is unknown"),
        ("skywork", tiny.spiece_tokenizer(), r"tiny: the tag '\\n' must be one token .* it is 2 tokens"),
        ("skywork", tiny.bytes_tokenizer(bos=None), "tiny: the format skywork .* its bos_token is None"),
        (
            "qwen_prm",
            tiny.bytes_tokenizer(extra=()),
            "tiny: the tag '<extra_0>' must be one token .* it is 9 tokens",
        ),
        (
            "qwen_prm",
            tiny.bytes_tokenizer(template="{{ raise_exception('no system, please') }}"),
            r"tiny: .* turns of the format qwen_prm \(system, user, assistant\): no system, please",
        ),
        ("orm", tiny.bytes_tokenizer(template=None), "tiny: the format orm needs a chat template"),
        (
            "judge",
            tiny.bytes_tokenizer(without(tiny.BYTES_MERGES, "ye s")),
            r"tiny: the tag 'yes' must be one token .* it is 2 tokens .* nor will .*\('Yes', 'No'\)",
        ),
        (
            "judge",
            tiny.bytes_tokenizer([*tiny.BYTES_MERGES, "1 ĊĊ"], split=r"[\s\S]+"),
            "tiny: not append-only: in the whole text, step 1 is encoded differently from token",
        ),
    ],
)
def test_a_family_refuses_a_tokenizer_that_does_not_fit(family, tokenizer, message):
    with pytest.raises(UserError, match=message):
        FORMATS[family](tokenizer)


def test_a_judge_takes_the_spelling_that_is_one_token_and_asks_for_it():
    merges = [*without(tiny.BYTES_MERGES, "n o"), "Y e", "Ye s", "N o"]
    tokenizer = tiny.bytes_tokenizer(merges)
    made = FORMATS["judge"](tokenizer)
    assert tokenizer.convert_ids_to_tokens(list(made.tags)) == ["Yes", "No"]
    assert 'one word, "Yes" or "No"' in tokenizer.decode(made.layout(SUM, HERE).tail)
