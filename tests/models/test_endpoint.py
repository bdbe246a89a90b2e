"""What is said of a server before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.models.scripted import NOT_FOUND, Scripted, message, models, scripted, text
from ttc.models.endpoint import PROBE, Endpoint, look
from ttc.settings.schema import PolicyConfig
from ttc.types import UserError

VLLM = {"id": "nano:policy", "owned_by": "vllm", "max_model_len": 256}
CHAT = "chat/completions"


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Serves nano:policy like vLLM."""
    with scripted() as made:
        made.replies |= {
            "models": models(VLLM),
            "completions": [text("1", token_ids=[5], prompt_token_ids=[3, 4])],
            CHAT: [message("1")],
        }
        yield made


def asked(server: Scripted, **settings) -> Endpoint:
    base = {"name": "openai", "engine": "openai", "base_url": server.url, "retries": 0, "timeout": 5.0}
    return look(PolicyConfig(**(base | settings)))


def fault(server: Scripted, **settings) -> str:
    with pytest.raises(UserError) as caught:
        asked(server, **settings)
    assert all(line.startswith("policy.") for line in str(caught.value).splitlines())
    return str(caught.value)


def test_a_server_that_takes_and_gives_token_ids(server):
    assert asked(server) == Endpoint("nano:policy", "completions", 256, True, (3, 4))
    assert server.bodies("completions") == [
        {
            "model": "nano:policy",
            "prompt": PROBE,
            "max_tokens": 16,
            "temperature": 0.8,
            "top_p": 1.0,
            "seed": 0,
            "return_token_ids": True,
        }
    ]


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_refuses_what_it_does_not_know_is_asked_without_it(server, status):
    def strict(body):
        return (status, {"error": {"message": "?"}}) if "return_token_ids" in body else text("1")

    server.replies["completions"] = strict
    assert asked(server) == Endpoint("nano:policy", "completions", 256, False)


def test_a_server_without_completions_only_chats(server):
    server.replies["completions"] = [NOT_FOUND]
    assert asked(server) == Endpoint("nano:policy", "chat", 256, False)
    server.replies["models"] = models("gpt")
    assert asked(server).context is None, "a chat server need not tell"


def test_an_api_that_is_asked_for_and_is_not_there(server):
    server.replies = {"models": models(VLLM)}
    said = fault(server, api="completions")
    assert said.startswith("policy.api=completions: take policy.api=chat if the server only chats; ")
    assert "POST /completions is refused (404: no such path)" in said
    assert "POST /chat/completions is refused" in fault(server, api="chat")
    completions, chat = fault(server).splitlines()
    assert "POST /completions is refused" in completions
    assert "POST /chat/completions is refused" in chat


def test_chat_that_is_asked_for_is_not_looked_for_elsewhere(server):
    assert asked(server, api="chat").api == "chat"
    assert not server.bodies("completions")


def test_nobody_answers(server):
    dead = "http://127.0.0.1:1/v1"
    assert fault(server, base_url=dead).startswith(f"policy.base_url={dead}: no server answers there (")
    assert "http://localhost:8000/v1" in fault(server, base_url=None)
    server.pause = 0.5
    assert "timed out" in fault(server, timeout=0.1)


@pytest.mark.parametrize(
    "reply",
    [(200, "<html>"), (200, {"object": "list"}), (200, {"data": [1]}), (200, []), (500, "<html>")],
    ids=str,
)
def test_a_server_of_another_kind(server, reply):
    server.replies["models"] = [reply]
    assert "GET /models is" in fault(server)
    server.replies |= {"models": models(VLLM), "completions": [reply], CHAT: [reply]}
    assert "POST /completions is" in fault(server)


def test_an_address_that_ends_too_early(server):
    assert "mostly begins at /v1" in fault(server, base_url=server.url.removesuffix("/v1") + "/v2")


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused(server, status, monkeypatch):
    server.replies["models"] = [(status, {"error": {"message": "who are you?"}})]
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert f"({status}: who are you?); the variable OPENAI_API_KEY is not set" in fault(server)
    monkeypatch.setenv("A_KEY", "secret\n")
    said = fault(server, api_key="A_KEY")
    assert "the variable A_KEY holds no accepted key" in said
    assert "secret" not in said
    assert server.asked[-1][2]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(("name", "held"), [("sk-secret", None), ("secret", ""), ("A_KEY", "sk-\nä")])
def test_a_key_that_is_none_is_refused_and_not_shown(server, name, held, monkeypatch):
    if held is not None:
        monkeypatch.setenv(name, held)
    said = fault(server, api_key=name)
    assert said.startswith("policy.api_key=")
    assert "secret" not in said
    assert "sk-\n" not in said


@pytest.mark.parametrize("url", ["http://127.0.0.1:port/v1", "http://[::1/v1"])
def test_an_address_that_is_none(server, url):
    assert fault(server, base_url=url).startswith(f"policy.base_url={url}: no client can be made for it (")


def test_which_model(server):
    server.replies["models"] = models(VLLM, {**VLLM, "id": "b"})
    said = f"policy.base_url={server.url}: it serves nano:policy, b"
    assert fault(server) == f"policy.model=null: take one by its name; {said}"
    assert not asked(server, model="nano:prm", context=256).listed, "routers take names that they do not list"
    server.replies["completions"] = [NOT_FOUND]
    assert fault(server, model="c", api="completions").startswith(f"policy.model=c: not served; {said}\n")
    assert asked(server, model="b", tokenizer="nano:policy").model == "b"
    server.replies["models"] = models()
    assert "it serves no model" in fault(server)
    server.replies["models"] = models(*(f"model-{i}" for i in range(99)))
    assert "it serves model-77, " in fault(server, model="modell-77", api="completions")
    assert fault(server).endswith(" and 91 more")


@pytest.mark.parametrize(("told", "given", "context"), [(256, 100, 100), (256, 999, 256), (None, 99, 99)])
def test_the_context_is_the_smaller_of_the_two(server, told, given, context):
    server.replies["models"] = models({**VLLM, "max_model_len": told})
    assert asked(server, context=given).context == context


def test_a_context_that_nobody_tells(server):
    server.replies["models"] = models("nano:policy")
    assert "policy.context=null: " in fault(server)


def test_a_name_that_names_no_tokenizer(server):
    server.replies["models"] = models({**VLLM, "id": "alias"})
    assert "policy.tokenizer=null: the server calls its model 'alias'" in fault(server)
    assert "policy.tokenizer=./nowhere: " in fault(server, tokenizer="./nowhere")
    assert asked(server, api="chat").model == "alias", "chat does without"
    server.replies["models"] = models("alias")
    chat, context, tokenizer = fault(server).splitlines()
    assert "take policy.api=chat, which needs no more" in chat
    assert (context[:19], tokenizer[:21]) == ("policy.context=null", "policy.tokenizer=null")
