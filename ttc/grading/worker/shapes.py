r"""Answers made of parts: lists, tuples, intervals, sets, unions, matrices, and inequalities read as sets.

`shape` takes a cleaned text apart by its brackets; `equal_shapes` compares two of them part by part, by an
equality that it is handed. A text that is one expression is a scalar and none of its business.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from ttc.grading.worker.forms import normal_form
from ttc.grading.worker.latex import split, squeezed, ungrouped
from ttc.grading.worker.names import AND, EMPTY, NAME, OR, REALS, SEPARATOR, constant, meant, named
from ttc.grading.worker.ranges import ABOVE, BELOW, ranges

Kind = Literal["scalar", "list", "bracket", "set", "union", "matrix"]
Equal = Callable[[str, str], bool]

LONGEST = 64
"""Parts that are compared; matching unordered ones asks for up to the square of it."""

SEMICOLON, COLON = re.compile(";"), re.compile(":")
CUP = re.compile(r"\\cup(?![A-Za-z])")
ENVIRONMENT = re.compile(
    r"(?:\(|\[|\\\{)? ?\\begin\{([pbB]?matrix|smallmatrix|array|cases)\}(?:\{[lcr| ]*\})?(.*)"
    r"\\end\{\1\} ?\)?\]?",
    re.DOTALL,
)
UNIT_VECTORS = re.compile(r"([-+]?)([^-+]*?) ?(?:\\(?:hat|vec) ?)?\{?([ijk])\}? ?(?=[-+]|$)")
BUILDER = re.compile(r"(.+?) ?(?:\||:|\\mid(?![A-Za-z])) ?(.+)")
MEMBER = re.compile(rf"{NAME}(?: ?\\in ?\\mathbb\{{R\}})?")
ASSIGNED = re.compile(rf"\(({NAME}(?: ?, ?{NAME})+)\) ?= ?\((.+)\)")
DOMAIN = re.compile(rf"^{NAME} ?\\in ?(?:\\mathbb ?\{{R\}}|R) ?[,:;|] ?")
CONDITION = re.compile(r"^\\text ?\{ ?(?:if|for|when|where) ?,?\}|^(?:if|for|when|where)\b|[ ,.;]+$")
"""Of a cell of `cases`: nothing that it means."""
WITHOUT = re.compile(
    r"(?:\\mathbb ?\{R\}|R) ?(?:\\setminus|\\backslash|\\|-) ?\\?\{(.+?)\\?\}"
    rf"|(?:all )?real(?: number)?s? (?:except|other than|but)(?: for)? (.+)|{NAME} ?\\ne ?(.+,.+|\\pm.+)"
)


@dataclass(frozen=True)
class Shape:
    """`brackets`: those of a bracket, angle ones as round ones; the word that joins a list. `name`: the
    variable of an inequality."""

    kind: Kind
    items: tuple[str, ...] = ()
    brackets: str = ""
    columns: int = 0
    name: str = ""


SCALAR = Shape("scalar")


@functools.lru_cache(maxsize=4096)
def shape(text: str) -> Shape:
    """How a cleaned text is made of parts."""
    whole = DOMAIN.sub("", meant(text))
    if assigned := ASSIGNED.fullmatch(whole):
        sides = [split(side, SEPARATOR) for side in assigned.groups()]
        if len(sides[0]) == len(sides[1]):
            return Shape("list", tuple(f"{name}={value}" for name, value in zip(*sides, strict=True)))
    text = ungrouped(named(whole)[1])
    if isinstance(normal_form(text), Fraction):  # the comma of 1,000 parts nothing
        return SCALAR
    if text == REALS:
        return Shape("bracket", (BELOW, ABOVE), "()")
    if text in (EMPTY, r"\{\}", r"\{ \}"):
        return Shape("set")
    if found := ENVIRONMENT.fullmatch(text):
        rows = [row.split("&") for row in re.split(r"\\\\", found[2]) if row.strip()]
        if found[1] == "cases" or text.startswith(r"\{"):
            cases = [[CONDITION.sub("", cell.strip(" ,")).strip() for cell in row] for row in rows]
            return Shape("list", tuple(f"({','.join(row)})" if row[1:] else row[0] for row in cases))
        if len({len(row) for row in rows}) == 1:
            cells = tuple(cell.strip() for row in rows for cell in row)
            return Shape("matrix", cells, columns=len(rows[0]))
    if found := WITHOUT.fullmatch(text):
        points = split(next(filter(None, found.groups())), SEPARATOR)
        return _without([sign for point in points if point for sign in signs(point)])
    if not text.startswith(r"\{") and (intervals := _ranges(whole) or _built(text)):
        return intervals
    if len(parts := split(text, COLON)) > 2:
        return Shape("bracket", tuple(parts), "::")
    if len(parts := split(text, CUP)) > 1:
        return Shape("union", tuple(parts))
    joined = "or" if len(split(text, OR)) > 1 else "and" if len(split(text, AND)) > 1 else ""
    for separator in (SEMICOLON, SEPARATOR):
        if len(parts := [part for part in split(text, separator) if part]) > 1:
            return Shape("list", tuple(sign for part in parts for sign in signs(part)), joined)
    return _bracketed(text)


def _bracketed(text: str) -> Shape:
    if text.startswith(r"\{") and text.endswith(r"\}"):
        inner = text[2:-2].strip()
        if built := _built(inner):
            return built
        if found := BUILDER.fullmatch(inner):
            return Shape("bracket", (found[1], found[2]), "{}")
        return Shape("set", tuple(sign for part in split(inner, SEPARATOR) for sign in signs(part)))
    if text[:1] in "([⟨" and text[-1:] in ")]⟩" and len(text) > 2:
        parts = split(text[1:-1], re.compile("[,;]"))
        rows = [_bracketed(part) if part[:1] + part[-1:] == "[]" else SCALAR for part in parts]
        if text[0] == "[" and ";" in text and " " in parts[0]:  # as MATLAB has it
            rows = [Shape("bracket", tuple(part.split())) for part in parts]
        if text[0] == "[" and len({len(row.items) for row in rows}) == 1 and rows[0].items:  # typed as rows
            return Shape(
                "matrix", tuple(cell for row in rows for cell in row.items), columns=len(rows[0].items)
            )
        if len(parts) > 1 and all(parts):
            return Shape("bracket", tuple(parts), (text[0] + text[-1]).replace("⟨", "(").replace("⟩", ")"))
    if vector := _vector(text):
        return vector
    return Shape("list", both) if len(both := signs(text)) > 1 else SCALAR


def _built(text: str) -> Shape | None:
    r"""`x \mid x > 3` as an interval."""
    found = BUILDER.fullmatch(text)
    return _ranges(found[2]) if found and MEMBER.fullmatch(found[1]) else None


def _ranges(text: str) -> Shape | None:
    """An inequality as an interval or a union of some."""
    found = ranges(text)
    if found is None:
        return None
    name, [first, *more] = found
    if not more:
        return Shape("bracket", first[1:], first[0], name=name)
    texts = [
        rf"\{{{low}\}}" if brackets == "{}" else f"{brackets[0]}{low},{high}{brackets[1]}"
        for brackets, low, high in (first, *more)
    ]
    return Shape("union", tuple(texts), name=name)


def _vector(text: str) -> Shape | None:
    """`5i - 2j` as (5, -2)."""
    terms = list(UNIT_VECTORS.finditer(text))
    letters = [term[3] for term in terms]
    if "".join(term[0] for term in terms) != text or "j" not in letters or len(letters) != len(set(letters)):
        return None
    parts = {term[3]: f"{term[1].strip('+')}{term[2].strip() or 1}" for term in terms}
    return Shape("bracket", tuple(parts.get(letter, "0") for letter in "ijk"[: 2 + ("k" in parts)]), "()")


def _without(points: list[str]) -> Shape:
    """The real numbers without some points, as the union of what is left."""
    forms = [normal_form(point) for point in points]
    if len(points) > 1 and not all(isinstance(form, Fraction) for form in forms):
        return SCALAR
    ends = [BELOW, *(point for _, point in sorted(zip(forms, points, strict=True))), ABOVE]  # type: ignore[type-var]
    return Shape("union", tuple(f"({low},{high})" for low, high in itertools.pairwise(ends)))


def signs(text: str) -> tuple[str, ...]:
    r"""`1 \pm \sqrt2` as its two values."""
    if not re.search(r"\\pm(?![A-Za-z])", text):
        return (text,)
    plus = re.sub(r"\\pm(?![A-Za-z]) ?", "+", re.sub(r"\\mp(?![A-Za-z]) ?", "-", text))
    minus = re.sub(r"\\pm(?![A-Za-z]) ?", "-", re.sub(r"\\mp(?![A-Za-z]) ?", "+", text))
    return plus.removeprefix("+"), minus


# --- Comparison ------------------------------------------------------------------------------------------


def equal_shapes(a: Shape, b: Shape, equal: Equal) -> bool:
    """Equal part by part? Two scalars are none of this function's business."""
    if max(len(a.items), len(b.items)) > LONGEST or (a.name and b.name and a.name != b.name):
        return False
    kinds = {a.kind, b.kind}
    if "scalar" in kinds:
        return False
    if kinds == {"matrix"}:
        return a.columns == b.columns and _in_order(a.items, b.items, equal)
    if "matrix" in kinds:  # a vector may be written as a row of numbers
        matrix, other = (a, b) if a.kind == "matrix" else (b, a)
        vector = matrix.columns in (1, len(matrix.items))
        return (
            vector
            and other.kind == "bracket"
            and other.brackets in ("()", "[]")
            and _in_order(a.items, b.items, equal)
        )
    if kinds == {"bracket", "list"}:
        tuples = [one.brackets for one in (a, b) if one.kind == "bracket"]
        return tuples == ["()"] and _in_order(a.items, b.items, equal)
    if kinds == {"bracket"}:
        return a.brackets == b.brackets and _in_order(a.items, b.items, equal)
    if kinds <= {"list", "set"} or kinds == {"union"}:
        if {a.brackets, b.brackets} == {"and", "or"} and len({named(one)[0] or one for one in a.items}) > 1:
            return all(map(constant, a.items)) and _in_any_order(a.items, b.items, equal)
        return _in_any_order(a.items, b.items, equal)
    return False


def _in_order(a: Sequence[str], b: Sequence[str], equal: Equal) -> bool:
    return len(a) == len(b) and all(map(equal, a, b))


def _in_any_order(a: Sequence[str], b: Sequence[str], equal: Equal) -> bool:
    if len(a) != len(b):
        return False
    left = list(b)
    for item in a:
        exact = [other for other in left if squeezed(other) == squeezed(item)]
        found = exact or [other for other in left if equal(item, other)][:1]
        if not found:
            return False
        left.remove(found[0])
    return True
