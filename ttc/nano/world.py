"""The world of the small models: counting stories that a person can read and a small model can err on.

A story starts with a number and goes on for some days; a solution takes one step a day. Errors come in two
kinds, as with real models: *slips* hit any step at random and differ from sample to sample, so votes repair
them; *misreadings* hit a few words ("lends", "pairs") in most samples the same way, so only a verifier helps.
Left out on purpose: names, objects and fractions. They would cost tokens and teach nothing about search.

Standard library only: the rest of ttc imports this file for its data set. What only training asks of the
world stands with the recipe (benchmarks/world/).
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from ttc.types import Problem

STEP_END = "\n\n"
LEVELS = (1, 2, 3, 4, 5)
DAYS = {1: 2, 2: 4, 3: 6, 4: 8, 5: 10}
"""Days of a test story, by level. Training also meets the lengths in between."""

TRAPS = {
    1: (0, 0, 0, 0, 0, 0, 0, 1, 1, 1),
    2: (0, 0, 0, 0, 0, 1, 1, 1, 1, 1),
    3: (0, 0, 0, 0, 1, 1, 1, 1, 1, 2),
    4: (0, 0, 1, 1, 1, 1, 1, 1, 2, 2),
    5: (0, 1, 1, 1, 1, 1, 2, 2, 2, 2),
}
"""Trap words in ten stories of a level: they decide how far votes alone can get. Test sets deal these out in
full, in random order, so that no draw is easier than another by luck; training draws from them at random."""

JOINTS = ("now", "so", "then")
"""Three words for one thing, so that two samples of one step may differ in text, as real ones do."""

NUMBERS = range(2, 10)
"""What an event may count."""

TEST_SHARE = 8
"""One text in eight is on the test side."""

Reading = tuple[str, int]
"""An operator and a factor: what a reader makes of an event."""


@dataclass(frozen=True)
class Verb:
    """What a word does to the count.

    Attributes:
        right: the reading that is true.
        counted: the event names a number n; the step's second operand is then factor * n, else the factor.
        slips: readings taken by a reader who does not look.
        trap: the reading that most readers take, where the word is a trap.
        noun: a word after the number, for people; the verb alone decides.
    """

    right: Reading
    counted: bool
    slips: tuple[Reading, ...]
    trap: Reading | None = None
    noun: str = ""


VERBS = {
    "gets": Verb(("+", 1), True, (("-", 1), ("+", 2))),
    "finds": Verb(("+", 1), True, (("-", 1), ("+", 3))),
    "gives": Verb(("-", 1), True, (("+", 1), ("-", 2))),
    "loses": Verb(("-", 1), True, (("+", 1), ("-", 3))),
    "doubles": Verb(("*", 2), False, (("*", 3), ("+", 2))),
    "triples": Verb(("*", 3), False, (("*", 2), ("+", 3))),
    "halves": Verb(("/", 2), False, (("*", 2), ("-", 2))),
    "lends": Verb(("-", 1), True, (("-", 2), ("+", 2)), trap=("+", 1)),
    "buys": Verb(("+", 2), True, (("-", 2), ("+", 3)), trap=("+", 1), noun="pairs"),
    "wins": Verb(("+", 3), True, (("-", 3), ("+", 2)), trap=("+", 1), noun="trios"),
    "shares": Verb(("/", 2), False, (("*", 2), ("-", 1)), trap=("-", 2), noun="half"),
}
PLAIN = tuple(word for word, verb in VERBS.items() if verb.trap is None)
TRAPPED = tuple(word for word, verb in VERBS.items() if verb.trap is not None)


@dataclass(frozen=True)
class Event:
    """One day: a verb, and its number (0 where the verb takes none)."""

    word: str
    n: int = 0

    @property
    def text(self) -> str:
        verb = VERBS[self.word]
        parts = (self.word, str(self.n) if verb.counted else "", verb.noun)
        return " ".join(part for part in parts if part)

    def operand(self, reading: Reading) -> int:
        return reading[1] * self.n if VERBS[self.word].counted else reading[1]


@dataclass(frozen=True)
class Story:
    """A problem before it becomes text."""

    level: int
    start: int
    events: tuple[Event, ...]

    @property
    def question(self) -> str:
        days = "".join(f" Day {day}: {event.text}." for day, event in enumerate(self.events, 1))
        return f"Start with {self.start}.{days} How many are there?"

    @property
    def answer(self) -> str:
        value = self.start
        for event in self.events:
            op, _ = VERBS[event.word].right
            value = compute(value, op, event.operand(VERBS[event.word].right))
        return str(value)


@dataclass(frozen=True)
class Errors:
    """How often a demonstration errs, per step.

    Attributes:
        misread: a trap word is read the way most readers take it.
        slip: any step takes a wrong operator or factor; visible in the step's own text.
        blunder: the result is off by 1 or 10; hardly visible to a small verifier, so it must stay rare.
    """

    misread: float = 0.0
    slip: float = 0.0
    blunder: float = 0.0


@dataclass(frozen=True)
class Solution:
    """Steps as text without separators, the boxed answer last; `wrong` = index of the first wrong step."""

    steps: tuple[str, ...]
    wrong: int | None

    @property
    def text(self) -> str:
        return STEP_END.join(self.steps)


def compute(value: int, op: str, operand: int) -> int:
    """A step's result. Right ones stay in 2..99; wrong ones wrap around, so that 0..99 is all there is."""
    if op == "+":
        return (value + operand) % 100
    if op == "-":
        return (value - operand) % 100
    return value * operand % 100 if op == "*" else value // operand


