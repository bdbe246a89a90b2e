"""The verifier on a real vLLM: what calls share, and what is left of those that give up. One engine for all.

tests/models/test_families.py holds every family's scores against their definitions.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator

import pytest

from tests.models import tiny
from ttc.models.verifier import two_way
from ttc.models.vllm_engine import EngineOptions
from ttc.types import Judgement, Query

pytestmark = pytest.mark.engines


CONTEXT = 160
BLOCK = 32


@pytest.mark.parametrize(
    ("plus", "minus", "score"),
    [(0.0, 0.0, 0.5), (math.log(0.3), math.log(0.1), 0.75), (-800.0, 0.0, 0.0), (0.0, -math.inf, 1.0)],
)
def test_two_way_is_the_softmax_over_two(plus, minus, score):
    assert two_way(plus, minus) == pytest.approx(score)


def test_no_number_is_no_score():
    assert two_way(math.nan, 0.0) is None
    assert two_way(-math.inf, -math.inf) is None


class World:
    """The verifier, its loop, and the definition of its score in plain transformers."""

    def __init__(self, folder, runner: asyncio.Runner) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.runner, self.torch = runner, torch
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.verifier = runner.run(self._start(folder))

    async def _start(self, folder):
        from ttc.models.formats import FORMATS
        from ttc.models.verifier import ModelVerifier
        from ttc.models.vllm_verifier import VllmReader

        options = EngineOptions(str(folder), CONTEXT, dtype="float32", max_num_seqs=32, memory=2**26)
        format_ = FORMATS["rlhflow"](self.tokenizer)
        return ModelVerifier("tiny", format_, VllmReader(options, format_), CONTEXT - 1)

    def judge(self, *queries: Query) -> list[Judgement]:
        return self.runner.run(self.verifier.judge(queries))

    def stats(self):
        return self.runner.run(self.verifier.stats())

    def reference(self, question: str, steps: tuple[str, ...]) -> list[float]:
        scores, chat = [], []
        tags = self.tokenizer.convert_tokens_to_ids(["+", "-"])
        for index, step in enumerate(steps):
            content = f"{question} {step.strip()}" if index == 0 else step.strip()
            chat.append({"role": "user", "content": content})
            text = self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            ids = self.tokenizer.encode(text, add_special_tokens=False)
            with self.torch.no_grad():
                logits = self.model(self.torch.tensor([ids])).logits[0, -1, tags]
            scores.append(logits.softmax(-1)[0].item())
            chat.append({"role": "assistant", "content": "+"})
        return scores


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    pytest.importorskip("vllm")
    with asyncio.Runner() as runner:
        made = World(tiny.checkpoint(tmp_path_factory.mktemp("tiny"), CONTEXT), runner)
        yield made
        made.verifier.shutdown()


def solution(seed: int, count: int = 6) -> tuple[str, tuple[str, ...]]:
    """A question and steps that no other test uses."""
    rng = random.Random(seed)
    words = [word for word in tiny.WORDS if word.isalpha()]
    question = " ".join(rng.choices(words, k=12)) + "?"
    return question, tuple(
        f"so {' '.join(rng.choices(words, k=rng.randint(3, 12)))} 5\n\n" for _ in range(count)
    )


def test_steps_sent_together_share_the_cache_as_well(world):
    question, steps = solution(30, count=8)
    (judgement,) = world.judge(Query(question, steps))
    assert judgement.computed <= judgement.root + sum(judgement.tokens) + BLOCK * len(steps)


def test_tokens_tell_where_each_step_stands(world):
    question, steps = solution(40)
    (whole,) = world.judge(Query(question, steps))
    (rest,) = world.judge(Query(question, steps, known=4))
    assert (rest.root, rest.start) == (whole.root, whole.root + sum(whole.tokens[:4]))
    assert rest.tokens == whole.tokens[4:]
    assert len(rest.scores) == 2


def test_a_prefix_is_scored_once(world):
    question, steps = solution(50)
    first, before = world.judge(Query(question, steps))[0], world.stats()
    again, longer = world.judge(Query(question, steps), Query(question, (*steps, "so 5")))
    assert again.scores == first.scores == longer.scores[:-1]
    assert (again.shared, again.computed, again.cached) == (len(steps), 0, 0)
    assert longer.shared == len(steps)
    assert world.stats().requests - before.requests == 1


def test_a_prefix_is_scored_once_by_calls_that_run_together(world):
    question, steps = solution(60)
    before = world.stats().requests
    one, other = world.judge(Query(question, steps), Query(question, steps))
    assert one.scores == other.scores
    assert one.shared + other.shared == len(steps)
    assert world.stats().requests - before == len(steps)


def test_a_call_that_gives_up_leaves_the_score_to_those_who_wait(world):
    question, steps = solution(70)
    query = Query(question, steps)

    async def race():
        gives_up, waits = (asyncio.create_task(world.verifier.judge([query])) for _ in range(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gives_up.cancel()
        (judgement,) = await waits
        return judgement, gives_up

    judgement, gives_up = world.runner.run(race())
    assert gives_up.cancelled()
    assert judgement.scores == pytest.approx(world.reference(question, steps), abs=1e-3)
    assert not world.verifier._rewards._running


def test_a_cancelled_call_leaves_nothing_behind(world):
    question, steps = solution(80)

    async def cancelled():
        task = asyncio.create_task(world.verifier.judge([Query(question, steps)]))
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.sleep(0.2)
        return world.verifier.reader.engine._llm.output_processor.get_num_unfinished_requests()

    assert world.runner.run(cancelled()) == 0
    assert not world.verifier._rewards._running
    assert world.judge(Query(question, steps))[0].scores == pytest.approx(
        world.reference(question, steps), abs=1e-3
    )


def test_a_text_longer_than_the_context_is_flagged_and_never_cut(world):
    question, steps = solution(90, count=3)
    (judgement,) = world.judge(Query(question, (*steps, "so " * CONTEXT, "then 5")))
    assert judgement.status == "too_long"
    assert judgement.scores[3:] == (None, None)
    assert list(judgement.scores[:3]) == pytest.approx(world.reference(question, steps), abs=1e-3)
    assert len(judgement.tokens) == 5


def test_a_query_without_new_steps_asks_nothing(world):
    question, steps = solution(95)
    (judgement,) = world.judge(Query(question, steps, known=len(steps)))
    assert (judgement.scores, judgement.tokens, judgement.computed) == ((), (), 0)
