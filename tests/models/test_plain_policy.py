"""The plain policy against transformers' own `generate` and plain forward passes, on a tiny random model."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.models import tiny
from tests.models.floors import assert_floors_hold
from ttc.models.plain import Batcher
from ttc.models.plain_policy import PlainPolicy
from ttc.models.vllm_engine import EngineOptions
from ttc.types import Draw, Prompt, Sample, Sampling, Step, TooLong, UserError

CONTEXT = 128
QUESTION = "What is the sum of 1 and 2?"
QUESTIONS = [" ".join(["sum of 3 and"] * count) + "?" for count in (1, 9, 2, 5)]
INEXACT = Prompt("blank line", separator="\n\n")
EXACT = Prompt("question mark", separator="?")


class World:
    """The policy, its loop and the same model again."""

    def __init__(self, folder, runner: asyncio.Runner) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        self.folder, self.runner, self.torch = folder, runner, torch
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.policy = runner.run(self._start())
        self.eos = {2, 3}

    async def _start(self):
        # few rows at once, so that most tests need several batches
        return PlainPolicy(EngineOptions(str(self.folder), CONTEXT, dtype="float32", max_num_seqs=7))

    def generate(self, *draws: Draw, prompt: Prompt = INEXACT, **sampling) -> list[Sample]:
        settings = {"temperature": 1.0, "max_tokens": 60} | sampling
        return self.runner.run(self.policy.generate(Sampling(prompt, **settings), draws))

    def input(self, question: str, prompt: Prompt = INEXACT) -> list[int]:
        return [*self.policy._prompt(prompt, question)]

    def rows(self, question: str, sampled: Sequence[int]):
        """What one pass over prompt and sample says in front of every sampled token: log-probabilities."""
        ids = self.input(question) + list(sampled)
        with self.torch.no_grad():
            rows = self.model(self.torch.tensor([ids])).logits[0].log_softmax(-1)
        return rows[len(ids) - len(sampled) - 1 : -1]

    def stats(self):
        return self.runner.run(self.policy.stats())


def tokens(steps: Sequence[Step]) -> tuple[int, ...]:
    return tuple(token for step in steps for token in step.tokens)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with asyncio.Runner() as runner:
        made = World(tiny.checkpoint(tmp_path_factory.mktemp("tiny"), CONTEXT), runner)
        yield made
        made.policy.shutdown()


def whole(seed: int, question: str = QUESTION) -> Draw:
    return Draw(question, (), seed, whole=True)


def test_greedy_is_transformers_own_generate(world):
    samples = world.generate(
        *(whole(0, question) for question in QUESTIONS), temperature=0.0, prompt=EXACT, max_tokens=30
    )
    for question, sample in zip(QUESTIONS, samples, strict=True):
        ids = world.torch.tensor([world.input(question, EXACT)])
        theirs = world.model.generate(
            ids, attention_mask=world.torch.ones_like(ids), do_sample=False, max_new_tokens=30
        )
        assert tokens(sample.steps) == tuple(theirs[0, ids.shape[1] :].tolist())
    assert len({sample.prompt_tokens for sample in samples}) == len(QUESTIONS), "nothing was padded"


def test_an_answer_is_what_the_models_own_template_makes_of_the_conversation(world):
    """Both turns are put as transformers' own pipeline would, and the answer has a budget of its own."""
    (draft,) = world.generate(whole(3), max_tokens=20)
    turns = ("".join(step.text for step in draft.steps), "Then what is the sum?")
    chat = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": turns[0]}]
    chat.append({"role": "user", "content": turns[1]})
    words = world.policy.tokenizer
    written = words.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = world.torch.tensor([words.encode(written, add_special_tokens=False)])
    theirs = world.model.generate(
        ids, attention_mask=world.torch.ones_like(ids), do_sample=False, max_new_tokens=20
    )
    (answer,) = world.generate(
        Draw(QUESTION, (), 0, True, turns), temperature=0.0, prompt=EXACT, max_tokens=20
    )
    assert tokens(answer.steps) == tuple(theirs[0, ids.shape[1] :].tolist())
    assert answer.prompt_tokens == ids.shape[1]
    with pytest.raises(TooLong, match=f"the policy's context is {CONTEXT}"):
        world.generate(Draw(QUESTION, (), 0, True, (*turns * 20,)))


def test_a_draw_does_not_depend_on_its_company(world):
    draws = [whole(seed, QUESTIONS[seed % 4]) for seed in range(12)]
    together = world.generate(*draws, max_tokens=40)
    backwards = world.generate(*reversed(draws), max_tokens=40)[::-1]
    alone = [world.generate(draw, max_tokens=40)[0] for draw in draws]
    assert together == backwards == alone
    assert len({sample.steps for sample in together}) == 12


