"""What only training and measuring ask of the world: its other side, what is right in a step, all words."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from ttc.nano.world import (
    JOINTS,
    LEVELS,
    NUMBERS,
    STEP_END,
    TRAPS,
    VERBS,
    Event,
    Story,
    compute,
    on_test_side,
    solve,
    tell,
)


def training_stories(rng: random.Random) -> Iterator[Story]:
    """Endless stories of the training side, 2 to 10 days, all lengths alike."""
    while True:
        days = rng.randint(2, 10)
        story = tell(rng, days, rng.choice(TRAPS[min(5, days // 2)]))
        if not on_test_side(story.question):
            yield story


def first_error(story: Story, steps: Sequence[str]) -> int | None:
    """Index of the first step that a right solution would not hold (joints apart); None if all are right."""
    expected = solve(story, random.Random(0)).steps
    for index, step in enumerate(steps):
        if index >= len(expected) or compared(step) != compared(expected[index]):
            return index
    return None


def fits(story: Story, index: int, step: str) -> list[bool]:
    """Is a step right by itself, up to its operator, operand and result? Empty for what is no day's step."""
    found = re.search(r" (\d+) ([-+*/]) (\d+) = (\d+)$", step.strip())
    if index >= len(story.events) or found is None:
        return []
    value, op, operand, result = int(found[1]), found[2], int(found[3]), int(found[4])
    event = story.events[index]
    right = VERBS[event.word].right
    operator = op == right[0]
    whole = operator and operand == event.operand(right)
    return [operator, whole, whole and result == compute(value, op, operand)]


def compared(step: str) -> str:
    """A step without its joining word: what decides whether it is right."""
    return re.sub(rf" (?:{'|'.join(JOINTS)}) ", " ", step.strip())


def all_events() -> list[Event]:
    return [Event(word, n) for word, verb in VERBS.items() for n in (NUMBERS if verb.counted else (0,))]


def vocabulary() -> list[str]:
    """Every piece that world text can hold, in a fixed order; a leading space belongs to its piece."""
    words = ["Start", " with", " How", " many", " are", " there", *(f" {joint}" for joint in JOINTS)]
    words += [f" {event.text}" for event in all_events()]
    signs = [".", "?", " +", " -", " *", " /", " =", "+", "-", STEP_END, r"\boxed{", "}"]
    days = [f"{space}Day {day}:" for space in ("", " ") for day in range(1, 2 * len(LEVELS) + 1)]
    numbers = [f"{space}{number}" for space in ("", " ") for number in range(100)]
    return words + signs + days + numbers
