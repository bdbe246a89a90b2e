"""A policy behind a server: a scripted one, for all that may go wrong and for the ways without token ids."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.models.scripted import (
    CHAT,
    COMPLETIONS,
    NOT_FOUND,
    QUESTION,
    SAMPLING,
    STEP,
    WHOLE,
    Scripted,
    connect,
    events,
    generate,
    message,
    models,
    scripted,
    text,
)
from ttc.models.openai_server import Refused
from ttc.types import Draw, Prompt, Sample, Sampling, TooLong, TransientError, UserError


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Completes, and tells no token ids."""
    with scripted() as made:
        made.replies |= {
            "models": models({"id": "nano:policy", "max_model_len": 256}),
            COMPLETIONS: [text("1")],
            CHAT: [message("1")],
        }
        yield made


def steps(sample: Sample) -> list[tuple[str, str]]:
    return [(step.text, step.end) for step in sample.steps]


# --- What may go wrong ------------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again(server):
    replies = [(429, {"error": {"message": "busy"}}), (503, "<html>"), message("done", 3)]
    (sample,) = generate(server, WHOLE, api="chat", replies=replies)
    assert steps(sample) == [("done", "eos")]
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [429, 500, 529])
def test_a_server_that_stays_busy_is_given_up_after_the_last_try(server, status):
    with pytest.raises(TransientError, match=rf"policy.base_url=http.*: {status}: too much"):
        generate(server, WHOLE, api="chat", replies=[(status, {"error": {"message": "too\nmuch"}})])
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_final(server, status):
    with pytest.raises(Refused, match=rf"\({status}: no\)"):
        generate(server, WHOLE, api="chat", replies=[(status, {"error": {"message": "no"}})])
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        (200, "<html>"),
        (200, {"choices": []}),
        (200, {"choices": [{"finish_reason": "stop"}]}),
        (200, {"error": "overloaded"}),
        (200, {"choices": [{"message": {"content": 7}}]}),
        message("half", finish="network_error"),
    ],
    ids=str,
)
def test_an_answer_that_cannot_be_read_is_worth_another_try(server, reply):
    with pytest.raises(TransientError, match=r"cannot be read"):
        generate(server, WHOLE, api="chat", replies=[reply])


@pytest.mark.parametrize("finish", [None, "error"])
def test_a_stream_that_breaks_off_is_worth_another_try(server, finish):
    with pytest.raises(TransientError, match=r"a stream broke off|cannot be read"):
        generate(server, STEP, replies=[events("Day", finish=finish)])
    for said in (
        {"error": {"message": "oh dear"}},
        {"error": "oh dear", "choices": []},
        {"message": "oh dear"},
    ):
        with pytest.raises(TransientError, match="oh dear"):
            generate(server, STEP, replies=[(200, [said])])
    with pytest.raises(TransientError, match="closed connection"):
        generate(server, STEP, replies=[(200, [*events("Day", finish=None)[1], None])])


def test_a_slow_server(server):
    with pytest.raises(TransientError, match="timed out"):
        generate(server, WHOLE, api="chat", retries=0, timeout=0.3, pause=1.0, replies=[message("late")])


def test_a_server_that_goes_away():
    async def run():
        with scripted() as server:
            server.replies |= {"models": models("gpt"), CHAT: [message("1")]}
            policy = connect(server, api="chat", retries=0)
        await policy.generate(SAMPLING, [WHOLE])

    with pytest.raises(TransientError, match=r"policy.base_url=http"):
        asyncio.run(run())


def test_no_more_requests_at_once_than_allowed(server):
    samples = generate(server, *[WHOLE] * 7, api="chat", max_num_seqs=3, pause=0.05, replies=[message("x")])
    assert (len(samples), server.most) == (7, 3)


# --- Chat -------------------------------------------------------------------------------------------------


