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

Kind = Literal["scalar", "list", "bracket", "set", "union", "matrix"]
Equal = Callable[[str, str], bool]

LONGEST = 64
"""Parts that are compared; matching unordered ones asks for up to the square of it."""

AND = r",? ?(?:\\text\{ ?(?:and|or) ?,?\}|\\(?:lor|vee|land|wedge)(?![A-Za-z])|\b(?:and|or)\b) ?"
SEPARATOR = re.compile(rf"{AND}|[,;]")
SEMICOLON = re.compile(";")
OR = re.compile(r" ?(?:\\text\{ ?or ?\}|\\(?:lor|vee)(?![A-Za-z])|\bor\b) ?")
CUP = re.compile(r"\\cup(?![A-Za-z])")
ENVIRONMENT = re.compile(
    r"(?:\(|\[|\\\{)?\\begin\{([pbB]?matrix|smallmatrix|array|cases)\}(?:\{[lcr| ]*\})?(.*)\\end\{\1\}\)?\]?",
    re.DOTALL,
)
LETTER = r"(?:[A-Za-z]|\\(?:alpha|beta|gamma|theta|phi|lambda|mu|omega))"
NAME = rf"{LETTER}(?:_(?:\w|\{{\w+\}}))?'*(?:\^\{{-1\}}(?= ?\())?"
WORD = r"\\text ?\{[A-Za-z ]+\}|[A-Z]{2,4}|[A-Z]?[a-z]{3,}(?: [a-z]+)*|\\angle ?[A-Z]{1,3}"
NAMES = re.compile(rf"(?:{WORD}|{NAME}(?: ?\( ?{NAME}(?: ?, ?{NAME})* ?\))?|\( ?{NAME}(?: ?, ?{NAME})+ ?\))")
LETTERS = re.compile(r"(?!-)(?=.*[A-Za-z])(?:_\w|_\{\w+\}|[^\d=<>_])*")
"""What is asked for may be more than a name: `a + b = 5`, `\\frac{AB}{CD} = 2`."""
GIVEN = re.compile(r" ?(?:(?<![<>!:=])=(?!=)|\\(?:in|approx|equiv)(?![A-Za-z])) ?")
COMPARISON = re.compile(r" ?(\\le(?![A-Za-z])|\\ge(?![A-Za-z])|\\ne(?![A-Za-z])|<|>) ?")
DISTANCE = re.compile(rf"\|({NAME})(?: ?([-+]) ?(\d[^|]*))?\|")
UNIT_VECTORS = re.compile(r"([-+]?)([^-+]*?) ?(?:\\(?:hat|vec) ?)?\{?([ijk])\}? ?(?=[-+]|$)")
BUILDER = re.compile(rf"({NAME})(?: ?\\in ?\\mathbb\{{R\}})? ?(?:\||:|\\mid(?![A-Za-z])) ?(.+)")
WITHOUT = re.compile(r"(?:\\mathbb ?\{R\}|R) ?(?:\\setminus|\\backslash|\\|-) ?\\?\{(.+?)\\?\}")
FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", r"\ne": r"\ne"}
TEXT = re.compile(r"\\text ?\{([^{}]*)\}")
REALS, EMPTY = r"\mathbb{R}", r"\emptyset"
PHRASES = {
    **dict.fromkeys(["all real numbers", "all reals", "all real", "real numbers", "the real numbers"], REALS),
    **dict.fromkeys(["no solution", "no solutions", "no real solution", "no real solutions"], EMPTY),
    **{"infinity": r"\infty", "positive infinity": r"\infty", "negative infinity": r"-\infty"},
    **dict.fromkeys(["dne", "does not exist", "limit does not exist", "the limit does not exist"], "DNE"),
    **dict.fromkeys(["empty set", "the empty set", "there are no solutions"], EMPTY),
}


@dataclass(frozen=True)
class Shape:
    """`brackets`: those of a bracket, angle ones as round ones. `name`: the variable of an inequality."""

    kind: Kind
    items: tuple[str, ...] = ()
    brackets: str = ""
    columns: int = 0
    name: str = ""


SCALAR = Shape("scalar")


@functools.lru_cache(maxsize=4096)
def shape(text: str) -> Shape:
    """How a cleaned text is made of parts."""
    text = ungrouped(named(meant(text))[1])
    if isinstance(normal_form(text), Fraction):  # the comma of 1,000 parts nothing
        return SCALAR
    if text == REALS:
        return Shape("bracket", (r"-\infty", r"\infty"), "()")
    if text in (EMPTY, r"\{\}", r"\{ \}"):
        return Shape("set")
    if found := ENVIRONMENT.fullmatch(text):
        rows = [row.split("&") for row in re.split(r"\\\\", found[2]) if row.strip()]
        if found[1] == "cases" or text.startswith(r"\{"):
            return Shape("list", tuple(f"({','.join(row)})" if row[1:] else row[0].strip() for row in rows))
        if len({len(row) for row in rows}) == 1:
            cells = tuple(cell.strip() for row in rows for cell in row)
            return Shape("matrix", cells, columns=len(rows[0]))
    if found := WITHOUT.fullmatch(text):
        return _without([point for point in split(found[1], SEPARATOR) if point])
    if not text.startswith(r"\{") and (ranges := inequality(text)):
        return ranges
    if len(parts := split(text, CUP)) > 1:
        return Shape("union", tuple(parts))
    for separator in (SEMICOLON, SEPARATOR):
        if len(parts := [part for part in split(text, separator) if part]) > 1:
            return Shape("list", tuple(sign for part in parts for sign in signs(part)))
    return _bracketed(text)


