"""Are two expressions one function, two relations one relation? Both are evaluated at points.

Agreement at 12 points to 20 digits is no proof, but what differs differs almost everywhere. Where one side is
real and the other is not, they differ: ln(x^2) is not 2 ln x. `i` and `e` are read as the constants. Each
answer is True, False, or None: the points tell nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

POINTS, ENOUGH, DIGITS = 12, 4, 30
WHOLE = 4
"""More points, of whole numbers, where alone the floor of x and its ceiling meet."""

Value = Any
"""A complex number of mpmath's, 30 digits: sympy's own take 20 times as long to compare."""


def same(a: Any, b: Any) -> bool | None:
    """Two of what sympy has: expressions, relations, or matrices of expressions."""
    from sympy import Expr, MatrixBase

    relations = _relations(a), _relations(b)
    if all(relations):
        return _same_chain(*relations)
    if isinstance(a, MatrixBase) and isinstance(b, MatrixBase):
        return _all(same(x, y) for x, y in zip(a, b, strict=True)) if a.shape == b.shape else False
    if isinstance(a, Expr) and isinstance(b, Expr):
        return _same_expression(a, b)
    return None if a == b else False


def _all(found: Any) -> bool | None:
    """The least of the answers: one no is a no, and one unknown no yes."""
    answers = list(found)
    return False if False in answers else None if None in answers else True


def _same_expression(a: Any, b: Any) -> bool | None:
    if not variables(a) | variables(b):
        return _same_constant(a, b)
    from sympy import ceiling, floor

    compared = 0
    for point in range(POINTS + WHOLE * any(side.has(ceiling, floor) for side in (a, b))):
        agreed = agree(value_at(a, point), value_at(b, point))
        if agreed is False:
            return False
        compared += agreed is True
    return True if compared >= ENOUGH else None


def _same_constant(a: Any, b: Any) -> bool | None:
    """sympy takes more digits until enough of the difference are known: where it finds none, it is 0."""
    agreed = agree(value_at(a, 0), value_at(b, 0), constants=True)
    if not agreed:
        return agreed
    parts = _parts(a - b, 0, most=1000)
    return parts is not None and not any(part and part._prec > 1 for part in parts)


# --- Relations -------------------------------------------------------------------------------------------


def _relations(side: Any) -> list[tuple[str, Any, Any]]:
    """A chain of relations as (sign, left, right), each with `<`, `<=`, `=` or `!=`; []: it is none."""
    from sympy import And, Expr
    from sympy.core.relational import Relational

    parts = getattr(side, "_unsorted_args", side.args) if isinstance(side, And) else (side,)
    if not parts or not all(isinstance(part, Relational) for part in parts):
        return []
    if not all(isinstance(side, Expr) for part in parts for side in part.args):
        return []
    turned = {">": "<", ">=": "<="}
    return [
        (turned[part.rel_op], part.rhs, part.lhs)
        if part.rel_op in turned
        else (part.rel_op, part.lhs, part.rhs)
        for part in parts
    ]


def _same_chain(a: list[Any], b: list[Any]) -> bool | None:
    """Relation by relation, from the left or from the right."""
    if len(a) != len(b):
        return False
    ends = (b, b[::-1]) if len(b) > 1 else (b,)
    ways = [_all(_same_relation(x, y) for x, y in zip(a, way, strict=True)) for way in ends]
    return True if True in ways else None if None in ways else False


def _same_relation(a: tuple[str, Any, Any], b: tuple[str, Any, Any]) -> bool | None:
    """Is what lies between the sides of one a constant times that of the other? A positive one for `<`."""
    (sign, *left), (other, *right) = a, b
    if sign != other:
        return False
    if not any(variables(side) for side in (*left, *right)):  # what it says of constants: side by side
        return _all(map(_same_constant, left, right))
    ratios: list[Value] = []
    for point in range(POINTS):
        first, second = (_between(sides, point) for sides in (left, right))
        if first is None or second is None:
            continue
        if not first or not second:
            if first or second:
                return False
            continue
        ratios.append(first / second)
        if agree(ratios[0], ratios[-1], constants=True) is False:
            return False
    if len(ratios) < ENOUGH:
        return None
    return sign in ("==", "!=") or bool(ratios[0].real > 0)


def _between(sides: Sequence[Any], point: int) -> Value | None:
    """Left minus right at a point; 0 where only rounding is left."""
    left, right = (value_at(side, point) for side in sides)
    if left is None or right is None:
        return None
    if agree(left, right, constants=True):
        return numbers().zero
    return left - right


# --- Values ----------------------------------------------------------------------------------------------


def variables(side: Any) -> set[str]:
    return {symbol.name for symbol in side.free_symbols} - {"i", "e"}


def exact(side: Any) -> Any:
    """Decimals as the fractions that they are (a Float knows 15 digits), and `f(x)` as a letter."""
    from sympy import Float, Rational, Symbol
    from sympy.core.function import AppliedUndef

    side = side.xreplace({number: Rational(str(number)) for number in side.atoms(Float)})
    return side.xreplace({call: Symbol(str(call)) for call in side.atoms(AppliedUndef)})


@lru_cache(maxsize=1 << 16)
def value_at(side: Any, point: int) -> Value | None:
    """The expression where its symbols have the point's coordinates; None: not a finite number."""
    parts = _parts(side, point, most=100)
    return parts and numbers().mpc(*(part._to_mpmath(numbers().prec) for part in parts))


@cache
def numbers() -> Any:
    """mpmath with our digits, and some to compute with."""
    from mpmath import MPContext

    context = MPContext()
    context.dps = DIGITS + 4
    return context


def _parts(side: Any, point: int, most: int) -> tuple[Any, Any] | None:
    """Real and imaginary part, as sympy has them. `most`: digits to compute with where terms cancel."""
    from sympy import E, I, Rational

    side = side.xreplace({one: {"i": I, "e": E}.get(one.name, one) for one in side.free_symbols})
    at = {one: Rational(*_coordinate(point, one.name)) for one in side.free_symbols}
    # by evalf: substituted exactly, (x^a)^b is a root of fractions that takes minutes to simplify
    parts = side.evalf(DIGITS, subs=at, maxn=most).as_real_imag()
    return parts if all(part.is_Number and part.is_finite for part in parts) else None


def _coordinate(point: int, name: str) -> tuple[int, int]:
    """A name's place at a point, as a fraction of both signs: 0.2 to 3.2 in 1009ths, or a whole number.

    By a cryptographic hash: a checksum is linear in the text's bits, and ties two names' signs together.
    """
    digest = hashlib.blake2b(f"{point} {name}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    sign = -1 if number >> 60 & 1 else 1
    return (sign * (1 + number % 7), 1) if point >= POINTS else (sign * (211 + number % 2999), 1009)


def agree(a: Value | None, b: Value | None, constants: bool = False) -> bool | None:
    """Equal values? None: the point tells nothing, as two functions differ where neither is real."""
    if a is None or b is None:
        return None
    parts = a.real, a.imag, b.real, b.imag
    close = numbers().mpf("1e-20") * max(*map(abs, parts), numbers().mpf("1e-30"))
    same = bool(abs(a.real - b.real) <= close and abs(a.imag - b.imag) <= close)
    real = any(abs(value.imag) <= close for value in (a, b))
    return same if same or constants or real else None
