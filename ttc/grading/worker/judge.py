r"""Is this answer equal to that one?

`judge` reads two texts as words, numbers, quantities, shapes and, last, whole expressions; one reading in
which they are equal is enough, but for a few that are surely different (`differ`): docs/grading.md.
"""

from __future__ import annotations

import re

from ttc.grading.worker import names, units
from ttc.grading.worker.expressions import readings, same_expression
from ttc.grading.worker.latex import clean, split, squeezed
from ttc.grading.worker.names import NAMES, constant, meant, named, untexted
from ttc.grading.worker.plain import PROSE
from ttc.grading.worker.shapes import SCALAR, equal_shapes, shape
from ttc.grading.worker.values import PERCENT, based, digits, rounds_to, values

DEEPEST = 4
"""Levels of brackets whose parts are compared."""

CHOICE = re.compile(r"\(?([A-Ja-j])\)?[.:)]?")
CHOSEN = re.compile(
    r"(?:\(([A-J])\)|([A-J])[.:)])\s+"
    r"(?!.*(?:\b[A-J][.:)]|\b(?:or|and) [A-J]\b|n't\b|\b(?:not|cannot|incorrect|wrong|false)\b))\S.*"
)
WORDS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,.:'-]*")
WORDED = re.compile(r"\\text|[a-z]{3}|[A-Z]{4}|\d ?(?i:[ap]m)\b")
"""Here letters are words, not factors."""
APPROXIMATELY = re.compile(r" ?\\approx(?![A-Za-z]) ?")
EQUALS = re.compile(r" ?(?<![<>!:])= ?")
RELATION = re.compile(r"[<>=]|\\(?:le|ge|ne)(?![A-Za-z])")


def judge(gold: str, answer: str) -> tuple[bool, str]:
    """Equal or not, and a status: ok, or parse_error where a part of one of them cannot be read."""
    a, b = meant(clean(gold)), meant(clean(answer))
    money = units.currency(gold), units.currency(answer)
    if (all(money) and money[0] != money[1]) or differ(a, b):
        return False, "ok"
    if equal(a, b, DEEPEST):
        return True, "ok"
    return False, "ok" if readable(a, DEEPEST) and readable(b, DEEPEST) else "parse_error"


def readable(text: str, depth: int) -> bool:
    """Is every part a word, a number, a quantity or an expression?"""
    parts = shape(text).items if depth else ()
    if parts:
        return all(readable(part, depth - 1) for part in parts)
    number = units.quantity(text)
    value = _value(number[0] if number else text)
    if shape(text) != SCALAR or values(value) or based(value) is not None:
        return True
    return bool(PROSE.fullmatch(untexted(value)) or readings(value))


def differ(a: str, b: str) -> bool:
    """Surely different, whatever else says so: two numbers in bases they state, two units, two monomials."""
    numbers = based(a), based(b)
    if None not in numbers:
        return numbers[0] != numbers[1]
    return units.differ(named(a)[1], named(b)[1])


def equal(a: str, b: str, depth: int) -> bool:
    """Are two cleaned texts equal under some reading?"""
    if same_text(a, b) or same_number(a, b):
        return True
    if any(PROSE.fullmatch(untexted(text)) for text in (a, b)):  # to a grammar a product of letters
        return equal_parts(a, b, depth)
    if RELATION.search(a) and RELATION.search(b) and same_expression(a, b):
        return True
    if names.differ(named(a)[0], named(b)[0]):
        return False
    if depth and (same_quantity(a, b, depth - 1) or equal_parts(a, b, depth)):
        return True
    kinds = {shape(a).kind, shape(b).kind}  # a matrix may be a number times another
    return (kinds == {"scalar"} or kinds == {"scalar", "matrix"}) and same_expression(
        _value(a, b), _value(b, a)
    )


def equal_parts(a: str, b: str, depth: int) -> bool:
    return equal_shapes(shape(a), shape(b), lambda x, y: equal(x, y, depth - 1))


def same_text(a: str, b: str) -> bool:
    """Equal as texts, as choices among letters, or as words whatever their case."""
    if squeezed(a) == squeezed(b) != "":
        return True
    words = [bool(WORDED.search(text)) for text in (a, b)]
    a, b = untexted(a), untexted(b)
    letters = CHOICE.fullmatch(a), CHOICE.fullmatch(b)
    if letters[0] and letters[1]:
        return letters[0][1] == letters[1][1]
    for letter, text in ((letters[0], b), (letters[1], a)):
        if letter and (chosen := CHOSEN.fullmatch(text)):
            return letter[1] == (chosen[1] or chosen[2])
    if not any(words) or not WORDS.fullmatch(a) or not WORDS.fullmatch(b):
        return False
    return _words(a) == _words(b)


def _words(text: str) -> list[str]:
    """In lower case: `10:00 a.m.` as `10:00 AM`, `a, b` as `a b`, `an ellipse` as `ellipse`."""
    words = re.sub(r"[ ,'-]+", " ", re.sub(r"(?<=[A-Za-z])\.", "", text)).lower().split()
    article = len(words) > 1 and words[0] in ("a", "an", "the") and len(words[1]) > 2
    return words[1:] if article else words


def same_number(a: str, b: str) -> bool:
    """One plain number, or a decimal and the number that it is rounded from."""
    percents = PERCENT.fullmatch(a), PERCENT.fullmatch(b)
    if percents[0] and percents[1]:  # 25% may stand for 25, but is not 2500%
        return same_number(percents[0][1], percents[1][1])
    bases = based(a), based(b)
    if any(base is not None for base in bases):  # a base may be left out on one side
        bare = a == digits(a) or b == digits(b)
        return bases[0] == bases[1] or (bare and digits(a) == digits(b))
    numbers = values(a), values(b)
    if numbers[0] & numbers[1]:
        return True
    rounded = (rounds_to(a, exact, b) for exact in numbers[1])
    return any(rounded) or any(rounds_to(b, exact, a) for exact in numbers[0])


def same_quantity(a: str, b: str, depth: int) -> bool:
    """Equal numbers, of one unit or with a unit on one side only; or equal ones of several units."""
    a, b = named(a)[1], named(b)[1]
    if (several := units.compound(a)) and several == units.compound(b):
        return True
    found = units.quantity(a), units.quantity(b)
    if not any(found) or (found[0] and found[1] and found[0][1] != found[1][1]):
        return False
    return equal(found[0][0] if found[0] else a, found[1][0] if found[1] else b, depth)


def _value(text: str, other: str = "") -> str:
    r"""What an answer's chain ends in: 5 of `x = 5`, 1/3 of `1/3 \approx 0.33`, 20 of `5 \times 4 = 20`, but
    for an equation of constants beside another."""
    exact = split(named(text)[1], APPROXIMATELY)[0]
    first, *rest = split(exact, EQUALS)
    stated = NAMES.fullmatch(first) or (constant(first) and not EQUALS.search(other))
    return rest[-1] if rest and stated and constant(rest[-1]) else exact
