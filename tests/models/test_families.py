"""Every family on a real engine against a plain transformers reference, written from its definition.

One engine lives at a time; the tests go family by family. Skywork's value head is not for vLLM: ttc's plain
engine reads it.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator

import pytest

from tests.models import definitions, tiny
from ttc.models.verifier import classify
from ttc.models.vllm_engine import EngineOptions
from ttc.models.vllm_verifier import VllmReader
from ttc.types import Judgement, Query, UserError

pytestmark = pytest.mark.engines


CONTEXT = 1024
BLOCK = 32
CLOSE = 1e-3

ENGINES = {
    "rlhflow": "vllm",
    "math_shepherd": "vllm",
    "qwen_prm": "vllm",
    "orm": "vllm",
    "judge": "vllm",
    "skywork": "transformers",
}


class World:
    """A verifier, its loop, and the definition of its score."""

    def __init__(self, family: str, folder, runner: asyncio.Runner) -> None:
        self.family, self.engine, self.runner = family, ENGINES[family], runner
        tiny.CHECKPOINTS[family](folder, CONTEXT)
        self._definition = getattr(definitions, family)(folder)
        self.verifier = runner.run(self._start(folder))

    async def _start(self, folder):
        from transformers import AutoTokenizer

        from ttc.models.formats import FORMATS
        from ttc.models.plain_verifier import PlainReader
        from ttc.models.verifier import ModelVerifier

        made = FORMATS[self.family](AutoTokenizer.from_pretrained(folder))
        if self.engine == "transformers":
            reader = PlainReader(EngineOptions(str(folder), CONTEXT, dtype="float32"), made)
            return ModelVerifier(self.family, made, reader, CONTEXT)
        options = EngineOptions(str(folder), CONTEXT, dtype="float32", max_num_seqs=32, memory=2**26)
        context = CONTEXT - (made.reads == "tags")
        return ModelVerifier(self.family, made, VllmReader(options, made), context)

    def judge(self, *queries: Query) -> list[Judgement]:
        return self.runner.run(self.verifier.judge(queries))

    def reference(self, question: str, steps: tuple[str, ...]) -> list[float]:
        import torch

        with torch.no_grad():
            return self._definition(question, steps)


@pytest.fixture(scope="module", params=list(ENGINES))
def world(request, tmp_path_factory) -> Iterator[World]:
    pytest.importorskip(ENGINES[request.param])
    with asyncio.Runner() as runner:
        made = World(request.param, tmp_path_factory.mktemp("tiny"), runner)
        yield made
        made.verifier.shutdown()


def solution(seed: int, count: int = 6) -> tuple[str, tuple[str, ...]]:
    """A question and steps that no other test uses; they end and begin in what tokenizers like to join."""
    rng = random.Random(seed)
    words = [word for word in tiny.WORDS if word.isalpha()]
    starts, ends = ("so ", "## then ", "(get) ", "= "), (" 5", ".", " x\nthen 5.", "}")

    def some(least: int) -> str:
        return " ".join(rng.choices(words, k=rng.randint(least, 12)))

    steps = (rng.choice(starts) + some(3) + rng.choice(ends) + "\n\n" for _ in range(count))
    return some(8) + "?", tuple(steps)


def test_scores_are_the_definitions(world, capsys):
    rows = []
    for seed in range(4):
        question, steps = solution(seed)
        (judgement,) = world.judge(Query(question, steps))
        rows += zip(judgement.scores, world.reference(question, steps), strict=True)
        assert judgement.status == "ok"
    difference = max(abs(ours - theirs) for ours, theirs in rows)
    spread = max(ours for ours, _ in rows) - min(ours for ours, _ in rows)
    with capsys.disabled():
        print(
            f"\n  {world.family:14} {world.engine:13} {len(rows)} steps, at most {difference:.1e} from the "
            f"definition, scores spread over {spread:.2f}"
        )
    assert difference < CLOSE
    assert spread > 0.2, "all scores are alike: the table would say nothing"


def test_scores_step_by_step_are_the_same(world):
    question, steps = solution(10)
    scores = [world.judge(Query(question, steps[: k + 1], k))[0].scores for k in range(len(steps))]
    assert [score for (score,) in scores] == pytest.approx(world.reference(question, steps), abs=CLOSE)


def test_a_step_costs_its_own_tokens_and_at_most_one_block_more(world):
    if world.engine != "vllm":
        pytest.skip("the plain engine keeps no cache")
    question, steps = solution(20, count=8)
    before = world.runner.run(world.verifier.stats())
    judged = [world.judge(Query(question, steps[: k + 1], k))[0] for k in range(len(steps))]
    for k, judgement in enumerate(judged):
        new = judgement.tokens[0] + (judgement.root if k == 0 else 0)
        assert judgement.computed <= new + BLOCK
        assert judgement.computed + judgement.cached == judgement.start + judgement.tokens[0]
    after = world.runner.run(world.verifier.stats())
    assert after.computed_tokens - before.computed_tokens == sum(judgement.computed for judgement in judged)
    assert after.cached_tokens - before.cached_tokens == sum(judgement.cached for judgement in judged) > 0


def test_an_unbounded_reward_is_kept(world):
    question, steps = solution(30, count=2)
    (judgement,) = world.judge(Query(question, steps))
    if world.family in ("orm", "skywork"):
        assert [1 / (1 + math.exp(-raw)) for raw in judgement.raw] == pytest.approx(judgement.scores)
    else:
        assert judgement.raw is None


def test_a_text_that_fills_the_context_is_scored_and_a_longer_one_flagged(world):
    question, steps = solution(40, count=2)
    format_, context = world.verifier.format, world.verifier.context
    short = len(format_.layout(question, (*steps, "+")).upto(2))
    full, longer = ((*steps, "+" * (context - short + more)) for more in (1, 2))
    assert len(format_.layout(question, full).upto(2)) == context
    one, other = world.judge(Query(question, full), Query(question, longer))
    expected = world.reference(question, full)
    assert (one.status, other.status) == ("ok", "too_long")
    assert list(one.scores) == pytest.approx(expected, abs=CLOSE)
    assert list(other.scores[:2]) == pytest.approx(expected[:2], abs=CLOSE)
    assert other.scores[2] is None


def test_a_plain_language_model_is_found_out_where_a_trained_one_is_needed(world):
    """Random weights give two tags no more than any language model does."""
    if world.family in ("rlhflow", "math_shepherd"):
        message = f"{world.family}: .* probability of .*% together: this is a language model"
        with pytest.raises(UserError, match=message):
            world.runner.run(world.verifier.check())
    else:
        world.runner.run(world.verifier.check())


def test_a_value_head_is_refused_before_vllm_is_started():
    from ttc.models.formats import FORMATS

    with pytest.raises(UserError, match=r"some/prm: vLLM cannot .* take prm.engine=transformers"):
        VllmReader(EngineOptions("some/prm", 100), FORMATS["skywork"](tiny.bytes_tokenizer()))


def test_a_classifiers_logits_are_a_score():
    assert classify([0.0, math.log(3)], outcome=False) == (pytest.approx(0.75), None)
    assert classify([0.0, math.log(3)], outcome=True) == (pytest.approx(0.75), None)
    assert classify([math.log(3)], outcome=True) == (pytest.approx(0.75), math.log(3))
    assert classify([math.nan], outcome=True)[0] is None
    for logits, outcome in (([1.0], False), ([1.0, 2.0, 3.0], True)):
        with pytest.raises(UserError, match=f"classifies into {len(logits)} labels; .* has two"):
            classify(logits, outcome)
