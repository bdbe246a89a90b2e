"""Other ways to write a plain number: percent, decimal comma, words, a base, a rounded decimal."""

from __future__ import annotations

import functools
import re
from fractions import Fraction

from ttc.grading.worker.forms import DECIMAL, normal_form

SIGNIFICANT = 4
"""Digits that a rounded decimal must have to stand for the exact number: 0.3333 is 1/3, 0.33 is not."""

PERCENT = re.compile(
    r"(.*\d[})]*) ?(?:%|\\text\{ ?(?:percent|pct)(?:age)? ?\}|(?:percent(?:age)?|pct))", re.I
)
COMMA = re.compile(r"([-+]?\d+),(\d\d+)", re.ASCII)
BASED = re.compile(r"([-+]?)\(?([0-9A-Za-z]+)\)?_(?:\{(?:\\text\{)?(\w+)\}*|(\d))", re.ASCII)
ORDINAL = re.compile(r"(\d+) ?\^?\{?(?:\\text\{ ?)?(?:st|nd|rd|th)\}*", re.ASCII)
MONEY = re.compile(r"(\d+)(?: dollars?)?,?(?: and)? (\d\d?) cents?", re.ASCII)
SIGNS, CODES = "€£¥₹", "USD|EUR|GBP"
"""Of currencies; a dollar sign may also open mathematics."""
CURRENCY = re.compile(rf"^([-+]?)(?:[{SIGNS}]|(?:{CODES}) ?)|(?:[{SIGNS}]| ?(?:{CODES}))$")
ONES = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: value for value, word in enumerate(ONES)}
WORDS |= {word: 10 * value for value, word in enumerate(TENS, 2)}
SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6}
SCALES |= {"billion": 10**9, "trillion": 10**12}
PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7}
PARTS |= {"eighth": 8, "ninth": 9, "tenth": 10, "hundredth": 100, "thousandth": 1000}


@functools.lru_cache(maxsize=4096)
def values(text: str) -> frozenset[Fraction]:
    """The plain numbers that a cleaned text can be read as; more than one where writers differ."""
    form = normal_form(CURRENCY.sub(r"\1", text).strip())
    found = {form} if isinstance(form, Fraction) else set()
    if percent := PERCENT.fullmatch(text):
        share = values(percent[1])
        found |= {value / 100 for value in share}
        if DECIMAL.fullmatch(percent[1]):  # it may also stand for itself: 28% for 28, 62.5% for 62.5
            found |= {value for value in share if value.denominator == 1 or abs(value) > 1}
    # 1000,99 and 0,111 are no thousands: there a comma parts a decimal, or else a list, as 1,3 is.
    if (comma := COMMA.fullmatch(text)) and not found:
        found.add(Fraction(f"{comma[1]}.{comma[2]}"))
    if ordinal := ORDINAL.fullmatch(text):
        found.add(Fraction(ordinal[1]))
    if money := MONEY.fullmatch(text):
        found.add(int(money[1]) + Fraction(int(money[2]), 100))
    word = number_word(text)
    return frozenset(found if word is None else found | {word})


def number_word(text: str) -> Fraction | None:
    """`twenty-one`, `\\text{five}`, `2.5 million`, `two thirds`, `a dozen`."""
    words = re.split(r"[- ]+", re.sub(r"^\\text\{(.*)\}$", r"\1", text).strip().lower())
    below = PARTS.get(words[-1].removesuffix("s"), 1) if len(words) > 1 else 1
    total, group = Fraction(0), Fraction(0)
    for place, word in enumerate(words[:-1] if below > 1 else words):
        one = Fraction(1) if word in ("a", "an") and not place else None
        value = Fraction(word) if DECIMAL.fullmatch(word) and not place else WORDS.get(word, one)
        room = 100 if not group % 100 else 10 if not group % 10 and group % 100 > 10 else 0
        if value is not None and (not group or value < room):
            group += value
        elif word in ("hundred", "dozen") and group:
            group *= SCALES[word]
        elif word in SCALES and group:
            total, group = total + group * SCALES[word], Fraction(0)
        elif word != "and" or not place:
            return None
    known = below > 1 or any(word in WORDS or word in SCALES for word in words)
    return (total + group) / below if known else None


# --- Rounded decimals ------------------------------------------------------------------------------------


def rounding(text: str) -> tuple[Fraction, Fraction] | None:
    """A decimal's value and half a unit of its last place, where it has enough digits to be a rounded one."""
    found = re.fullmatch(
        r"([-+]?\d*\.\d+)(?: ?(?:\\times|\\cdot|\*) ?10\^\{?([-+]?\d{1,2})\}?)?", text, re.ASCII
    )
    if not found or len(re.sub(r"[^\d]", "", found[1]).lstrip("0")) < SIGNIFICANT:
        return None
    scale = Fraction(10) ** int(found[2] or 0)
    places = len(found[1]) - found[1].index(".") - 1
    return Fraction(found[1]) * scale, scale / (2 * 10**places)


def rounds_to(text: str, exact: Fraction, exact_text: str) -> bool:
    """Is `text` the exact number, rounded to the places written? Two decimals are two numbers."""
    decimal = rounding(text)
    if decimal is None or DECIMAL.fullmatch(exact_text) or rounding(exact_text):
        return False
    return abs(decimal[0] - exact) <= decimal[1]


# --- Bases -----------------------------------------------------------------------------------------------


def digits(text: str) -> str:
    """Without the base that it states."""
    return f"{found[1]}{found[2]}" if (found := BASED.fullmatch(text)) else text


def based(text: str) -> Fraction | None:
    """204_5 by value; None if no base is stated or a digit is none of that base."""
    found = BASED.fullmatch(text)
    if not found:
        return None
    base = found[3] or found[4]
    radix = int(base) if base.isdigit() and base.isascii() else int(number_word(base) or 0)
    try:
        value = int(found[2], radix) if 2 <= radix <= 36 else None
    except ValueError:
        return None
    return None if value is None else Fraction(-value if found[1] == "-" else value)
