"""Are two texts one expression? math-verify's grammar reads them whole; points compare what it reads."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ttc.grading.worker.forms import decide, normal_form
from ttc.grading.worker.identity import exact, same
from ttc.grading.worker.values import rounding

TRIGONOMETRY = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])")
MISREAD = re.compile(
    r"(?<![_\d])\d+\s+\d|(?<![A-Za-z_])\d+\s*_|\d'|-0\d|\\(?:not|ldots|nabla|angle)(?![A-Za-z])"
    r"|\b(?:and|or)\b|\\(?:gcd|lcm).*[a-z]|\\vec.*\\(?:times|cdot)(?![A-Za-z])"
)
"""The grammar drops a base, adds up numbers side by side, takes an ellipsis for a letter, knows no vectors,
angles, dates and words, and finds that letters have no common factor."""


def _prime(marks: re.Match[str]) -> str:
    return f"_{{prime{marks[0].count(chr(39)) + marks[0].count('prime')}}}"


DROPPED: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"(?<=[A-Za-z}])\s*(?:'+|\^\{?(?:\\prime\s*)+\}?)", _prime),
    (r"(?<=[A-Z])\^\{?T\}?", "_{transposed}"),
    (r"\^\{?T\}?", "^{T_{1}}"),
    (r"(?<![A-Za-z\\])([eEI])_(?:\{(\w+)\}|(\w))", r"Q_{\1\2\3}"),
    (r"(?<![A-Za-z\\])([fgh])\^\{-1\}(?= ?\()", r"Q_{\1}"),
]
"""It also drops primes, transpositions, the indices of letters that it takes for constants, and takes the
inverse of a function for its reciprocal: here they become names."""
SLASH = re.compile(r"(\d+|\([^()]*\)) ?/ ?(\d+|\([^()]*\))(?= ?[A-Za-z\\(])")


def same_expression(a: str, b: str) -> bool:
    """Two cleaned texts: equal under a reading of each, or a decimal beside what it is rounded from."""
    sure = decide(normal_form(a), normal_form(b))
    if sure is not None:
        return sure
    first, second = readings(a), readings(b)
    if any(_same(x, y) for x in first for y in second):
        return True
    return any(_rounded(a, y) for y in second) or any(_rounded(b, x) for x in first)


def _same(a: Any, b: Any) -> bool:
    known = same(a, b)
    return _library_says(a, b) if known is None else known


def _library_says(a: Any, b: Any) -> bool:
    """math-verify's own word on expressions, where points tell nothing: sums without end, operators."""
    from math_verify import verify
    from sympy import Expr

    if a == b or not (isinstance(a, Expr) and isinstance(b, Expr)):
        return bool(a == b)
    return any(bool(verify(*pair, timeout_seconds=None)) for pair in ((a, b), (b, a)))


@functools.lru_cache(maxsize=4096)
def readings(text: str) -> tuple[Any, ...]:
    """What a cleaned text may say, as sympy has it: none, one, or two where `1/2 x` leaves it open."""
    ways = dict.fromkeys([text, SLASH.sub(r"\\frac{\1}{\2}", text)])
    return tuple(side for way in ways if (side := _parse(way)) is not None)


def _parse(text: str) -> Any:
    """The whole text, or None."""
    from sympy import Basic, Derivative, Integral, Limit, MatMul, MatrixBase, Product, Sum, Symbol, nan, zoo

    from ttc.grading.worker.grammar import parse

    for pattern, name in DROPPED:
        text = re.sub(pattern, name, text)
    if MISREAD.search(text):
        return None
    if TRIGONOMETRY.search(text):  # an angle in degrees is a number where a function takes it
        text = text.replace(r"^\circ", r"\cdot\frac{\pi}{180}")
    form = normal_form(text)
    if isinstance(form, Fraction):
        from sympy import Rational

        return Rational(form.numerator, form.denominator)
    try:
        side = parse(text)
        if not isinstance(side, Basic | MatrixBase) or side.has(nan, zoo):
            return None
        side = side.replace(_unknown, lambda one: Symbol(str(one)))
        return exact(side.doit() if side.has(Derivative, Integral, Limit, MatMul, Product, Sum) else side)
    except Exception:  # the grammar raises anything on what it cannot read
        return None


def _unknown(side: Any) -> bool:
    """The derivative of a letter, which is no 0, or a limit of a function that nobody knows."""
    from sympy import Derivative, Limit
    from sympy.core.function import AppliedUndef

    return (isinstance(side, Derivative) and side.expr.is_Symbol) or (
        isinstance(side, Limit) and side.has(AppliedUndef)
    )


def _rounded(decimal: str, side: Any) -> bool:
    """Is the decimal a constant rounded to the places written?"""
    from sympy import Expr

    known = rounding(decimal)
    if known is None or not isinstance(side, Expr) or side.free_symbols or side.is_Rational:
        return False
    value = side.evalf(30)
    return bool(value.is_Float) and bool(abs(Fraction(str(value)) - known[0]) <= known[1])
