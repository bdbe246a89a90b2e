r"""What stands before an answer, and phrases for one: `x = 5`, `A(2, 3)`, `x \in [1, 2]`, `no solution`."""

from __future__ import annotations

import functools
import re

from ttc.grading.worker.latex import split, squeezed

LETTER = r"(?:[A-Za-z]|\\(?:alpha|beta|gamma|theta|phi|lambda|mu|omega))"
NAME = rf"{LETTER}(?:_(?:\w|\{{\w+\}}))?'*(?:\^\{{-1\}}(?= ?\())?"
WORD = r"\\text ?\{[A-Za-z ]+\}|[A-Z]{2,4}|[A-Z]?[a-z]{3,}(?: [a-z]+)*|\\angle ?[A-Z]{1,3}"
ARGUMENTS = rf" ?\( ?(?:{NAME}|-?\d+)(?: ?, ?(?:{NAME}|-?\d+))* ?\)"
NAMES = re.compile(rf"(?:{WORD}|{NAME}(?:{ARGUMENTS})?|\( ?{NAME}(?: ?, ?{NAME})+ ?\))")
LETTERS = re.compile(r"(?!-|\|[xyt]\||\\sqrt ?\{?[a-z]\}?$)(?=.*[A-Za-z])(?:_\w|_\{\w+\}|[^\d=<>_])*")
"""What is asked for may be more than a name: `a + b = 5`, `\\frac{AB}{CD} = 2`; but `|x| = 5` has two x."""
GIVEN = re.compile(r" ?(?:(?<![<>!:=])=(?!=)|\\(?:in|approx|equiv)(?![A-Za-z])) ?")
_OR = r",? ?(?:\\text\{ ?or ?,?\}|\\(?:lor|vee)(?![A-Za-z])|\bor\b) ?"
_AND = r",? ?(?:\\text\{ ?and ?,?\}|\\(?:land|wedge)(?![A-Za-z])|\band\b) ?"
OR, AND, SEPARATOR = re.compile(_OR), re.compile(_AND), re.compile(rf"{_OR}|{_AND}|[,;]")
POINT = re.compile(r"([A-Z]'?) ?(\([^()]+,[^()]+\))")
FUNCTION = re.compile(r"[a-z]\(x\)")
TEXT = re.compile(r"\\text ?\{([^{}]*)\}")
REALS, EMPTY = r"\mathbb{R}", r"\emptyset"
PHRASES = {
    r"(?:all |the )?real(?: number)?s|all real(?: numbers)?": REALS,
    r"(?:the )?empty set|(?:there (?:is|are) )?no (?:real )?solutions?(?: exists?)?": EMPTY,
    r"(?:all |the )*integers|the set of integers": r"\mathbb{Z}",
    r"(?:positive )?infinity": r"\infty",
    r"negative infinity": r"-\infty",
    r"dne|(?:(?:the )?limit )?does not exist": "DNE",
}


def meant(text: str) -> str:
    """What a phrase stands for: `no solution` for the empty set."""
    words = untexted(text).strip(" .").lower()
    return next((sign for phrase, sign in PHRASES.items() if re.fullmatch(phrase, words)), text)


def untexted(text: str) -> str:
    r"""What stands in \text as if it stood bare."""
    return TEXT.sub(r"\1", text).strip()


@functools.lru_cache(maxsize=4096)
def named(text: str) -> tuple[str, str]:
    r"""A name and what it stands for: x and 5 of `x = 5`, x and [1, 2] of `x \in [1, 2]`; "" for no name."""
    first, *rest = split(text, GIVEN)
    if len(rest) != 1:
        if not rest and (point := POINT.fullmatch(first)):
            return point[1], point[2]
        chain = rest and NAMES.fullmatch(first) and len(split(text, SEPARATOR)) == 1
        return squeezed(first) if chain else "", text
    if NAMES.fullmatch(first) or (LETTERS.fullmatch(first) and constant(rest[0])):
        return squeezed(first), rest[0]
    return (squeezed(rest[0]), first) if re.fullmatch(NAME, rest[0]) and "\\in" not in text else ("", text)


def differ(a: str, b: str) -> bool:
    """Of two names, none may be missing: `x` and `y` differ, `y` and `f(x)` do not."""
    if not a or not b or a == b:
        return False
    return not (a == "y" and FUNCTION.fullmatch(b)) and not (b == "y" and FUNCTION.fullmatch(a))


def constant(text: str) -> bool:
    """Has it no letters but those of commands?"""
    return not re.search("[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", text))
