r"""Servers as they are: what each makes of one question, whose answer is \boxed{7}."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd
import pytest

from tests.models.scripted import (
    CHAT,
    COMPLETIONS,
    DONE,
    SAMPLING,
    STEP,
    WHOLE,
    Reply,
    Scripted,
    events,
    generate,
    models,
    scripted,
    text,
)
from ttc.models.endpoint import look
from ttc.settings.schema import PolicyConfig
from ttc.strategies.self_refine import SelfRefine
from ttc.types import TransientError, UserError

SEVEN = r"so \boxed{7}"
COUNTED = {"prompt_tokens": 7, "completion_tokens": 9}


def chat(content: object = SEVEN, finish: object = "stop", usage: object = COUNTED, **said) -> Reply:
    message = {"role": "assistant", "content": content} | said
    return 200, {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def no(message: object, status: int = 400) -> Reply:
    return status, message if isinstance(message, str) else json.dumps(message)


def refuses(*names: str, then: Reply | None = None) -> Callable[[dict], Reply]:
    """A server that takes none of these parameters."""

    def reply(body):
        unknown = [name for name in names if name in body]
        return no({"error": f"no {unknown[0]} here"}) if unknown else then or chat()

    return reply


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Chats, and completes where a test says how."""
    with scripted() as made:
        made.replies |= {"models": models("gpt"), CHAT: [chat()]}
        yield made


def asked(server: Scripted, **settings):
    base = {"base_url": server.url, "retries": 0, "timeout": 5.0}
    return look(PolicyConfig("openai", "openai", **(base | settings)))


@pytest.mark.parametrize(
    ("reply", "written", "end", "count"),
    [
        (chat(usage=None), SEVEN, "eos", None),
        (chat(usage={"total_tokens": 9}), SEVEN, "eos", None),
        (chat(usage=COUNTED | {"completion_tokens": 0}), SEVEN, "eos", None),
        (chat(usage=COUNTED | {"completion_tokens": -1}), SEVEN, "eos", None),
        (chat(usage=COUNTED | {"prompt_tokens": None}), SEVEN, "eos", 9),
        (chat(finish="eos"), SEVEN, "eos", 9),
        (chat(finish="end_turn"), SEVEN, "eos", 9),
        (chat(finish=None), SEVEN, "eos", 9),
        (chat(finish="null"), SEVEN, "eos", 9),
        (chat(finish=None, usage=COUNTED | {"completion_tokens": 100}), SEVEN, "length", 100),
        (chat(finish="MAX_TOKENS"), SEVEN, "length", 9),
        (chat(finish="model_context_window_exceeded"), SEVEN, "length", 9),
        (chat(finish="content_filter"), "", "eos", 9),
        (chat(None, "SAFETY"), "", "eos", 9),
        ((200, {"choices": [{"finish_reason": "content_filter: RECITATION"}]}), "", "eos", None),
        (no({"error": {"message": "not this", "code": "content_filter"}}), "", "eos", 0),
        (
            no({"error": {"message": "Your input was flagged", "metadata": {"reasons": ["?"]}}}, 403),
            "",
            "eos",
            0,
        ),
        (no({"error": {"code": "data_inspection_failed"}}), "", "eos", 0),
        ((200, {"choices": None, "promptFeedback": {"blockReason": "SAFETY"}}), "", "eos", None),
        (chat([{"type": "text", "text": "so "}, {"text": r"\boxed{7}"}]), SEVEN, "eos", 9),
        (chat([{"type": "thinking", "thinking": [{"text": "6?"}]}, {"text": SEVEN}]), SEVEN, "eos", 9),
        (
            chat([{"type": "reasoning", "text": "6?"}, "so ", {"text": {"value": r"\boxed{7}"}}]),
            SEVEN,
            "eos",
            9,
        ),
        (
            chat({"role": "model", "parts": [{"text": "6?", "thought": True}, {"text": SEVEN}]}),
            SEVEN,
            "eos",
            9,
        ),
        (chat("\ud83d" + SEVEN), "?" + SEVEN, "eos", 9),
        (chat(usage=COUNTED | {"completion_tokens": 10**20}), SEVEN, "eos", None),
        ((200, "\ufeff\n" + json.dumps(chat()[1])), SEVEN, "eos", 9),
        (chat(None, reasoning_content=SEVEN), "", "eos", 9),
        (chat(None, "length", reasoning=SEVEN), "", "length", 9),
        ((200, {"choices": [{"message": {"refusal": "no"}}], "usage": COUNTED}), "", "eos", 9),
    ],
    ids=str,
)
def test_an_answer_is_read_by_its_kind_and_asked_for_once(server, reply, written, end, count):
    (sample,) = generate(server, WHOLE, api="chat", replies=[reply])
    assert [(step.text, step.end, step.count) for step in sample.steps] == [(written, end, count)]
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "written", "end"),
    [
        ((200, [*events("19", finish=None)[1], DONE]), "19", "eos"),
        ((200, [*events(" 7" * 100, finish=None)[1], DONE]), " 7" * 100, "length"),
        (events("19", finish="eos_token"), "19", "eos"),
        (events("19", finish="MAX_TOKENS"), "19", "length"),
        (events("19", " and", finish="content_filter"), "", "eos"),
        (text("19\n\n7", None), "19\n\n", "step"),
    ],
    ids=["no reason", "no reason, cut", "eos", "length", "filtered", "not a stream"],
)
def test_a_stream_ends_in_as_many_ways(server, reply, written, end):
    server.replies |= {
        "models": models({"id": "nano:policy", "max_model_len": 256}),
        COMPLETIONS: [text("1")],
    }
    (sample,) = generate(server, STEP, replies=[reply])
    assert [(step.text, step.end) for step in sample.steps] == [(written, end)]


