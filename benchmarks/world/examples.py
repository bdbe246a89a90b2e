"""Training texts: a policy's question and solution, a verifier's chat of steps and verdicts (RLHFlow's)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice

import tokenizer
from lessons import fits, training_stories
from model import IGNORE, Example

from ttc.nano.world import Errors, Solution, Story, solve

POLICY_ERRORS = Errors(misread=0.62, slip=0.20, blunder=0.015)
"""What the policy learns to do wrong. Blunders stay rare: so small a verifier cannot see them."""

VERIFIER_ERRORS = Errors(misread=0.35, slip=0.10, blunder=0.015)
"""Lower, so that late steps with right prefixes occur: searches need verdicts just there."""

CHAINS = 3
"""Solutions of one story in the verifier's own stream: siblings, which differ in few steps."""

INNER, INNER_WEIGHT = (4, 3, 1), 0.3
"""Where operator, operand and result stand before a step's header; they carry verdicts in training, too."""

AFTER_ERROR = 0.2
"""Weight of the verdicts after the first error: votes need them, but they are all alike."""


@cache
def _words() -> tokenizer.PreTrainedTokenizerFast:
    return tokenizer.build()


def encode(text: str) -> list[int]:
    return _words().encode(text, add_special_tokens=False)


def _id(piece: str) -> int:
    return _words().get_vocab()[piece]


def prompt(question: str) -> list[int]:
    """What the chat template makes of one question, ready for the answer."""
    return encode(f"<|user|>{question}<|assistant|>")


def policy_example(story: Story, solution: Solution) -> Example:
    """Question and solution; only the solution and the end of text are learnt."""
    asked = prompt(story.question)
    said = [*encode(solution.text), _id(tokenizer.EOS)]
    ids = [*asked, *said[:-1]]
    return Example(ids, [*[IGNORE] * (len(asked) - 1), *said], [1.0] * len(ids))


def policy_examples(count: int, seed: int) -> list[Example]:
    rng = random.Random(seed)
    stories = islice(training_stories(rng), count)
    return [policy_example(story, solve(story, rng, POLICY_ERRORS)) for story in stories]


def verdict_classes() -> tuple[int, int]:
    """Ids of "-" and "+"."""
    return _id("-"), _id("+")


def verifier_ids(question: str, steps: Sequence[str]) -> list[int]:
    """The chat up to where the last step's verdict would come; earlier ones read "+" whatever they were."""
    turns = [f"{question} {steps[0]}", *steps[1:]]
    return encode("+".join(f"<|user|>{turn.strip()}<|assistant|>" for turn in turns))


def verifier_example(story: Story, solution: Solution) -> Example:
    """The chat with a verdict wanted at each assistant header: "+" before the first error, "-" from it on.

    Verdicts inside a step (INNER) say whether the step itself fits its day, whatever came before. Nobody
    reads them later, but they tell the learner which word was wrong.
    """
    ids = verifier_ids(story.question, solution.steps)
    minus, plus = verdict_classes()
    header = _id("<|assistant|>")
    targets, weights = [IGNORE] * len(ids), [0.0] * len(ids)
    places = [place for place, token in enumerate(ids) if token == header]
    wrong = len(places) if solution.wrong is None else solution.wrong
    for step, place in enumerate(places):
        targets[place] = plus if step < wrong else minus
        weights[place] = 1.0 if step <= wrong else AFTER_ERROR
        for back, good in zip(INNER, fits(story, step, solution.steps[step]), strict=False):
            targets[place - back] = plus if good else minus
            weights[place - back] = INNER_WEIGHT
    return Example(ids, targets, weights)


def chains(count: int, seed: int) -> Iterator[Example]:
    """`count` solutions by the generator itself, CHAINS of each story."""
    rng = random.Random(seed)
    for story in islice(training_stories(rng), count // CHAINS):
        for _ in range(CHAINS):
            yield verifier_example(story, solve(story, rng, VERIFIER_ERRORS))


def verifier_examples(samples: Iterable[tuple[Story, Solution]], count: int, seed: int) -> list[Example]:
    """The policy's own solutions, and `count` of the generator's."""
    return [*(verifier_example(*pair) for pair in samples), *chains(count, seed)]