def test_chat_asks_with_messages_and_the_sampling(server):
    told = {"enable_thinking": False}
    prompt = Prompt("p", system="Be brief.", user="Q: {question}", template_arguments=told)
    sampling = Sampling(prompt, temperature=0.5, top_p=0.9, max_tokens=400)
    generate(server, WHOLE, sampling=sampling, api="chat", replies=[message("x")])
    (body,) = server.bodies(CHAT)
    assert body.pop("seed") < 2**31
    assert body == {
        "model": "nano:policy",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"Q: {QUESTION}"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 256,  # all the context there is
        "chat_template_kwargs": told,
    }


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ("a\n\nbb\n\nccc", ["a\n\n", "bb\n\n", "ccc"]),
        ("a\n\n\nb", ["a\n\n", "\nb"]),
        ("a\n\n\n\nb", ["a\n\n", "\n\n", "b"]),
        ("a\n\n\n\n\n\nb\n\nc", ["a\n\n", "\n\n", "\n\n"]),
        ("a\n\n", ["a\n\n"]),
        ("", [""]),
        (None, [""]),
    ],
)
def test_an_answer_is_split_at_blank_lines_up_to_two_blank_steps(server, written, texts):
    (sample,) = generate(server, WHOLE, api="chat", replies=[message(written, 10, finish="length")])
    assert [step.text for step in sample.steps] == texts
    assert [step.tokens for step in sample.steps] == [()] * len(texts)
    dropped = len(written or "") - len("".join(texts))
    assert sample.steps[-1].end == ("step" if dropped else "length")
    total = sum(step.count for step in sample.steps)
    assert total == 10 if not dropped else 0 < total < 10
    assert sample.prompt_tokens == 7


def test_tokens_are_shared_out_by_length(server):
    (sample,) = generate(server, WHOLE, api="chat", replies=[message("a\n\n" + 9 * "b" + "\n\nc", 5)])
    assert [step.size for step in sample.steps] == [1, 3, 1]


def test_chat_log_probabilities_go_to_the_step_they_stand_in(server):
    content = [{"token": token, "logprob": -(2.0**i)} for i, token in enumerate(["a", "\n\n", "b", "<eos>"])]
    sampling = Sampling(Prompt("plain"), logprobs=True)
    reply = message("a\n\nb", logprobs={"content": content})
    (sample,) = generate(server, WHOLE, sampling=sampling, api="chat", replies=[reply])
    assert [step.logprob for step in sample.steps] == [-3.0, -12.0]
    assert server.bodies(CHAT)[0]["logprobs"] is True
    with pytest.raises(Refused, match=r"policy.logprobs=true"):
        generate(server, WHOLE, sampling=sampling, api="chat", replies=[message("a")])


def tops(*means: float) -> list[dict[str, float]]:
    """At each place 20 likely tokens, whose mean is given, and the one that was sampled."""
    return [{str(i): mean + (i - 9.5) / 10 for i in range(20)} | {"sampled": -50.0} for mean in means]


def test_chat_confidences_go_to_the_step_they_stand_in(server):
    content = [
        {"token": token, "logprob": -1.0, "top_logprobs": [{"logprob": value} for value in top.values()]}
        for token, top in zip(["a", "\n\n", "b", "<eos>"], tops(-1, -2, -3, -4), strict=True)
    ]
    sampling = Sampling(Prompt("plain"), confidence=True)
    reply = message("a\n\nb", logprobs={"content": content})
    (sample,) = generate(server, WHOLE, sampling=sampling, api="chat", replies=[reply])
    assert [step.confidences for step in sample.steps] == [
        pytest.approx((1.0, 2.0)),
        pytest.approx((3.0, 4.0)),
    ]
    (body,) = server.bodies(CHAT)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    blank = message(
        "a\n\n\n\n\n\nb", logprobs={"content": [*content[:2], content[1], content[1], content[2]]}
    )
    (sample,) = generate(server, WHOLE, sampling=sampling, api="chat", replies=[blank])
    assert [len(step.confidences) for step in sample.steps] == [2, 1, 1], "what is dropped is not kept"
    with pytest.raises(Refused, match=r"policy.confidence=true"):
        generate(server, WHOLE, sampling=sampling, api="chat", replies=[message("a")])