@pytest.mark.parametrize("end", [None, "eos", "content_filter"])
def test_a_completion_ends_in_as_many_ways(server, end):
    server.replies |= {
        "models": models({"id": "nano:policy", "max_model_len": 256}),
        COMPLETIONS: [text("1")],
    }
    (sample,) = generate(server, WHOLE, replies=[text("19", end)])
    assert [(step.text, step.end) for step in sample.steps] == [
        ("19" if end != "content_filter" else "", "eos")
    ]


@pytest.mark.parametrize(
    "body",
    [
        "not here",
        {"error": "not here"},
        {"detail": "not here"},
        {"detail": [{"loc": ["body"], "msg": "not here"}]},
        {"message": "not here", "error": None},
        {"errors": [{"title": "not here"}]},
        [{"error": {"message": "not here"}}],
        {"code": "not here"},
    ],
    ids=str,
)
def test_what_an_error_says_is_shown_whatever_its_shape(server, body):
    server.replies[CHAT] = [no(body)]
    with pytest.raises(UserError, match=r"\(400: .*not here"):
        asked(server, api="chat")
    server.replies[CHAT] = [no(body, 200)]
    with pytest.raises(UserError, match=r"is not answered with a text \(.*not here"):
        asked(server, api="chat")


@pytest.mark.parametrize(
    "answer",
    [
        chat("")[1] | {"error": {"message": "not here"}},
        {"choices": [{"message": {"content": ""}, "error": {"message": "not here"}}]},
        chat({"said": "not here"})[1],
        {"choices": [], "message": "not here"},
        {"choices": {"text": "not here"}},
        {"choices": [{"message": None, "text": "not here"}]},
        "<html><style>b {}</style><body>not\nhere</html>",
    ],
    ids=str,
)
def test_what_is_no_text_is_none_and_never_an_empty_one(server, answer):
    server.replies[CHAT] = [(200, answer)]
    with pytest.raises(UserError, match=r"is not answered with a text \(.*") as caught:
        asked(server, api="chat")
    assert len(str(caught.value).splitlines()) == 1
    server.replies[CHAT] = [chat()]
    with pytest.raises(TransientError):
        generate(server, WHOLE, api="chat", replies=[(200, answer)])


@pytest.mark.parametrize(
    "names",
    [["max_tokens"], ["top_p"], ["temperature", "top_p"], ["max_tokens", "temperature", "top_p"]],
    ids=" ".join,
)
def test_a_server_is_asked_with_what_it_takes(server, names):
    server.replies[CHAT] = refuses(*names)
    sampling = replace(SAMPLING, temperature=1.0)
    generate(server, WHOLE, sampling=sampling, api="chat", replies=refuses(*names))
    (body,) = server.bodies(CHAT)
    assert (body.get("max_tokens") or body["max_completion_tokens"]) == 100
    assert "seed" in body


