"""A policy and a verifier without a model: seeded, exact, with latency and faults to order.

Named providers (`policy=fake prm=fake`): the whole engine is tested and loaded with them in seconds. Their
world is made up, but it has the real one's shape: steps go wrong at random, harder problems more often, and
the verifier sees most of it. Tokens are characters, so that the state is token ids here too.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import accumulate

from ttc.models.provider import Identity, Model, Provider
from ttc.models.writers import faults, shape, writer
from ttc.nano.world import Event, Story
from ttc.settings.schema import PrmConfig
from ttc.types import (
    Draw,
    EngineStats,
    Floor,
    Judgement,
    ModelFacts,
    Prompt,
    Query,
    Sample,
    Sampling,
    Step,
    StepEnd,
    TooLong,
    TransientError,
    VerifierModel,
    first_below,
)


class _Fake:
    """Latency and transient errors, decided by what is asked and how often, never by the clock."""

    def __init__(
        self,
        latency: float = 0.0,
        fail_rate: float = 0.0,
        context: int | None = None,
        at_once: int | None = None,
    ) -> None:
        self._latency, self._fail_rate, self._context = latency, fail_rate, context
        self._room = asyncio.Semaphore(at_once) if at_once else nullcontext()
        self._asked: Counter[str] = Counter()
        self._requests = self._tokens = 0

    async def check(self) -> None:
        """Nothing to check."""

    async def stats(self) -> EngineStats:
        return EngineStats(self._tokens, 0, self._requests, busy_seconds=0.0)

    async def _answer(self, asked: Sequence[object]) -> None:
        async with self._room:
            await asyncio.sleep(self._latency)
        if self._fail_rate:
            name = str(asked)
            self._asked[name] += 1
            if _unit("fault", name, self._asked[name]) < self._fail_rate:
                raise TransientError(f"a fault to order (fail_rate={self._fail_rate})")


class FakePolicy(_Fake):
    """Writes 2 to 6 steps and a boxed answer, right if no step went wrong. The draw's seed decides all.

    In a conversation it answers with a solution where a box is asked for, and with a critique where not: in
    every further draft a step goes wrong half as often as in the one before.
    """

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        await self._answer([(draw.question, draw.seed, len(draw.tokens)) for draw in draws])
        samples = [self._sample(sampling, draw) for draw in draws]
        self._requests += len(draws)
        self._tokens += sum(len(step.tokens) for sample in samples for step in sample.steps)
        return samples

    def _sample(self, sampling: Sampling, draw: Draw) -> Sample:
        prompt = len(draw.question) + sum(map(len, draw.turns))
        if self._context is not None and prompt >= self._context:
            raise TooLong(f"the prompt has {prompt} tokens and the context {self._context}")
        left = min(sampling.max_tokens, (self._context or 10**9) - prompt) - len(draw.tokens)
        text = "".join(map(chr, draw.tokens))
        steps: list[Step] = []
        while not steps or (draw.whole and steps[-1].end == "step"):
            seed = 0 if sampling.temperature == 0 else draw.seed
            piece, last = _answer(draw, text, sampling.prompt.separator, seed)
            tokens = tuple(map(ord, piece))[:left]
            left -= len(tokens)
            cut = len(tokens) < len(piece) or (not last and not left)
            end: StepEnd = "length" if cut else "eos" if last else "step"
            sure = _sureness(draw.question, text, piece)[: len(tokens)] if sampling.confidence else None
            steps.append(Step(piece[: len(tokens)], tokens, end, confidences=sure))
            text += piece
        return Sample(_above(draw.floor, steps), prompt + len(draw.tokens))


class FakeWriter(_Fake):
    """A model that a verifier asks: it says what is off, and by the draw's seed is wrong now and then. Its
    tokens are characters, too."""

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        await self._answer([(draw.question, draw.seed) for draw in draws])
        samples = [self._sample(sampling, draw) for draw in draws]
        self._requests += len(draws)
        self._tokens += sum((sample.prompt_tokens or 0) + len(sample.steps[0].text) for sample in samples)
        return samples

    def prompt_ids(self, prompt: Prompt, question: str) -> Sequence[int]:
        return tuple(map(ord, prompt.user.replace("{question}", question)))

    def shutdown(self) -> None: ...

    def _sample(self, sampling: Sampling, draw: Draw) -> Sample:
        prompt = len(self.prompt_ids(sampling.prompt, draw.question))
        if self._context is not None and prompt >= self._context:
            raise TooLong(f"the prompt has {prompt} tokens and the context {self._context}")
        text = _review(draw.question, draw.seed)[
            : min(sampling.max_tokens, (self._context or 10**9) - prompt)
        ]
        return Sample((Step(text, tuple(map(ord, text)), "eos"),), prompt)


class FakeVerifier(_Fake):
    """Scores a step high while all so far are fine, low from the first wrong one on, with some noise."""

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        await self._answer([(query.question, query.steps) for query in queries])
        self._requests += len(queries)
        return [self._judge(query) for query in queries]

    def _judge(self, query: Query) -> Judgement:
        lengths = [len(step) for step in query.steps]
        starts = list(accumulate(lengths, initial=len(query.question)))
        scores: list[float | None] = []
        for k in range(query.known, len(query.steps)):
            too_long = self._context is not None and starts[k + 1] > self._context
            scores.append(None if too_long else _believe(query.question, query.steps[: k + 1]))
        tokens = tuple(lengths[query.known :])
        self._tokens += sum(tokens)
        return Judgement(
            scores=tuple(scores),
            tokens=tokens,
            root=starts[0],
            start=starts[query.known],
            computed=sum(tokens),
            status="too_long" if None in scores else "ok",
        )


def _answer(draw: Draw, text: str, separator: str, seed: int) -> tuple[str, bool]:
    """The next step after `text`, and whether it is the last."""
    if draw.turns and "box" not in draw.turns[-1]:
        wrong = draw.turns[-2].count("off")
        return f"I see {wrong} steps that are not right.", True
    return _write(draw.question, text, separator, seed, sum("box" in said for said in draw.turns[1::2]))


def _write(question: str, text: str, separator: str, seed: int, revisions: int) -> tuple[str, bool]:
    """The next step of a solution after `text`, and whether it is the last."""
    done = text.count("Step ")
    length = 2 + int(_unit("length", question) * 5)
    if done == length:
        wrong = text.count("off")
        return rf"\boxed{{{truth(question) + (wrong and 1 + wrong % 3)}}}", True
    rng = random.Random(_unit(question, done, seed))
    state = "off" if rng.random() * 2**revisions < 0.04 + 0.25 * _unit("hard", question) else "fine"
    return f"Step {done + 1}: {state} {rng.randrange(10)}{separator}", False


def _sureness(question: str, text: str, piece: str) -> tuple[float, ...]:
    """The confidence in every character of a step: mostly lower where it goes wrong."""
    rng = random.Random(_unit("sure", question, text, piece))
    level = (3.0 if "off" in piece else 4.0) + 2.0 * rng.random()
    return tuple(round(level + rng.random(), 3) for _ in piece)


def _above(floor: Floor | None, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, as far as the first group below the floor."""
    values = [value for step in steps for value in step.confidences or ()]
    left = first_below(values, floor) if floor else None
    if left is None or left == len(values):
        return tuple(steps)
    kept = 0
    while left > len(steps[kept].tokens):
        left -= len(steps[kept].tokens)
        kept += 1
    step = steps[kept]
    sure = (step.confidences or ())[:left]
    return (*steps[:kept], Step(step.text[:left], step.tokens[:left], "unsure", confidences=sure))