def test_chat_answers_behind_what_was_said(server):
    answer = Draw(QUESTION, (), 1, True, ("7", "Sure?", "No.", "Again."))
    generate(server, answer, api="chat", replies=[message("8")])
    (body,) = server.bodies(CHAT)
    assert [turn["role"] for turn in body["messages"]] == [*["user", "assistant"] * 2, "user"]
    assert [turn["content"] for turn in body["messages"][1:]] == list(answer.turns)


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 256 tokens. However, you requested 300 tokens",
        "Input length (300 tokens) exceeds the maximum allowed length; it is too long",
        "the request exceeds the available context size (256 tokens)",
        "The input is longer than the model's context length (256)",
    ],
)
def test_a_conversation_that_a_server_has_no_room_for_is_too_long(server, said):
    reply = (400, {"error": {"message": said}})
    with pytest.raises(TooLong, match="is refused"):
        generate(server, Draw(QUESTION, (), 1, True, ("7", "Sure?")), api="chat", replies=[reply])
    with pytest.raises(Refused, match="is refused"):
        generate(server, WHOLE, api="chat", replies=[reply])


def test_chat_does_not_go_on_from_a_text(server):
    for draw in (STEP, Draw(QUESTION, (5,), 1, whole=True)):
        with pytest.raises(Refused, match="only chats"):
            generate(server, draw, api="chat", replies=[message("a")])
    assert not server.asked


# --- Completions without token ids ------------------------------------------------------------------------


def test_a_step_is_cut_where_it_ends_and_its_text_is_encoded(server):
    day = "Day 1: halves so 10 / 2 = 5\n\n"
    (sample,) = generate(server, STEP, replies=[events("Day 1: halves so 10 / 2", " = 5\n\nDay", " 2:")])
    assert steps(sample) == [(day, "step")]
    draw = Draw(QUESTION, sample.steps[0].tokens, 1, whole=True)
    (rest,) = generate(server, draw, replies=[text("Day 2: gets 2 so 5 + 2 = 7\n\n\\boxed{7}")])
    assert steps(rest) == [("Day 2: gets 2 so 5 + 2 = 7\n\n", "step"), (r"\boxed{7}", "eos")]
    (body,) = server.bodies(COMPLETIONS)
    assert body["prompt"] == f"<|user|>{QUESTION}<|assistant|>{day}"
    assert body["max_tokens"] == 100 - len(draw.tokens)
    assert body.keys() == {"model", "prompt", "max_tokens", "temperature", "top_p", "seed"}
    assert sample.prompt_tokens + len(draw.tokens) == rest.prompt_tokens


def endless(*words: str) -> Iterator[dict]:
    return ({"choices": [{"text": word, "finish_reason": None}]} for word in cycle(words))


def test_a_step_that_has_ended_and_a_call_that_is_cancelled_hang_up(server):
    """Else the server would go on writing for nobody."""
    (sample,) = generate(server, STEP, replies=[(200, endless("7", "\n\n"))])
    assert steps(sample) == [("7\n\n", "step")]
    assert server.hung_up.wait(10)
    server.hung_up.clear()

    async def cancelled():
        policy = connect(server)
        server.replies[COMPLETIONS] = [(200, endless(" 7"))]
        await asyncio.wait_for(policy.generate(SAMPLING, [STEP]), 0.3)

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    assert server.hung_up.wait(10)


def test_a_text_that_ends_is_told_from_a_step_that_ends(server):
    (ended,) = generate(server, STEP, replies=[events(r"\boxed{7}", "")])
    assert steps(ended) == [(r"\boxed{7}", "eos")]
    assert ended.steps[0].tokens[-1] == 2, "the end is a token, too"
    (at_once,) = generate(server, STEP, replies=[events("")])
    assert steps(at_once) == [("", "eos")]
    assert at_once.steps[0].tokens == (2,)


