"""Are two texts one expression? math-verify is asked both ways; points decide where it cannot."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ttc.grading.worker.forms import DECIMAL, decide, normal_form
from ttc.grading.worker.identity import Print, apart, fingerprints, identical
from ttc.grading.worker.latex import clean, undelimited
from ttc.grading.worker.values import rounding

INSIDE = re.compile(r"\$|\\\(|\\\[|\\(?:boxed|fbox)")
TRIGONOMETRY = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])")


@dataclass(frozen=True)
class Parsed:
    """What math-verify reads in a text; known by the text that it makes of it."""

    text: str
    sides: list[Any] = field(compare=False)  # the expression, and the text again
    prints: list[Print] = field(compare=False)


@dataclass(frozen=True)
class Asked:
    """math-verify's verdict. `one_way`: its directions differ. `apart`: points show a difference."""

    equal: bool
    one_way: bool = False
    apart: bool = False


def ask(gold: str, answer: str) -> Asked | None:
    """Are these one expression? Two texts as `source` gives them; None: one of them cannot be read."""
    first, second = parsed(gold), parsed(answer)
    if first is None or second is None:
        return None
    if apart(first.prints, second.prints):
        return Asked(False, apart=True)
    return _verify(first, second)


@functools.lru_cache(maxsize=4096)
def source(text: str) -> str:
    """What math-verify gets: the cleaned text as math, or prose as it is, with the math that it holds."""
    if INSIDE.search(undelimited(text)):
        return text
    return f"${radians(clean(text).replace('⟨', '(').replace('⟩', ')'))}$"


@functools.lru_cache(maxsize=4096)
def parsed(text: str) -> Parsed | None:
    from math_verify import parse

    sides = _number(text) or parse(text, parsing_timeout=None)
    return Parsed(str(sides[-1]), sides, fingerprints(sides[0])) if sides else None


def _number(text: str) -> list[Any] | None:
    """A plain number as math-verify would read it: its grammar takes 10 ms."""
    from sympy import Float, Rational

    form, plain = normal_form(text), text.strip("$ ")
    if isinstance(form, str):
        return None
    decimal = "." in plain and DECIMAL.fullmatch(plain)
    return [Float(plain, 15) if decimal else Rational(form.numerator, form.denominator), plain]


@functools.lru_cache(maxsize=256)
def _verify(first: Parsed, second: Parsed) -> Asked:
    """Both directions, and which counts where they differ.

    Where one side is stricter, only the direction that takes it as the gold answer counts. An equation is
    stricter than a value: `x = 1` is 1 because x is a name, while the other direction takes the right side of
    any equation and finds that `2x + z = 1` is 1. An ordered pair is stricter than a list without an order.
    Elsewhere either yes counts: a direction may miss a conversion, it makes none up.
    """
    from math_verify import verify

    forward, backward = (
        bool(verify(*pair, timeout_seconds=None))
        for pair in ((first.sides, second.sides), (second.sides, first.sides))
    )
    strict = [_strictness(side.sides[0]) for side in (first, second)]
    if strict[0] == strict[1]:
        return Asked(forward or backward, forward != backward)
    return Asked(forward if strict[0] > strict[1] else backward, forward != backward)


def _strictness(side: Any) -> int:
    """2: relates variables; 1: has an order; 0: else. A chain of constants states its last one, a value."""
    from math_verify.grader import is_relation
    from sympy import Interval, Tuple

    if is_relation(side):
        return 2 if side.free_symbols else 0
    return int(isinstance(side, Tuple | Interval))


def same_expression(a: str, b: str) -> bool:
    """Two cleaned texts: math-verify's word, then a decimal that is a rounded constant, then many points."""
    sure = decide(normal_form(a), normal_form(b))
    if sure is not None:
        return sure
    texts = source(a), source(b)
    asked = ask(*texts)
    if asked is None or asked.equal or asked.apart:
        return asked is not None and asked.equal
    x, y = (known.sides[0] if (known := parsed(text)) else None for text in texts)
    return _rounded(a, y) or _rounded(b, x) or identical(x, y)


def radians(text: str) -> str:
    r"""`\sin 30^\circ`: an angle in degrees is a number where a function takes it."""
    return text.replace(r"^\circ", r"\cdot\frac{\pi}{180}") if TRIGONOMETRY.search(text) else text


def _rounded(decimal: str, exact: Any) -> bool:
    """Is the decimal a constant rounded to the places written?"""
    from sympy import Expr, Float

    known = rounding(decimal)
    if known is None or not isinstance(exact, Expr) or exact.free_symbols or exact.has(Float):
        return False
    value = exact.evalf(30)
    return bool(value.is_Float) and bool(abs(Fraction(str(value)) - known[0]) <= known[1])
