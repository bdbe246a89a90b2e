"""Are two expressions one function? Both are evaluated at points: simplification misses what numbers show.

Agreement at 12 points to 20 digits is no proof, but what differs differs almost everywhere. Where one side is
real and the other is not, they differ: ln(x^2) is not 2 ln x. `i` and `e` are read as the constants. A few
points, kept for each text, also tell at once that two expressions differ: math-verify needs 10 ms for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

POINTS, ENOUGH, FIRST, MOST_SYMBOLS, DIGITS = 12, 4, 3, 6, 30
CLOSE = Fraction(1, 10**20)
APART = Fraction(1, 1000)
"""Relative: nearer ones may be a number and its rounded decimal."""

Value = tuple[Any, Any]
"""Real and imaginary part, 30 digits."""

Print = list[Value | None]
"""An expression's values at the first points; one value: a constant. Empty: nothing is known of it."""


def fingerprints(side: Any) -> list[Print]:
    """Of what math-verify reads in a text: an expression, or the parts of a list, interval or matrix."""
    from sympy import FiniteSet, Interval, MatrixBase, Tuple

    if isinstance(side, Interval):
        return [_print(end) for end in (side.start, side.end)]
    if isinstance(side, Tuple | FiniteSet):
        return [_print(part) for part in side.args]
    return [_print(part) for part in side] if isinstance(side, MatrixBase) else [_print(side)]


def _print(side: Any) -> Print:
    from sympy import Expr, Symbol, UnevaluatedExpr

    if not isinstance(side, Expr) or isinstance(side, Symbol) or side.has(UnevaluatedExpr):
        return []  # a symbol may be a word, and an unevaluated factor is a percent sign
    if any(len(name) > 1 and name.isalpha() for name in variables(side)):
        return []
    return [value_at(side, point) for point in range(FIRST if variables(side) else 1)]


def apart(a: list[Print], b: list[Print]) -> bool:
    """Surely different: a part of one is like no part of the other. Order and brackets are not looked at."""
    return any(all(_apart(x, y) for y in b) for x in a) or any(all(_apart(x, y) for x in a) for y in b)


def _apart(a: Print, b: Print) -> bool:
    if not a or not b:
        return False
    constants = len(a) == len(b) == 1
    size = max(len(a), len(b))
    pairs = zip(*(values * size if len(values) == 1 else values for values in (a, b)), strict=True)
    return any(agree(x, y, APART, constants) is False for x, y in pairs)


def identical(a: Any, b: Any) -> bool:
    """One function, as far as the points tell? Two sympy expressions; too few points are a no."""
    from sympy import Expr

    if not (isinstance(a, Expr) and isinstance(b, Expr)):
        return False
    a, b = exact(a), exact(b)
    names = variables(a) | variables(b)
    if not names:
        difference = value_at(a - b, 0)  # sympy takes more digits until enough of it are known
        return difference is not None and bool(max(map(abs, difference)) <= CLOSE)
    if len(names) > MOST_SYMBOLS:
        return False
    compared = 0
    for point in range(POINTS):
        same = agree(value_at(a, point), value_at(b, point), CLOSE)
        if same is False:
            return False
        compared += same is True
    return compared >= ENOUGH


def variables(side: Any) -> set[str]:
    return {symbol.name for symbol in side.free_symbols} - {"i", "e"}


def exact(side: Any) -> Any:
    """Decimals as the fractions that they are: a Float knows 15 digits only."""
    from sympy import Float, Rational

    return side.xreplace({number: Rational(str(number)) for number in side.atoms(Float)})


def value_at(side: Any, point: int) -> Value | None:
    """The expression where its symbols have the point's coordinates; None: not a finite number."""
    from sympy import E, I, Rational

    constants = {"i": I, "e": E}
    coordinates = {
        symbol: constants.get(symbol.name) or Rational(_coordinate(point, symbol.name), 1009)
        for symbol in side.free_symbols
    }
    parts = side.subs(coordinates).evalf(DIGITS).as_real_imag()
    return parts if all(part.is_Number and part.is_finite for part in parts) else None


def _coordinate(point: int, name: str) -> int:
    """A name's place at a point: of both signs, between 0.2 and 3.2 in 1009ths."""
    number = zlib.crc32(f"{point} {name}".encode())
    return (211 + number % 2999) * (-1 if number >> 16 & 1 else 1)


def agree(a: Value | None, b: Value | None, tolerance: Fraction, constants: bool = False) -> bool | None:
    """Equal values? None: the point tells nothing, as neither side is a real number there (of functions)."""
    if a is None or b is None:
        return None
    size = max(abs(part) for part in (*a, *b))
    if not constants and not any(_real(value, size) for value in (a, b)):
        return None
    return all(bool(abs(x - y) <= tolerance * size) for x, y in zip(a, b, strict=True))


def _real(value: Sequence[Any], size: Any) -> bool:
    return bool(abs(value[1]) <= CLOSE * size)