def test_logprobs_are_the_models_at_temperature_one(world):
    (sample,) = world.generate(whole(5), logprobs=True, temperature=0.7, prompt=EXACT)
    sampled = tokens(sample.steps)
    rows = world.rows(QUESTION, sampled)
    wanted = [rows[index, token].item() for index, token in enumerate(sampled)]
    assert sum(step.logprob for step in sample.steps) == pytest.approx(sum(wanted), abs=1e-3)
    assert world.generate(whole(5))[0].steps[0].logprob is None


def test_confidence_is_minus_the_mean_of_the_20_likeliest_at_temperature_one(world):
    draws = [whole(5, QUESTIONS[0]), whole(6, QUESTIONS[1])]
    for draw, sample in zip(
        draws, world.generate(*draws, confidence=True, temperature=0.7, top_p=0.9), strict=True
    ):
        wanted = -world.rows(draw.question, tokens(sample.steps)).topk(20).values.mean(-1)
        kept = [value for step in sample.steps for value in step.confidences]
        assert kept == pytest.approx(wanted.tolist(), abs=1e-3)
        assert [len(step.confidences) for step in sample.steps] == [len(step.tokens) for step in sample.steps]
    assert world.generate(whole(5))[0].steps[0].confidences is None


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (1.0, 0.95)])
def test_tokens_come_as_often_as_they_should(world, temperature, top_p):
    count = 3000
    draws = (Draw(QUESTION, (), seed, whole=True) for seed in range(count))
    world.policy.options = EngineOptions("", 0, max_num_seqs=count)
    samples = world.generate(*draws, max_tokens=1, temperature=temperature, top_p=top_p)
    world.policy.options = EngineOptions("", 0, max_num_seqs=7)
    seen = Counter(sample.steps[0].tokens[0] for sample in samples)
    wanted = (world.rows(QUESTION, [0])[0] / temperature).softmax(-1)
    likely, sum_ = set(), 0.0
    for token in wanted.argsort(descending=True).tolist():
        if sum_ < top_p:
            likely.add(token)
            sum_ += wanted[token].item()
    assert set(seen) <= likely
    for token in likely:
        share = wanted[token].item() / sum_
        # five standard deviations; the seeds are fixed, so this holds always or never
        assert abs(seen[token] / count - share) < 5 * (share / count) ** 0.5 + 1e-4
    assert (1 < len(likely) < len(wanted)) or top_p == 1, "nothing is cut, or nothing drawn"


def test_rows_of_one_batch_have_their_own_settings(world):
    async def both():
        return await asyncio.gather(
            world.policy.generate(Sampling(INEXACT, 0.0, max_tokens=20), [whole(1)]),
            world.policy.generate(Sampling(INEXACT, 1.0, 0.3, max_tokens=9), [whole(1)]),
            world.policy.generate(Sampling(INEXACT, 1.0, max_tokens=30), [whole(1)]),
        )

    cold, narrow, warm = (samples[0] for samples in world.runner.run(both()))
    assert cold == world.generate(whole(9), temperature=0.0, max_tokens=20)[0]
    assert narrow == world.generate(whole(1), top_p=0.3, max_tokens=9)[0]
    assert warm == world.generate(whole(1), max_tokens=30)[0]
    assert cold.steps != warm.steps != narrow.steps


@pytest.mark.parametrize("prompt", [INEXACT, EXACT], ids=["by the text", "by the ids"])
def test_steps_end_where_splitting_finds_their_ends(world, prompt):
    rule = world.policy._rule(prompt.separator)
    assert rule.exact is (prompt is EXACT)
    paths: list[list[Step]] = [[] for _ in range(24)]
    while live := [(seed, path) for seed, path in enumerate(paths) if not path or path[-1].end == "step"]:
        draws = [Draw(QUESTION, tokens(path), seed * 1000 + len(path), whole=False) for seed, path in live]
        for (_, path), sample in zip(live, world.generate(*draws, prompt=prompt, max_tokens=24), strict=True):
            assert sample.prompt_tokens == len(world.input(QUESTION, prompt)) + len(tokens(path))
            assert sample.cached_tokens is None
            path += sample.steps
    for steps in paths:
        found = rule.split(tokens(steps), steps[-1].end)
        assert found == tuple(steps[: len(found)])
        assert len(tokens(steps)) <= 24
        assert (steps[-1].end == "eos") is (tokens(steps)[-1] in world.eos)
    assert {steps[-1].end for steps in paths} == {"eos", "length"}
    assert sum(len(steps) for steps in paths) > 30


