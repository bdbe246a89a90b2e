"""A critic on a real model: two random layers, among whose words two are verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.models import tiny
from ttc.models.plain_policy import PlainPolicy
from ttc.models.vllm_engine import EngineOptions
from ttc.models.writers import Critic, Select
from ttc.settings.schema import PrmConfig
from ttc.types import Query

CONTEXT, TOKENS = 512, 40
VERDICTS = ["Verdict: correct", "Verdict: incorrect", "Best solution: 1", "Best solution: 2"]
QUERIES = [Query("What is the sum of 5 and 7 ?", (f"so we get {k}.\n\n", r"\boxed{12}")) for k in range(6)]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Iterator[tuple[PlainPolicy, asyncio.Runner]]:
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tiny.tokenizer(pieces=[*tiny.PIECES, *VERDICTS])
    config = LlamaConfig(**tiny._shape(words, CONTEXT), eos_token_id=2, bos_token_id=None, pad_token_id=1)
    folder = tiny._saved(tmp_path_factory.mktemp("tiny"), words, lambda: LlamaForCausalLM(config))

    async def start() -> PlainPolicy:
        return PlainPolicy(EngineOptions(str(folder), CONTEXT, dtype="float32"))

    with asyncio.Runner() as runner:
        policy = runner.run(start())
        yield policy, runner
        policy.shutdown()


def settings(kind: str) -> PrmConfig:
    return PrmConfig(kind, format=kind, votes=8, temperature=1.0, max_tokens=TOKENS)


def test_a_critics_scores_are_its_own_texts_and_depend_on_no_batch(model) -> None:
    policy, runner = model
    at_once = runner.run(Critic(settings("critic"), policy).judge(QUERIES))
    alone = [runner.run(Critic(settings("critic"), policy).judge([query]))[0] for query in reversed(QUERIES)]
    assert [one.scores for one in at_once] == [one.scores for one in reversed(alone)]
    assert len({one.scores for one in at_once}) > 2, "the model says the same of all"
    assert all(one.scores[0] == one.scores[1] for one in at_once)
    assert any(one.scores[-1] not in (None, 0.0, 1.0) for one in at_once)


def test_its_cost_is_what_the_engine_computed(model) -> None:
    policy, runner = model
    before = runner.run(policy.stats())
    [judged] = runner.run(Critic(settings("critic"), policy).judge(QUERIES[:1]))
    after = runner.run(policy.stats())
    assert judged.computed == after.computed_tokens - before.computed_tokens
    prompt = len(policy.prompt_ids(Critic.prompt, ""))
    assert judged.tokens[0] == 0 < judged.tokens[1]
    # by perfect re-use the prompt is read once, and eight votes are written behind it
    assert judged.root + judged.tokens[1] < judged.computed - 6 * prompt


def test_a_comparison_is_decided_and_its_cost_shared_out(model) -> None:
    policy, runner = model
    judged = runner.run(Select(settings("select"), policy).compare(QUERIES))
    again = runner.run(Select(settings("select"), policy).compare(QUERIES[::-1]))
    scores = [one.scores[-1] for one in judged]
    assert scores == [one.scores[-1] for one in reversed(again)]
    assert scores.count(1.0) == 1
    parts = [sum(one.tokens) for one in judged]
    assert max(parts) - min(parts) <= 1