def _believe(question: str, steps: Sequence[str]) -> float:
    noise = _unit("score", question, *steps)
    wrong = any("off" in step for step in steps)
    return round(0.7 * noise if wrong else 0.3 + 0.7 * noise, 6)


def _review(text: str, seed: int) -> str:
    """What a writer says of solutions: which are fine, and so which is right, or the best."""
    solutions = re.split(r"Solution(?: \d+)?:\n", text)[1:]
    fine = [("off" not in one) != (_unit("slip", k, seed) < 0.1) for k, one in enumerate(solutions, 1)]
    said = "\n".join(f"Solution {k} is {'fine' if one else 'off'}." for k, one in enumerate(fine, 1))
    if "Solution 1:" not in text:
        return f"{said}\nVerdict: {'correct' if all(fine) else 'incorrect'}"
    return f"{said}\nBest solution: {fine.index(True) + 1 if any(fine) else 1}"


def truth(question: str) -> int:
    """The answer that the fakes take for right: the embedded world's where the question is of it."""
    start = re.match(r"Start with (\d+)\.", question)
    if not start:
        return int(_unit("truth", question) * 100)
    events = tuple(Event(word, int(n or 0)) for word, n in re.findall(r"Day \d+: (\w+)(?: (\d+))?", question))
    return int(Story(0, int(start[1]), events).answer)


def _unit(*parts: object) -> float:
    """A number in [0, 1) that `parts` decide."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6], "big") / 2**48


def _verifier(config: PrmConfig) -> VerifierModel:
    own = (config.latency, config.fail_rate, config.context, config.max_num_seqs)
    kind = writer(config)
    return kind(config, FakeWriter(*own)) if kind else FakeVerifier(*own)


FAKE = Provider(
    lambda config, problems: Model(Identity("fake", config.context, shape(config)), ModelFacts(), "fake"),
    lambda config: FakePolicy(config.latency, config.fail_rate, config.context, config.max_num_seqs),
    _verifier,
    faults=faults,
    chats=True,
    floors=True,
    timed=False,
)