def test_a_temperature_that_is_refused_is_refused_before_anything_is_sampled(server):
    server.replies[CHAT] = refuses("temperature")
    with pytest.raises(UserError, match="no temperature here"):
        asked(server, temperature=0.8)
    assert asked(server, temperature=1.0).bare


@pytest.mark.parametrize(
    ("taken", "words", "said"),
    [
        (lambda body: body["messages"][0]["role"] != "system", ["prompt=qwen"], "; prompt.fold_system=true"),
        (
            lambda body: "chat_template_kwargs" not in body,
            ["prompt.template_arguments.enable_thinking=false"],
            "prompt=plain",
        ),
        (lambda body: body["max_tokens"] <= 1024, [], "max_tokens=2048"),
        (lambda body: body["temperature"] > 0, ["strategy=greedy", "n=1"], "temperature=0"),
    ],
    ids=["system", "arguments", "length", "greedy"],
)
def test_what_a_run_would_ask_in_vain_is_said_before_anything_is_sampled(
    server, launch, capsys, taken, words, said
):
    server.replies[CHAT] = lambda body: chat() if taken(body) else no("not this")
    assert launch(*line(server, *words), name="asked") == 2
    [fault] = capsys.readouterr().err.splitlines()
    assert "POST /chat/completions refuses what a run asks, with prompt=" in fault
    assert "(400: not this)" in fault
    assert said in fault


def test_a_conversation_goes_through_a_server_that_chats_or_is_refused_first(
    server, launch, tmp_path, capsys
):
    def replies(body):
        said = [turn["content"] for turn in body["messages"]]
        answer = "Is it?" if said[-1].startswith("Check") else rf"\boxed{{{4 + len(said)}}}"
        return chat(answer, usage={"prompt_tokens": sum(map(len, said)), "completion_tokens": len(answer)})

    server.replies[CHAT] = replies
    words = line(server, "strategy=self_refine", "n=2")
    assert launch(*words, name="talk") == 0
    paths = pd.read_parquet(tmp_path / "talk" / "paths").sort_values("address")
    assert paths["answer"].tolist() == ["5", "9"]
    steps = pd.read_parquet(tmp_path / "talk" / "steps").sort_values("address")
    assert steps["turn_tokens"].tolist()[1:] == list(map(len, SelfRefine().says))
    server.replies[CHAT] = lambda body: no("one question") if body["messages"][1:] else chat()
    assert launch(*words, name="mute") == 2
    said = "refuses a conversation, which strategy=self_refine needs (400: one question)"
    assert said in capsys.readouterr().err
    assert launch(*line(server), name="mute") == 0


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_server_that_does_not_stream_is_not_rehearsed(server, launch, status):
    server.replies[CHAT] = lambda body: no("unknown parameter", status) if body.get("stream") else chat()
    assert launch(*line(server), name="whole") == 0


def test_log_probabilities_that_nobody_gives_are_missed_before_anything_is_sampled(server):
    with pytest.raises(UserError, match=r"policy.logprobs=true: .* gives no log-probabilities"):
        asked(server, logprobs=True)


def test_likely_tokens_that_nobody_tells_are_missed_before_anything_is_sampled(server):
    with pytest.raises(UserError, match=r"policy.confidence=true: .* tells 0 of the 20 likeliest tokens"):
        asked(server, confidence=True)
    five = {"content": [{"token": "7", "logprob": -1, "top_logprobs": [{"logprob": -1}] * 5}]}
    server.replies[CHAT] = [chat(SEVEN)]
    server.replies[CHAT][0][1]["choices"][0]["logprobs"] = five
    with pytest.raises(UserError, match=r"policy.confidence=true: .* tells 5 of the 20 likeliest tokens"):
        asked(server, confidence=True)
    server.replies[CHAT] = refuses("top_logprobs")
    with pytest.raises(UserError, match=r"policy.confidence=true: .*no top_logprobs here"):
        asked(server, confidence=True)
    assert asked(server).api == "chat"


