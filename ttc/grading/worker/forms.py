"""Plain numbers by value: most pairs are decided here, exactly, in the process that asks."""

from __future__ import annotations

import functools
import re
from fractions import Fraction

from ttc.grading.worker.latex import clean, squeezed

Form = Fraction | str
"""A plain number by value, or text in one spelling."""

PLAIN_LENGTH = 60  # a Fraction of a million digits would be no fast path
TEXT_LENGTH = 1000
"""Longer ones, up to graders.LONGEST, are cleaned in the worker alone."""
LARGEST_EXPONENT = 60

NOISE = re.compile(r"(?<![\d,])\s|\s(?!\d)")  # a space between digits may mean something, and so in `32, 349`
GROUPED = r"[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?: \d{3})+"
THOUSANDS = re.compile(rf"[-+]?(?:{GROUPED})(?:\.\d+)?", re.ASCII)
DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
REPEATING = re.compile(r"([-+]?)(\d*)\.(\d*)(?:\\(?:overline|bar|dot)\{?(\d+)\}?|\((\d+)\))", re.ASCII)
ENDLESS = re.compile(r"([-+]?)(\d*)\.(\d*?)(?:(\d)\4\4+|(\d{2,})\5+)\\ldots", re.ASCII)
FRACTION = r"\\frac\{([-+]?\d+)\}\{([-+]?\d+)\}"
MIXED = re.compile(rf"([-+]?)({GROUPED}|\d+)(?: (\d+)/(\d+)| ?{FRACTION})", re.ASCII)
RATIO = re.compile(rf"([-+]?)(?:(\d+)/(\d+)|(\d+)/\(([-+]?\d+)\)|{FRACTION})", re.ASCII)
SCIENTIFIC = re.compile(
    r"([-+]?(?:\d+\.?\d*|\.\d+)) ?(?:[eE]([-+]?\d+)|(?:\\times|\\cdot|\*) ?10\^\{([-+]?\d+)\})", re.ASCII
)


def normal_form(answer: str) -> Form:
    """A plain integer, decimal, fraction, mixed or scientific number as a Fraction; other text cleaned."""
    text = answer.strip()
    return _form(text) if len(text) <= TEXT_LENGTH else text


@functools.lru_cache(maxsize=1 << 16)
def _form(text: str) -> Form:
    text = clean(text) or text
    plain = NOISE.sub("", text)
    value = _value(plain) if len(plain) <= PLAIN_LENGTH else None
    return squeezed(text) if value is None else value


def _value(plain: str) -> Fraction | None:
    if THOUSANDS.fullmatch(plain):
        plain = ungroup(plain)
    if DECIMAL.fullmatch(plain):
        return Fraction(plain)
    if found := REPEATING.fullmatch(plain):
        return repeating(found[1], found[2], found[3], found[4] or found[5])
    if found := ENDLESS.fullmatch(plain):  # 1.666..., 0.1212...
        return repeating(found[1], found[2], found[3], found[4] or found[5])
    if found := SCIENTIFIC.fullmatch(plain):
        exponent = int(next(part for part in found.groups()[1:] if part is not None))
        return Fraction(found[1]) * Fraction(10) ** exponent if abs(exponent) <= LARGEST_EXPONENT else None
    if found := MIXED.fullmatch(plain):
        above, below = (int(part) for part in found.groups()[2:] if part is not None)
        whole = int(ungroup(found[2]))
        if below > 0 <= above:
            return (whole + Fraction(above, below)) * (-1 if found[1] == "-" else 1)
    if found := RATIO.fullmatch(plain):
        above, below = (int(part) for part in found.groups()[1:] if part is not None)
        if below:
            return Fraction(-above if found[1] == "-" else above, below)
    return None


def ungroup(number: str) -> str:
    return number.replace(",", "").replace(" ", "")


def repeating(sign: str, whole: str, fixed: str, period: str) -> Fraction:
    r"""0.1\overline{6}: what repeats, over as many nines."""
    start = Fraction(int(whole + fixed or "0"), 10 ** len(fixed))
    tail = Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(fixed))
    return (start + tail) * (-1 if sign == "-" else 1)


def decide(a: Form, b: Form) -> bool | None:
    """Equality of two normal forms where it is sure, else None.

    Different numbers are unequal for sure if both are integers or they lie apart; a fraction beside its
    rounded decimal is the grader's to judge.
    """
    if a == b:
        return True
    if isinstance(a, str) or isinstance(b, str):
        return None
    if a.denominator == b.denominator == 1:
        return False
    return False if abs(a - b) > max(abs(a), abs(b)) / 1000 else None
