"""The policy behind a real `vllm serve` of the embedded model. One server for the file: it starts slowly."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ttc.models.checkpoint import fetch
from ttc.models.endpoint import Endpoint, look
from ttc.models.fake import FakeVerifier
from ttc.nano.world import test_problems as problems
from ttc.run.session import Session
from ttc.settings.schema import PolicyConfig
from ttc.strategies.beam import Beam
from ttc.types import Draw, Prompt, Sample, Sampling, Step, TooLong
from ttc.types import Path as Tree

pytestmark = pytest.mark.engines


CONTEXT = 128
PROBLEMS = problems(count=40)
QUESTION = PROBLEMS[0].question
BY_ID = Sampling(Prompt("blank line"), max_tokens=100, logprobs=True)
"""One token makes the separator, so the server stops at its id."""
BY_TEXT = replace(BY_ID, prompt=Prompt("equals", separator="= "))
"""Two tokens make it, so the server looks for the string."""


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    pytest.importorskip("vllm")
    log = tmp_path_factory.mktemp("vllm") / "log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        command(port), env=environment(), stdout=log.open("w"), stderr=subprocess.STDOUT
    )
    try:
        address = f"http://127.0.0.1:{port}/v1"
        wait_for(f"{address}/models", server, log)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def command(port: int) -> list[str]:
    settings = {
        "model": fetch("nano:policy"),
        "served-model-name": "small",
        "host": "127.0.0.1",
        "port": port,
        "dtype": "float32",
        "max-model-len": CONTEXT,
        "max-num-batched-tokens": 8192,
        "max-num-seqs": 32,
        "kv-cache-memory-bytes": 2**25,
        "block-size": 32,
        "generation-config": "vllm",
    }
    flags = ["--enforce-eager", "--no-enable-chunked-prefill", "--enable-prompt-tokens-details"]
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words, *flags]


def environment() -> dict[str, str]:
    """As vllm_engine.prepare_environment, with which two processes on two cores do not hold each other up."""
    return os.environ | {
        "GOMP_SPINCOUNT": "0",
        "OMP_NUM_THREADS": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_NO_USAGE_STATS": "1",
    }


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()[-3000:]
            time.sleep(0.1)
    raise AssertionError(f"vLLM does not start: {log.read_text()[-3000:]}")


@pytest.fixture(params=["ids", "text"])
def config(request, url, monkeypatch) -> PolicyConfig:
    """The server as it is, and as one that tells no token ids."""
    if request.param == "text":
        monkeypatch.setattr("ttc.models.openai_policy.look", lambda given: replace(look(given), ids=False))
    return settings(url)


def settings(url: str, **more) -> PolicyConfig:
    return PolicyConfig("openai", "openai", base_url=url, tokenizer="nano:policy", **more)


def generate(config: PolicyConfig, sampling: Sampling, *draws: Draw) -> list[Sample]:
    async def run():
        from ttc.models.openai_policy import openai_policy

        return await openai_policy(config).generate(sampling, draws)

    return asyncio.run(run())


def stepwise(config: PolicyConfig, sampling: Sampling, question: str = QUESTION) -> list[Step]:
    async def run():
        from ttc.models.openai_policy import openai_policy

        policy, steps = openai_policy(config), []
        while not steps or steps[-1].end == "step":
            tokens = tuple(token for step in steps for token in step.tokens)
            (sample,) = await policy.generate(sampling, [Draw(question, tokens, len(steps), whole=False)])
            assert len(sample.steps) == 1
            steps += sample.steps
        return steps

    return asyncio.run(run())


def whole(seed: int, question: str = QUESTION) -> Draw:
    return Draw(question, (), seed, whole=True)


def test_what_is_said_of_the_server(url):
    found = look(settings(url))
    assert found == Endpoint("small", "completions", CONTEXT, True, found.encoded)
    assert len(found.encoded) == 16


@pytest.mark.parametrize("sampling", [BY_ID, BY_TEXT], ids=["by id", "by text"])
def test_greedy_is_the_same_step_by_step_and_whole(config, sampling):
    sampling = replace(sampling, temperature=0.0)
    steps = stepwise(config, sampling)
    (sample,) = generate(config, sampling, whole(9))
    assert len(steps) > 2
    assert [replace(step, logprob=None) for step in steps] == [
        replace(step, logprob=None) for step in sample.steps
    ]
    for one, other in zip(steps, sample.steps, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
        assert one.logprob < 0
    assert all(sampling.prompt.separator in step.text for step in steps[:-1])
    assert (steps[-1].end, steps[-1].tokens[-1]) == ("eos", 2)


def test_all_ways_are_as_sure(url, monkeypatch):
    """vLLM's server tells 20 likely tokens by their ids, or by their texts, of which some are the same."""
    sampling = Sampling(BY_ID.prompt, temperature=0.0, max_tokens=100, confidence=True)
    ways = [
        generate(settings(url), sampling, whole(9)),
        generate(settings(url, api="chat"), sampling, whole(9)),
    ]
    monkeypatch.setattr("ttc.models.openai_policy.look", lambda given: replace(look(given), ids=False))
    ways.append(generate(settings(url), sampling, whole(9)))
    ids, chat, text = ([step.confidences for step in sample.steps] for (sample,) in ways)
    assert [*map(len, ids)] == [len(step.tokens) for step in ways[0][0].steps]
    assert chat == [pytest.approx(values, abs=1e-3) for values in ids]
    assert [*map(len, text)] == [*map(len, ids)]