@pytest.mark.parametrize(
    "listed", [{"data": None}, {"data": []}, {"error": "?"}, "<html>", 404, 403, 500], ids=str
)
def test_a_server_that_lists_no_models_is_asked_for_the_one_that_is_named(server, listed):
    server.replies["models"] = [no("no list", listed) if isinstance(listed, int) else no(listed, 200)]
    assert asked(server, model="gpt").model == "gpt"
    assert server.bodies(CHAT)[0]["model"] == "gpt"
    with pytest.raises(UserError, match=r"policy.model=null|wants a key"):
        asked(server)


@pytest.mark.parametrize("listed", [["gpt"], [{"id": "gpt"}], {"models": [{"name": "gpt"}]}], ids=str)
def test_a_list_of_models_has_many_shapes(server, listed):
    server.replies["models"] = [no(listed, 200)]
    assert asked(server).model == "gpt"


@pytest.mark.parametrize(
    "reply", [chat(), no("<html>", 200), no("chat!", 403), no("chat!"), no({}, 200)], ids=str
)
def test_a_server_that_completes_nothing_only_chats(server, reply):
    server.replies[COMPLETIONS] = [reply]
    assert asked(server).api == "chat"
    with pytest.raises(UserError, match=r"^policy.api=completions: take policy.api=chat"):
        asked(server, api="completions")


def test_completions_that_fail_are_no_reason_to_chat_unasked(server):
    server.replies[COMPLETIONS] = [no("busy", 503)]
    with pytest.raises(UserError, match=r"^policy.api=null: take policy.api=chat if .*\(503: busy\)"):
        asked(server)


def line(server: Scripted, *more: str) -> list[str]:
    usual = ["policy=openai", f"policy.base_url={server.url}", "prm=none", "n=4", "dataset=nano"]
    return [*usual, "dataset.limit=1", "policy.retries=0", *more]


def test_one_filtered_path_and_counts_that_nobody_keeps_leave_a_pool_whole(server, launch, tmp_path, capsys):
    number = itertools.count()
    withheld = chat(finish="content_filter", usage=None)
    server.replies[CHAT] = lambda body: withheld if next(number) == 3 else chat(usage=None)
    assert launch(*line(server), name="pool") == 0
    assert len(server.bodies(CHAT)) == 3 + 4, "two looks, a rehearsal, and each path once"
    (search,) = pd.read_parquet(tmp_path / "pool" / "searches").to_dict("records")
    assert (search["paths"], search["over_eos"], search["no_answer"]) == (4, 4, 1)
    assert pd.isna([search[name] for name in ("generated_tokens", "prompt_tokens", "policy_rate")]).all()
    rows = pd.read_parquet(tmp_path / "pool" / "readout.parquet")
    assert rows.loc[:, ["generated_tokens", "policy_tokens", "seconds"]].isna().all(axis=None)
    assert rows.accuracy.notna().all()
    server.asked.clear()
    assert launch(*line(server, "prm=length"), name="pool") == 0, "a length in characters will do"
    assert len(server.bodies(CHAT)) == 2, "a look, a rehearsal, and the stored paths are scored"
    capsys.readouterr()
    again = ["seed=1", "plan_only=true", "dataset.solution_tokens=500"]
    assert launch(*line(server, *again), name="pool") == 0
    assert "expected: about 2k policy tokens" in capsys.readouterr().out, "as of a new dataset"


def test_a_server_that_refuses_seeds_is_asked_without_and_the_rows_say_so(server, launch, tmp_path, capsys):
    server.replies[CHAT] = refuses("seed", "max_tokens")
    assert launch(*line(server), name="seeds") == 2
    said = capsys.readouterr().err
    assert "policy.unseeded=false: " in said
    assert "(400: no seed here" in said
    assert "policy.unseeded=true" in said
    assert launch(*line(server, "policy.unseeded=true"), name="seeds") == 0
    rows = pd.read_parquet(tmp_path / "seeds" / "readout.parquet")
    assert all("policy.unseeded=True" in variant for variant in rows.variant)
    server.replies[CHAT] = [chat()]
    assert launch(*line(server), name="seeds") == 0
    assert pd.read_parquet(tmp_path / "seeds" / "paths").groupby("family").size().tolist() == [4, 4]