def test_whole_samples_end_by_either_eos_the_budget_or_the_context(world):
    question = "so " * (CONTEXT // 2 - 10)
    for budget, samples in (
        (20, world.generate(*map(whole, range(24)), max_tokens=20, prompt=EXACT)),
        (None, world.generate(*(whole(seed, question) for seed in range(24)), max_tokens=999, prompt=EXACT)),
    ):
        lasts = [sample.steps[-1] for sample in samples]
        assert {step.tokens[-1] for step in lasts if step.end == "eos"} == world.eos
        assert not any("<" in step.text for step in lasts)
        cut = [sample for sample in samples if sample.steps[-1].end == "length"]
        assert cut
        for sample in cut:
            assert len(tokens(sample.steps)) == (budget or CONTEXT - sample.prompt_tokens)
            assert tokens(sample.steps)[-1] not in world.eos


def test_a_prompt_that_leaves_no_room_is_too_long(world):
    room = CONTEXT - len(world.input(""))
    before = world.stats().requests
    with pytest.raises(TooLong, match="the prompt has 128 tokens, the policy's context is 128"):
        world.generate(whole(0), whole(0, "?" * room))
    assert world.stats().requests == before, "asked the engine for the others"
    (sample,) = world.generate(whole(0, "?" * (room - 1)))
    assert len(tokens(sample.steps)) == 1


def test_the_counters_add_up(world):
    before = world.stats()
    # by the ids, and no blank steps: a path that is cut holds less than was generated
    samples = world.generate(*map(whole, range(8)), prompt=EXACT)
    after = world.stats()
    assert after.requests - before.requests == 8
    fed = sum(sample.prompt_tokens for sample in samples)
    generated = sum(len(tokens(sample.steps)) for sample in samples)
    assert after.computed_tokens - before.computed_tokens == fed + generated
    assert after.cached_tokens == 0
    assert after.busy_seconds > before.busy_seconds


def test_a_cancelled_call_stops_at_its_next_token(world, monkeypatch):
    calls, cancelled = 0, threading.Event()
    model = world.policy.model

    async def race():
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(
            world.policy.generate(Sampling(EXACT, 1.0, max_tokens=100), [whole(2), whole(3)])
        )

        def watched(**inputs):
            nonlocal calls
            calls += 1
            if calls == 3:
                loop.call_soon_threadsafe(task.cancel)
                assert cancelled.wait(10)
            return model(**inputs)

        watched.device = model.device
        monkeypatch.setattr(world.policy, "model", watched)
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()
        # one thread: what comes next is not begun before the cancelled batch is over
        return await world.policy.generate(Sampling(EXACT, 1.0, max_tokens=1), [whole(2)])

    (after,) = world.runner.run(race())
    assert calls == 3 + 1
    monkeypatch.undo()
    assert len(tokens(world.generate(whole(2), prompt=EXACT)[0].steps)) > 3
    assert tokens(world.generate(whole(2), prompt=EXACT)[0].steps)[:1] == tokens(after.steps)


def test_a_batch_is_what_came_in_one_turn_and_the_loop_stays_awake():
    seen: list[list[int]] = []
    go = threading.Event()

    def compute(requests: Sequence[int]) -> list[int]:
        seen.append(list(requests))
        assert go.wait(10), "the loop that would set this is blocked"
        if 13 in requests:
            raise ValueError("13")
        return [request * 2 for request in requests]

    async def run():
        batcher: Batcher[int, int] = Batcher(compute)
        first = [asyncio.create_task(batcher.ask(number)) for number in (1, 2, 3)]
        while not seen:
            await asyncio.sleep(0.001)
        second = [asyncio.create_task(batcher.ask(number)) for number in (4, 5, 6)]
        await asyncio.sleep(0)
        second[1].cancel()
        await asyncio.sleep(0)
        go.set()
        got = [await task for task in (*first, second[0], second[2])]
        bad = await asyncio.gather(batcher.ask(13), batcher.ask(7), return_exceptions=True)
        return got, bad, await batcher.ask(8), batcher.counters.stats().requests

    got, bad, last, requests = asyncio.run(run())
    assert seen == [[1, 2, 3], [4, 6], [13, 7], [8]]
    assert (got, last, requests) == ([2, 4, 6, 8, 12], 16, 6)
    assert [str(error) for error in bad] == ["13", "13"]


def test_a_checkpoint_without_a_language_models_head_is_refused(tmp_path):
    folder = tiny.orm(tmp_path)
    with pytest.raises(UserError, match=rf"{folder}: .*lm_head"):
        PlainPolicy(EngineOptions(str(folder), 128))


def test_a_floor_ends_a_sample_where_its_confidence_first_falls_below(world):
    assert_floors_hold(world.generate, [whole(seed) for seed in range(6)])