def on_test_side(question: str) -> bool:
    """Decided by the text alone, so no training stream can ever meet a test problem."""
    return hashlib.sha256(question.encode()).digest()[0] % TEST_SHARE == 0


def _event(value: int, words: tuple[str, ...], rng: random.Random) -> tuple[Event, int]:
    """An event that keeps the count in 2..99 and halves only even counts, and the new count."""
    while True:
        word = rng.choice(words)
        event = Event(word, rng.choice(NUMBERS) if VERBS[word].counted else 0)
        op, _ = VERBS[word].right
        operand = event.operand(VERBS[word].right)
        raw = {"+": value + operand, "-": value - operand, "*": value * operand, "/": value // operand}[op]
        if 2 <= raw <= 99 and not (op == "/" and value % operand):
            return event, raw


def tell(rng: random.Random, days: int, traps: int) -> Story:
    """A story of so many days and trap words, on either side."""
    start = value = rng.randint(5, 60)
    trap_days = set(rng.sample(range(days), traps))
    events = []
    for day in range(days):
        event, value = _event(value, TRAPPED if day in trap_days else PLAIN, rng)
        events.append(event)
    return Story(min(5, days // 2), start, tuple(events))


def test_stories(draw: int = 0, count: int = 200) -> list[Story]:  # noqa: PT028 (no test)
    """Stories of the test side, levels 1, 2, 3, 4, 5, 1, 2, ...; no text twice in a draw."""
    rng = random.Random(f"ttc-nano-test-{draw}")
    stories: list[Story] = []
    seen: set[str] = set()
    decks: dict[int, list[int]] = {level: [] for level in LEVELS}
    while len(stories) < count:
        level = LEVELS[len(stories) % len(LEVELS)]
        deck = decks[level] = decks[level] or rng.sample(TRAPS[level], len(TRAPS[level]))
        story = tell(rng, DAYS[level], deck[-1])
        if on_test_side(story.question) and story.question not in seen:
            deck.pop()
            seen.add(story.question)
            stories.append(story)
    return stories


def test_problems(draw: int = 0, count: int = 200) -> list[Problem]:  # noqa: PT028 (no test)
    """The data set: `count` problems of draw number `draw`; a shorter list begins a longer one."""
    return [
        Problem(f"nano-{draw}-{index}", story.question, story.answer, story.level)
        for index, story in enumerate(test_stories(draw, count))
    ]


def _read(event: Event, errors: Errors, rng: random.Random) -> Reading:
    verb = VERBS[event.word]
    if rng.random() < errors.slip:
        return rng.choice(verb.slips)
    if verb.trap is not None and rng.random() < errors.misread:
        return verb.trap
    return verb.right


def solve(story: Story, rng: random.Random, errors: Errors | None = None) -> Solution:
    """A solution that errs as told; without errors, a right one. A wrong step's followers go on from it."""
    errors = errors or Errors()
    value = story.start
    steps: list[str] = []
    wrong: int | None = None
    for day, event in enumerate(story.events, 1):
        reading = _read(event, errors, rng)
        op, operand = reading[0], event.operand(reading)
        result = compute(value, op, operand)
        blunder = rng.random() < errors.blunder
        if blunder:
            result = (result + rng.choice((-10, -1, 1, 10))) % 100
        steps.append(f"Day {day}: {event.text} {rng.choice(JOINTS)} {value} {op} {operand} = {result}")
        if wrong is None and (blunder or reading != VERBS[event.word].right):
            wrong = day - 1
        value = result
    steps.append(rf"\boxed{{{value}}}")
    return Solution(tuple(steps), wrong)
