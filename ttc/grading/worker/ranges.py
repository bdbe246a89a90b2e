"""Inequalities of one variable as the intervals that they describe."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ttc.grading.worker.latex import split
from ttc.grading.worker.names import AND, NAME, NAMES, OR, constant

Range = tuple[str, str, str]
"""Brackets and ends: ("(]", "-2", "3"); of a single value ("{}", "5", "")."""

COMPARISON = re.compile(r" ?(\\le(?![A-Za-z])|\\ge(?![A-Za-z])|\\ne(?![A-Za-z])|<|>) ?")
DISTANCE = re.compile(rf"\|({NAME})(?: ?([-+]) ?(\d[^|]*))?\|")
VALUE = re.compile(rf"({NAME}) ?= ?([^<>=\\]+)")
FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", r"\ne": r"\ne"}
BELOW, ABOVE = r"-\infty", r"\infty"


def ranges(text: str) -> tuple[str, list[Range]] | None:
    r"""The variable and its intervals: one of `-2 \le x < 3`, two of `x \ne 2`, all of alternatives; None: it
    says nothing of the kind."""
    found = [_all_of(part) for part in split(text, OR)]
    known = [part for part in found if part]
    names = {name for name, _ in known}
    points = all(brackets == "{}" for _, intervals in known for brackets, _, _ in intervals)
    if len(known) != len(found) or len(names) != 1 or points:
        return None
    return names.pop(), [interval for _, intervals in known for interval in intervals]


def _all_of(text: str) -> tuple[str, list[Range]] | None:
    """`x > -1 and x < 3` as one interval."""
    first, *rest = [_range(part) for part in split(text, AND)]
    if not rest or first is None:
        return first
    other = rest[0]
    if len(rest) > 1 or other is None or first[0] != other[0] or len(first[1]) + len(other[1]) != 2:
        return None
    (lower,), (upper,) = sorted((first[1], other[1]), key=lambda found: found[0][1] == BELOW)
    if lower[2] != ABOVE or upper[1] != BELOW:
        return None
    return first[0], [(lower[0][0] + upper[0][1], lower[1], upper[2])]


def _range(text: str) -> tuple[str, list[Range]] | None:
    tokens = [token.strip() for token in COMPARISON.split(text)]
    if len(tokens) == 5:
        return _between(tokens)
    if found := VALUE.fullmatch(text):
        return found[1], [("{}", found[2], "")]
    if len(tokens) != 3:
        return None
    left, way, right = tokens
    if any(one.fullmatch(right) and not one.fullmatch(left) for one in (NAMES, DISTANCE)):
        left, way, right = right, FLIPPED[way], left
    if (found := DISTANCE.fullmatch(left)) and constant(right) and way != r"\ne":
        return found[1], _around(_middle(found), way, right)
    if not NAMES.fullmatch(left) or NAMES.fullmatch(right):
        return None
    intervals = {
        "<": [("()", BELOW, right)],
        r"\le": [("(]", BELOW, right)],
        ">": [("()", right, ABOVE)],
        r"\ge": [("[)", right, ABOVE)],
        r"\ne": [("()", BELOW, right), ("()", right, ABOVE)],
    }
    return left, intervals[way]


def _between(tokens: Sequence[str]) -> tuple[str, list[Range]] | None:
    """`-2 < x <= 3` as one interval, `1 < |x| <= 3` as two."""
    if {tokens[1], tokens[3]} <= {">", r"\ge"}:
        tokens = [FLIPPED.get(token, token) for token in reversed(tokens)]
    low, left, name, right, high = tokens
    if not {left, right} <= {"<", r"\le"}:
        return None
    opening, closing = "(["[left != "<"], ")]"[right != "<"]
    if NAMES.fullmatch(name):
        return name, [(opening + closing, low, high)]
    if (found := DISTANCE.fullmatch(name)) and constant(low) and constant(high):
        middle, mirrored = _middle(found), "(["[right != "<"] + ")]"[left != "<"]
        below = (mirrored, f"{middle}-({high})", f"{middle}-({low})")
        return found[1], [below, (opening + closing, f"{middle}+({low})", f"{middle}+({high})")]
    return None


def _middle(found: re.Match[str]) -> str:
    """Where the distance of DISTANCE is measured from."""
    return f"{'-' if found[2] == '+' else ''}{found[3] or 0}"


def _around(middle: str, way: str, distance: str) -> list[Range]:
    """Where `|x - middle|` is less or more than a distance."""
    low, high = f"{middle}-({distance})", f"{middle}+({distance})"
    if inside := {"<": "()", r"\le": "[]"}.get(way):
        return [(inside, low, high)]
    below, above = ("()", "()") if way == ">" else ("(]", "[)")
    return [(below, BELOW, low), (above, high, ABOVE)]