def _bracketed(text: str) -> Shape:
    if text.startswith(r"\{") and text.endswith(r"\}"):
        inner = text[2:-2].strip()
        if found := BUILDER.fullmatch(inner):
            return inequality(found[2]) or SCALAR
        return Shape("set", tuple(sign for part in split(inner, SEPARATOR) for sign in signs(part)))
    if text[:1] in "([⟨" and text[-1:] in ")]⟩" and len(text) > 2:
        parts = split(text[1:-1], re.compile("[,;]"))
        rows = [_bracketed(part) if part[:1] + part[-1:] == "[]" else SCALAR for part in parts]
        if text[0] == "[" and len({len(row.items) for row in rows}) == 1 and rows[0].items:  # typed as rows
            return Shape(
                "matrix", tuple(cell for row in rows for cell in row.items), columns=len(rows[0].items)
            )
        if len(parts) > 1 and all(parts):
            return Shape("bracket", tuple(parts), (text[0] + text[-1]).replace("⟨", "(").replace("⟩", ")"))
    if vector := _vector(text):
        return vector
    return Shape("list", both) if len(both := signs(text)) > 1 else SCALAR


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
    ends = [r"-\infty", *(point for _, point in sorted(zip(forms, points, strict=True))), r"\infty"]  # type: ignore[type-var]
    return Shape("union", tuple(f"({low},{high})" for low, high in itertools.pairwise(ends)))


def meant(text: str) -> str:
    """What a phrase stands for: `no solution` for the empty set."""
    return PHRASES.get(untexted(text).strip(" .").lower(), text)


def untexted(text: str) -> str:
    r"""What stands in \text as if it stood bare."""
    return TEXT.sub(r"\1", text).strip()


@functools.lru_cache(maxsize=4096)
def named(text: str) -> tuple[str, str]:
    r"""A name and what it stands for: x and 5 of `x = 5`, x and [1, 2] of `x \in [1, 2]`; "" for no name."""
    first, *rest = split(text, GIVEN)
    if len(rest) != 1:
        return squeezed(first) if rest and NAMES.fullmatch(first) else "", text
    if NAMES.fullmatch(first) or (LETTERS.fullmatch(first) and constant(rest[0])):
        return squeezed(first), rest[0]
    return (squeezed(rest[0]), first) if re.fullmatch(NAME, rest[0]) and "\\in" not in text else ("", text)


def constant(text: str) -> bool:
    """Has it no letters but those of commands?"""
    return not re.search("[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", text))


def signs(text: str) -> tuple[str, ...]:
    r"""`1 \pm \sqrt2` as its two values."""
    if not re.search(r"\\pm(?![A-Za-z])", text):
        return (text,)
    plus = re.sub(r"\\pm(?![A-Za-z]) ?", "+", re.sub(r"\\mp(?![A-Za-z]) ?", "-", text))
    minus = re.sub(r"\\pm(?![A-Za-z]) ?", "-", re.sub(r"\\mp(?![A-Za-z]) ?", "+", text))
    return plus.removeprefix("+"), minus


# --- Inequalities as sets --------------------------------------------------------------------------------


def inequality(text: str) -> Shape | None:
    r"""`-2 \le x < 3` as its interval, alternatives and `x \ne 2` as a union; None: nothing of the kind."""
    found = [_range(part) for part in split(text, OR)]
    if any(part is None for part in found):
        return None
    names = {part[0] for part in found if part}
    intervals = [interval for part in found if part for interval in part[1]]
    if len(names) != 1:
        return None
    if len(intervals) == 1:
        return Shape("bracket", intervals[0][1:], intervals[0][0], name=names.pop())
    texts = [f"{brackets[0]}{low},{high}{brackets[1]}" for brackets, low, high in intervals]
    return Shape("union", tuple(texts), name=names.pop())


def _range(text: str) -> tuple[str, list[tuple[str, str, str]]] | None:
    """The variable and its intervals (brackets, low, high)."""
    tokens = [token.strip() for token in COMPARISON.split(text)]
    if len(tokens) == 5 and tokens[1][-1] in "<e" and re.fullmatch(NAMES, tokens[2]):
        low, left, name, right, high = tokens
        ways = {left, right}
        if ways <= {"<", r"\le"}:
            return name, [("(["[left != "<"] + ")]"[right != "<"], low, high)]
        return None
    if len(tokens) == 5 and {tokens[1], tokens[3]} <= {">", r"\ge"} and re.fullmatch(NAMES, tokens[2]):
        high, left, name, right, low = tokens
        return name, [("(["[right != ">"] + ")]"[left != ">"], low, high)]
    if len(tokens) != 3:
        return None
    left, way, right = tokens
    if any(one.fullmatch(right) and not one.fullmatch(left) for one in (NAMES, DISTANCE)):
        left, way, right = right, FLIPPED[way], left
    if (found := DISTANCE.fullmatch(left)) and constant(right) and way != r"\ne":
        return found[1], _around(f"{'-' if found[2] == '+' else ''}{found[3] or 0}", way, right)
    if not NAMES.fullmatch(left) or NAMES.fullmatch(right):
        return None
    above, below = r"\infty", r"-\infty"
    intervals = {
        "<": [("()", below, right)],
        r"\le": [("(]", below, right)],
        ">": [("()", right, above)],
        r"\ge": [("[)", right, above)],
        r"\ne": [("()", below, right), ("()", right, above)],
    }
    return left, intervals[way]


def _around(middle: str, way: str, distance: str) -> list[tuple[str, str, str]]:
    """Where `|x - middle|` is less or more than a distance."""
    low, high = f"{middle}-({distance})", f"{middle}+({distance})"
    if inside := {"<": "()", r"\le": "[]"}.get(way):
        return [(inside, low, high)]
    below, above = ("()", "()") if way == ">" else ("(]", "[)")
    return [(below, r"-\infty", low), (above, high, r"\infty")]


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