def test_all_ways_write_the_same(url, monkeypatch):
    sampling = replace(BY_ID, temperature=0.0)
    draws = [whole(0, problem.question) for problem in PROBLEMS[:8]]
    ids = generate(settings(url), sampling, *draws)
    chat = generate(settings(url, api="chat"), sampling, *draws)
    monkeypatch.setattr("ttc.models.openai_policy.look", lambda given: replace(look(given), ids=False))
    text = generate(settings(url), sampling, *draws)
    assert [sample.steps for sample in text] == [
        tuple(replace(step, logprob=pytest.approx(step.logprob, abs=1e-3)) for step in sample.steps)
        for sample in ids
    ]
    for one, other in zip(ids, chat, strict=True):
        assert [(step.text, step.end) for step in one.steps] == [
            (step.text, step.end) for step in other.steps
        ]
        assert sum(step.count for step in one.steps) == sum(step.count for step in other.steps)
        assert one.prompt_tokens == other.prompt_tokens


def test_all_ways_answer_alike_in_a_conversation(url, monkeypatch):
    sampling = replace(BY_ID, temperature=0.0, logprobs=False)
    turns = (" so 7", "Start with 12. How many are there?")
    draws = [replace(whole(0, problem.question), turns=turns) for problem in PROBLEMS[:4]]
    ways = [generate(settings(url), sampling, *draws), generate(settings(url, api="chat"), sampling, *draws)]
    monkeypatch.setattr("ttc.models.openai_policy.look", lambda given: replace(look(given), ids=False))
    ways.append(generate(settings(url), sampling, *draws))
    ids, chat, text = (
        [(sample.prompt_tokens, "".join(step.text for step in sample.steps)) for sample in way]
        for way in ways
    )
    assert ids == chat == text
    alone = generate(settings(url), sampling, *(replace(draw, turns=()) for draw in draws))
    assert all(one.prompt_tokens < read for one, (read, _) in zip(alone, ids, strict=True))


def test_equal_seeds_give_equal_samples_whatever_else_runs(config):
    (alone,) = generate(config, BY_ID, whole(1))
    among = generate(config, BY_ID, whole(2), whole(1), *map(whole, range(3, 9)))
    assert [step.tokens for step in among[1].steps] == [step.tokens for step in alone.steps]
    assert len({tuple(step.text for step in sample.steps) for sample in among}) > 1


def test_a_path_ends_at_its_budget_and_where_the_context_does(config):
    for steps in (
        stepwise(config, replace(BY_ID, max_tokens=12, temperature=0.0)),
        generate(config, replace(BY_ID, max_tokens=12), whole(1))[0].steps,
    ):
        assert [step.end for step in steps] == ["step", "length"]
        assert sum(step.count for step in steps) == 12
    long = "7 " * (CONTEXT - 10)
    (sample,) = generate(config, replace(BY_ID, max_tokens=1000), whole(1, long))
    assert sample.steps[-1].end in ("length", "eos")
    assert sample.prompt_tokens + sum(step.count for step in sample.steps) <= CONTEXT
    with pytest.raises(TooLong):
        generate(config, BY_ID, whole(1, "7 " * CONTEXT))


def test_the_prefix_cache_is_told_of(url):
    question = max((problem.question for problem in PROBLEMS), key=len)
    config = settings(url)
    for _ in range(2):
        (sample,) = generate(config, BY_ID, whole(1, question))
    assert sample.prompt_tokens > 32
    assert sample.cached_tokens == sample.prompt_tokens // 32 * 32


def test_a_guided_search_goes_through_it(config):
    async def run():
        from ttc.models.openai_policy import openai_policy

        policy = openai_policy(config)
        session = Session(policy, FakeVerifier(), replace(BY_ID, logprobs=False), 0, "key", n=4)
        paths = await Beam(n=4, width=2).search(
            Tree(PROBLEMS[0]), session.policy, session.verifier, session.context
        )
        return paths, session, await policy.stats()

    paths, session, stats = asyncio.run(run())
    assert len(paths) == 4
    assert all(path.over and len(path.scores) == sum(not step.blank for step in path.steps) for path in paths)
    assert any(r"\boxed{" in path.text for path in paths)
    assert stats.requests == len(session.drawn) > 4
    fed = sum(drawn.sample.prompt_tokens for drawn in session.drawn)
    assert stats.computed_tokens == fed - stats.cached_tokens + session.bill.generated_tokens
    assert stats.busy_seconds > 0