def test_a_text_is_cut_where_the_server_says_so_however_few_our_tokens_are(server):
    for draw, reply in ((STEP, events("Day 1: ", finish="length")), (WHOLE, text("Day 1: ", "length"))):
        (sample,) = generate(server, draw, replies=[reply])
        assert [step.end for step in sample.steps] == ["length"]
        assert len(sample.steps[0].tokens) < 100
    short = Sampling(Prompt("plain"), max_tokens=2)
    (sample,) = generate(server, STEP, sampling=short, replies=[events("19\n\n", "so")])
    assert steps(sample) == [("19\n\n", "length")], "nothing can follow it"


def test_log_probabilities_of_a_text(server):
    logprobs = {"tokens": ["19", "\n\n", r"\boxed{", "7}", "<eos>"], "token_logprobs": [-1, -2, -4, -8, -16]}
    sampling = Sampling(Prompt("plain"), max_tokens=100, logprobs=True)
    reply = text("19\n\n\\boxed{7}", logprobs=logprobs)
    (sample,) = generate(server, WHOLE, sampling=sampling, replies=[reply])
    assert [step.logprob for step in sample.steps] == [-3.0, -28.0]


def test_confidences_of_a_text_are_those_of_the_servers_tokens_in_which_ours_begin(server):
    words = ["19", "\n\n", r"\boxed{", "7}", "<eos>"]
    logprobs = {"tokens": words, "token_logprobs": [-1] * 5, "top_logprobs": tops(-1, -2, -3, -4, -5)}
    sampling = Sampling(Prompt("plain"), max_tokens=100, confidence=True)
    reply = text("19\n\n\\boxed{7}", logprobs=logprobs)
    (sample,) = generate(server, WHOLE, sampling=sampling, replies=[reply])
    assert [len(step.confidences) for step in sample.steps] == [len(step.tokens) for step in sample.steps]
    first, last = ({*map(round, step.confidences)} for step in sample.steps)
    assert (first, last) == ({1, 2}, {3, 4, 5})
    assert server.bodies(COMPLETIONS)[0]["logprobs"] == 20


def test_a_prompt_that_leaves_no_room_is_too_long(server):
    with pytest.raises(TooLong, match="the policy's context is 256"):
        generate(server, WHOLE, Draw("7 " * 300, (), 1, whole=True), replies=[text("1")])
    assert not server.asked


def test_a_tokenizer_that_is_not_the_servers_is_refused(server):
    server.replies[COMPLETIONS] = [text("1", token_ids=[5], prompt_token_ids=[3, 4])]
    with pytest.raises(UserError, match=r"policy.tokenizer=nano:policy: not the tokenizer .* server's 2"):
        generate(server, WHOLE, replies=[])


def test_the_first_token_is_left_to_the_server_that_adds_it(server, tmp_path):
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoTokenizer

    from ttc.models.checkpoint import fetch

    tokenizer = AutoTokenizer.from_pretrained(fetch("nano:policy"))
    tokenizer.bos_token = "<pad>"
    tokenizer.chat_template = "<pad>" + tokenizer.chat_template
    tokenizer.save_pretrained(tmp_path / "plain")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<pad> $A", special_tokens=[("<pad>", tokenizer.bos_token_id)]
    )
    tokenizer.save_pretrained(tmp_path / "adds")
    prompts = []
    for name in ("plain", "adds"):
        generate(server, WHOLE, tokenizer=str(tmp_path / name), replies=[text("7")])
        prompts += [body["prompt"] for body in server.bodies(COMPLETIONS)]
    assert prompts[0] == "<pad>" + prompts[1] == f"<pad><|user|>{QUESTION}<|assistant|>"


def test_a_server_without_completions_chats(server):
    server.replies[COMPLETIONS] = [NOT_FOUND]
    (sample,) = generate(server, WHOLE, replies=[message("a\n\nb", 4)])
    assert [step.size for step in sample.steps] == [3, 1]
