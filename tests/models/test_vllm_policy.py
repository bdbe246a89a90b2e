"""The policy on a real vLLM with a tiny random model. One engine for the file: it takes 20 s to start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from tests.models import tiny
from tests.models.floors import assert_floors_hold
from ttc.models.vllm_engine import EngineOptions
from ttc.types import Draw, Prompt, Sample, Sampling, Step, TooLong

pytestmark = pytest.mark.engines


CONTEXT = 128
QUESTION = "What is the sum of 1 and 2?"
INEXACT = Prompt("blank line", separator="\n\n")
"""Two tokens can make it together, so vLLM looks for the string."""
EXACT = Prompt("question mark", separator="?")
"""Only single tokens hold it, so vLLM stops at their ids."""


class World:
    """The policy, its loop and a reference model."""

    def __init__(self, folder, runner: asyncio.Runner) -> None:
        self.folder, self.runner = folder, runner
        self.policy = runner.run(self._start())
        self.eos = {2, 3}

    async def _start(self):
        from ttc.models.vllm_policy import VllmPolicy

        return VllmPolicy(
            EngineOptions(str(self.folder), CONTEXT, dtype="float32", max_num_seqs=32, memory=2**26)
        )

    def generate(self, *draws: Draw, prompt: Prompt = INEXACT, **sampling) -> list[Sample]:
        settings = {"temperature": 1.0, "max_tokens": 60} | sampling
        return self.runner.run(self.policy.generate(Sampling(prompt, **settings), draws))

    def stepwise(self, count: int, **sampling) -> list[list[Step]]:
        """The steps of `count` paths drawn step by step, side by side."""
        paths: list[list[Step]] = [[] for _ in range(count)]
        while live := [(seed, path) for seed, path in enumerate(paths) if not path or path[-1].end == "step"]:
            draws = [
                Draw(QUESTION, tokens(path), seed * 1000 + len(path), whole=False) for seed, path in live
            ]
            for (_, path), sample in zip(live, self.generate(*draws, **sampling), strict=True):
                path += sample.steps
        return paths

    def stats(self):
        return self.runner.run(self.policy.stats())


def tokens(steps: Sequence[Step]) -> tuple[int, ...]:
    return tuple(token for step in steps for token in step.tokens)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    pytest.importorskip("vllm")
    with asyncio.Runner() as runner:
        made = World(tiny.checkpoint(tmp_path_factory.mktemp("tiny"), CONTEXT), runner)
        yield made
        made.policy.shutdown()


def whole(seed: int, question: str = QUESTION) -> Draw:
    return Draw(question, (), seed, whole=True)


def test_equal_seeds_give_equal_samples_whatever_else_runs(world):
    alone = world.generate(whole(1))
    among = world.generate(whole(2), whole(1), whole(3))
    assert among[1].steps == alone[0].steps
    assert len({sample.steps for sample in among}) == 3


@pytest.mark.parametrize("prompt", [INEXACT, EXACT], ids=["by the text", "by the ids"])
def test_steps_drawn_one_by_one_are_those_that_splitting_finds(world, prompt):
    rule = world.policy._rule(prompt.separator)
    assert rule.exact is (prompt is EXACT)
    paths = world.stepwise(32, prompt=prompt)
    for steps in paths:
        # two blank steps in a row end a path of the search; this one was drawn on
        found = rule.split(tokens(steps), steps[-1].end)
        assert found == tuple(steps[: len(found)])
    assert sum(len(steps) for steps in paths) > 40, "the world is too tame to test anything"


def test_a_floor_ends_a_sample_where_its_confidence_first_falls_below(world):
    assert_floors_hold(world.generate, [whole(seed) for seed in range(6)])


def test_stopping_by_ids_gives_the_steps_that_stopping_by_text_gives_and_counts_what_it_drops(world):
    draws = [Draw(QUESTION, (), seed, whole=False) for seed in range(48)]

    def drawn(pairs: int) -> list[Sample]:
        world.policy._ends, world.policy._pairs = 100, pairs
        before = world.stats().computed_tokens
        samples = world.generate(*draws)
        fed = sum(sample.prompt_tokens - sample.cached_tokens + sample.dropped for sample in samples)
        written = sum(len(tokens(sample.steps)) for sample in samples)
        if not pairs:  # by the text one more token has been written than anybody is told of
            assert world.stats().computed_tokens - before == fed + written
        return samples

    by_ids, by_text = drawn(0), drawn(100)
    assert [sample.steps for sample in by_ids] == [sample.steps for sample in by_text]
    assert sum(sample.dropped for sample in by_ids) > 0 == sum(sample.dropped for sample in by_text)


def test_a_whole_sample_is_split_into_steps(world):
    samples = world.generate(*map(whole, range(24)), prompt=EXACT)
    steps = [step for sample in samples for step in sample.steps]
    assert all(step.text.rstrip().endswith("?") for step in steps if step.end == "step")
    assert all("?" not in step.text[:-1] for step in steps)
    assert all(
        [step.end for step in sample.steps[:-1]] == ["step"] * (len(sample.steps) - 1) for sample in samples
    )
    assert max(len(sample.steps) for sample in samples) > 2


def test_text_ends_with_either_of_the_models_ends_and_neither_is_in_it(world):
    lasts = [sample.steps[-1] for sample in world.generate(*map(whole, range(48)))]
    ended = [step for step in lasts if step.end == "eos"]
    assert {step.tokens[-1] for step in ended} == world.eos
    assert not any("<" in step.text for step in ended)
    assert all(step.tokens[-1] not in world.eos for step in lasts if step.end == "length")


def test_a_path_ends_at_its_budget_however_it_is_drawn(world):
    for sample in world.generate(*map(whole, range(24)), max_tokens=20):
        spent = len(tokens(sample.steps))
        assert (sample.steps[-1].end == "length") is (
            spent == 20 and sample.steps[-1].tokens[-1] not in world.eos
        )
    for steps in world.stepwise(16, prompt=EXACT, max_tokens=20):
        assert len(tokens(steps)) == 20 if steps[-1].end == "length" else len(tokens(steps)) <= 20


def test_a_path_ends_where_the_context_does(world):
    question = "so " * (CONTEXT // 2 - 10)
    samples = world.generate(*(whole(seed, question) for seed in range(24)), max_tokens=10_000)
    cut = [sample for sample in samples if sample.steps[-1].end == "length"]
    assert cut
    assert all(sample.prompt_tokens + len(tokens(sample.steps)) == CONTEXT for sample in cut)


def test_a_prompt_that_leaves_no_room_is_too_long(world):
    room = CONTEXT - len(world.policy._prompt(INEXACT, ""))
    before = world.stats().requests
    with pytest.raises(TooLong, match="the prompt has 128 tokens, the policy's context is 128"):
        world.generate(whole(0), whole(0, "?" * room))
    assert world.stats().requests == before, "asked the engine for the others"
    (sample,) = world.generate(whole(0, "?" * (room - 1)))
    assert [(len(step.tokens), step.end in ("length", "eos")) for step in sample.steps] == [(1, True)]


def test_greedy_does_not_depend_on_the_seed(world):
    one, other = world.generate(whole(1), whole(2), temperature=0.0)
    assert one.steps == other.steps


def test_logprobs_are_the_models(world):
    import torch
    from transformers import AutoModelForCausalLM

    (sample,) = world.generate(
        whole(5), logprobs=True, confidence=True, temperature=0.7, top_p=0.9, prompt=EXACT
    )
    sampled = tokens(sample.steps)
    prompt = [*world.policy._prompt(EXACT, QUESTION)]
    model = AutoModelForCausalLM.from_pretrained(world.folder, dtype=torch.float32)
    with torch.no_grad():
        rows = model(torch.tensor([prompt + list(sampled)])).logits[0].log_softmax(-1)
    wanted = [rows[len(prompt) + index - 1, token].item() for index, token in enumerate(sampled)]
    assert sum(step.logprob for step in sample.steps) == pytest.approx(sum(wanted), abs=1e-3)
    # as PlainPolicy has it, by the same words of the same model
    sure = -rows[len(prompt) - 1 : -1].topk(20).values.mean(-1)
    kept = [value for step in sample.steps for value in step.confidences]
    assert kept == pytest.approx(sure.tolist(), abs=1e-3)
    for bare in (world.generate(whole(5)), world.generate(whole(5), logprobs=True)):
        assert bare[0].steps[0].confidences is None
    assert world.generate(whole(5))[0].steps[0].logprob is None


def test_a_step_that_ends_in_the_middle_of_what_was_written_keeps_its_own_confidences(world):
    world.policy._ends, world.policy._pairs = 100, 0
    draws = [Draw(QUESTION, (), seed, whole=False) for seed in range(48)]
    samples = world.generate(*draws, confidence=True)
    assert sum(sample.dropped for sample in samples) > 0
    assert all(len(step.confidences) == len(step.tokens) for sample in samples for step in sample.steps)


def test_the_prefix_cache_holds_what_was_computed(world):
    question = "What is the sum of " + "1 and " * 20 + "2?"
    first, second = (world.generate(whole(seed, question))[0] for seed in (1, 2))
    assert first.prompt_tokens == second.prompt_tokens > 32
    assert (first.cached_tokens, second.cached_tokens) == (0, second.prompt_tokens // 32 * 32)


def test_the_counters_add_up(world):
    before = world.stats()
    samples = world.generate(*map(whole, range(8)))
    after = world.stats()
    assert after.requests - before.requests == 8
    assert after.cached_tokens - before.cached_tokens == sum(sample.cached_tokens for sample in samples)
    generated = sum(len(tokens(sample.steps)) for sample in samples)
    fed = sum(sample.prompt_tokens - sample.cached_tokens for sample in samples)
    # a path that wrote two blank steps is cut there, so it holds less than was generated
    assert after.computed_tokens - before.computed_tokens >= fed + generated
    assert 0 < after.busy_seconds - before.busy_seconds < 60


def test_a_cancelled_call_leaves_nothing_behind(world):
    async def cancelled():
        task = asyncio.create_task(
            world.policy.generate(Sampling(INEXACT, max_tokens=100), [whole(seed) for seed in range(8)])
        )
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.2)
        return world.policy.engine._llm.output_processor.get_num_unfinished_requests()

    assert world.runner.run(cancelled()) == 0
    assert world.generate(whole(1))[0].steps


def test_a_dead_engine_is_said_to_be_dead(world):
    """The last test of the file: it kills the engine."""
    import psutil

    from ttc.types import EngineDied

    (core,) = [child for child in psutil.Process().children() if "EngineCore" in child.name()]

    async def killed():
        task = asyncio.create_task(
            world.policy.generate(Sampling(INEXACT, max_tokens=100), [whole(1), whole(2)])
        )
        await asyncio.sleep(0.01)
        core.kill()
        return await asyncio.wait_for(task, 30)

    with pytest.raises(EngineDied):
        world.runner.run(killed())
    with pytest.raises(EngineDied):
        world.generate(whole(1))
