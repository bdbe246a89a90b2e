"""A model's tokenizer is asked before anything is loaded: every mistake is a line that says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.models import tiny
from ttc.models.light_tokenizer import LightTokenizer
from ttc.models.prompts import text
from ttc.settings.schema import Prompt

BARE = "{% for turn in messages %}<|im_start|>{{ turn['role'] }} {{ turn['content'] }}{% endfor %}"
TURNS = BARE + "{% if add_generation_prompt %}<|im_start|>{% endif %}"
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system role') }}{% endif %}"
DROPS_SYSTEM = "{% for turn in messages if turn['role'] == 'user' %}{{ turn['content'] }}{% endfor %}"
THINKS = "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
FOLD = "prompt.fold_system=true puts the system text into the user's turn"
ANOTHER = "give another as prompt.template_arguments.chat_template"
SYSTEM = "prompt.system=Be brief."


@pytest.fixture
def model(tmp_path: Path) -> Callable[[str | None], Path]:
    """A model as far as its tokenizer: what it weighs is never opened."""

    def make(template: str | None) -> Path:
        tiny.bytes_tokenizer(template=template, extra=("<s>",), bos="<s>").save_pretrained(tmp_path)
        config = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096}
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "model.bin").write_bytes(b"")
        return tmp_path

    return make


@pytest.fixture
def faults(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str], model: Callable[[str | None], Path]
) -> Callable[..., list[str]]:
    """What a launch says of a policy with this template; nothing: it would run."""

    def ask(template: str | None, *words: str, part: str = "policy") -> list[str]:
        where = f"{part}.model={model(template)}"
        refused = launch(where, f"{part}.engine=transformers", "plan_only=true", "dataset.limit=1", *words)
        lines = capsys.readouterr().err.splitlines()
        assert refused == (2 if lines else 0)
        assert all(line.startswith(f"error: {where}: ") for line in lines)
        return lines

    return ask


@pytest.mark.parametrize(
    ("template", "words", "said"),
    [
        (NO_SYSTEM + TURNS, [SYSTEM], f"system and user turn of prompt=plain (No system role); {FOLD}"),
        (DROPS_SYSTEM, [SYSTEM], f"leaves the system turn of prompt=plain out; {FOLD}"),
        (
            "{{ raise_exception('Never') }}",
            [SYSTEM],
            "system and user turn of prompt=plain (Never); tell it what it asks for in",
        ),
        ("{{ messages[0]['content'][0]['text'] + '!' }}", [], "has no attribute 'text'); tell it what"),
        (
            "{{ messages[1]['content'] + '!' }}",
            [],
            "no element 1); it wants a system turn: give prompt.system",
        ),
        (TURNS, ["policy.context=16"], "prompt=plain has 40 tokens, and the context 16: no room to answer"),
        ("{% for turn in messages %}", [], "Unexpected end of template. Jinja was looking"),
        ("Hello.", [], f"leaves the question out; {ANOTHER}"),
        (BARE, [], f"leaves out how an answer begins ('<|im_start|>assistant '); {ANOTHER}"),
        (TURNS, ["prompt.template_arguments.chat_template=rag"], "'rag': neither a template nor the name of"),
        (None, [], "no chat template, so no prompt can be put to it; take an instruction-tuned model, add"),
        ("<s>{{ bos_token }}" + TURNS, [], "begin with <s> twice; prompt.template_arguments.bos_token=''"),
        ("{{ bos_token }}{{ bos_token }}" + TURNS, [], f"begin with <s> twice; {ANOTHER}"),
        (
            "{{ bos_token }}{{ messages[0]['content'] }}",
            ["prompt.user='<s>{question}'"],
            "<s> twice; prompt.",
        ),
        (THINKS + TURNS, ["prompt.template_arguments.enable_thinkin=false"], "did you mean enable_thinking?"),
        (TURNS, ["prompt.template_arguments.date_string=today"], "date_string: prompt.date says it"),
    ],
)
def test_a_prompt_that_a_model_cannot_be_asked_with_is_a_line(
    template: str | None, words: list[str], said: str, faults: Callable[..., list[str]]
) -> None:
    [line] = faults(template, *words)
    assert said in line


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (NO_SYSTEM + TURNS, [SYSTEM, "prompt.fold_system=true"]),
        (DROPS_SYSTEM, [SYSTEM, "prompt.fold_system=true"]),
        (DROPS_SYSTEM, [SYSTEM, "prompt.system=null"]),
        ("{{ messages[0]['content'] + messages[1]['content'] + '!' }}", [SYSTEM]),
        ("<s>{{ bos_token }}" + TURNS, ["prompt.template_arguments.bos_token=''"]),
        ("{{ bos_token }}" + TURNS, [SYSTEM]),
        ("[INST] {{ messages[0]['content'] }} [/INST] {{ (messages + [{}])[1]['content'] }}", []),
        (THINKS + TURNS, ["prompt.template_arguments.enable_thinking=false"]),
        (None, ["prompt.template_arguments.chat_template='{{ messages[0][\"content\"] }}'"]),
    ],
)
def test_what_the_line_advises_helps(
    template: str | None, words: list[str], faults: Callable[..., list[str]]
) -> None:
    assert not faults(template, *words)


def test_every_fault_of_every_prompt_of_a_grid_is_said_at_once(faults: Callable[..., list[str]]) -> None:
    lines = faults(NO_SYSTEM + TURNS, "-m", "prompt=plain,llama,qwen", "prompt.template_arguments.xx=1")
    assert ["xx" in line for line in lines] == [True, False, False]
    assert ["prompt=llama" in line for line in lines] == [False, True, False]


def test_a_prompt_with_words_that_the_tokenizer_does_not_know_is_refused(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("policy=nano", "prompt=llama", "plan_only=true", "dataset.limit=1") == 2
    assert "its tokenizer does not know 'Solve' (prompt.system)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ messages[-1]['content'] }}!", "leaves out a part of a conversation, which strategy=self_refine"),
        ("{{ messages[0]['content'] + messages[-1]['content'] }}!", "leaves out a part of a conversation,"),
        (
            "{% if messages[2:] %}{{ raise_exception('One turn') }}{% endif %}" + TURNS,
            "needs (One turn); give",
        ),
        (TURNS, None),
        (tiny.CHATML, None),
    ],
)
def test_a_template_that_takes_no_conversation_is_a_line_where_one_is_needed(
    template: str, said: str | None, faults: Callable[..., list[str]]
) -> None:
    lines = faults(template, "strategy=self_refine", "n=2")
    assert [said in line for line in lines if said] == [True] * len(lines) == [True] * bool(said)
    assert not faults(template, "strategy=best_of_n", "n=2")


def test_a_verifier_whose_template_does_not_fit_is_refused_before_the_policy_loads(
    faults: Callable[..., list[str]],
) -> None:
    words = ("prm=judge", "prm.engine=transformers")
    [line] = faults(None, *words, part="prm")
    assert "the format judge needs a chat template" in line
    [line] = faults("{{ raise_exception('Never') }}", *words, part="prm")
    assert "does not take the turns of the format judge (user): Never" in line


@pytest.mark.parametrize("content", ["", "{}", "version https://git-lfs.github.com/spec/v1"])
def test_a_tokenizer_that_is_none_is_a_line(
    content: str, model: Callable[..., Path], launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = model(TURNS)
    (folder / "tokenizer.json").write_text(content)
    assert launch(f"policy.model={folder}", "policy.engine=transformers", "plan_only=true") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "tokenizer.json: not a tokenizer" in line


def test_arguments_reach_the_template() -> None:
    words = tiny.tokenizer(THINKS + TURNS)
    told = Prompt("p", template_arguments={"enable_thinking": False})
    assert [text(words, prompt, "1?").startswith("<think></think>") for prompt in (Prompt("p"), told)] == [
        False,
        True,
    ]


@pytest.mark.parametrize(("date", "written"), [("26 Jul 2024", "2024-07-26<"), ("a Monday", "a Monday<")])
def test_a_template_that_asks_for_today_gets_the_prompts_date(date: str, written: str) -> None:
    words = tiny.tokenizer("{{ strftime_now('%Y-%m-%d') }}" + TURNS)
    assert text(words, Prompt("p", date=date), "1?").startswith(written)


@pytest.mark.parametrize(
    "template",
    [
        tiny.CHATML,
        "{{ bos_token }}{{ messages | tojson }}{{ pad_token }}{{ tools is none }}{{ nothing }}",
        "{% for turn in messages %}\n  {% if loop.last %}{% break %}{% endif %}\n{{ turn }}\n{% endfor %}",
        "{% set all = namespace(x='') %}{% set all.x = 'é' ~ strftime_now('%Y') %}{{ all.x | tojson }}",
        [{"name": "default", "template": "{{ eos_token }}"}, {"name": "other", "template": "<s>"}],
    ],
    ids=str,
)
def test_without_transformers_a_tokenizer_says_the_same(template: Any, model: Callable[[str], Path]) -> None:
    from transformers import PreTrainedTokenizerFast

    folder = model("" if isinstance(template, list) else template)
    if isinstance(template, list):
        (folder / "chat_template.jinja").unlink()
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"chat_template": template}))
    light, usual = LightTokenizer(folder), PreTrainedTokenizerFast.from_pretrained(str(folder))
    for arguments in ({}, {"chat_template": "other"}, {"chat_template": "{{ messages[0].role }}"}):
        prompt = Prompt("plain", system="Ä", template_arguments=arguments)
        assert text(light, prompt, "7?") == text(usual, prompt, "7?")
    for name in ("bos_token", "bos_token_id", "eos_token_id", "unk_token", "unk_token_id"):
        assert getattr(light, name) == getattr(usual, name), name
    ids = light.encode("<s>no yes é<|im_end|>", add_special_tokens=False)
    assert ids == usual.encode("<s>no yes é<|im_end|>", add_special_tokens=False)
    assert light.decode(ids) == usual.decode(ids)
    assert {*light.all_special_ids} >= {*usual.all_special_ids}
    assert light.convert_ids_to_tokens(ids[0]) == usual.convert_ids_to_tokens(ids[0]) == "<s>"
