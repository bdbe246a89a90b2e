"""Which part of a solution is its answer: rules by name. A rule is a function and a line of EXTRACTIONS."""

from __future__ import annotations

import re
from collections.abc import Callable

BRACES = re.compile(r"\\+(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
FINAL = re.compile(r"final answer is\s*:?\s*", re.IGNORECASE)
NUMBER_IN_TEXT = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+")


def boxed(text: str) -> str | None:
    r"""The last closed `\boxed{}` (or `\fbox{}`), else what follows the last "final answer is": up to the
    end of the sentence, or between dollars where it opens with one (semantics, "Grading")."""
    if boxes := find_boxes(text):
        start = max(boxes)
        return text[start : boxes[start]].strip() or None
    if finals := list(FINAL.finditer(text)):
        return statement(text[finals[-1].end() :])
    return None


def last_number(text: str) -> str | None:
    """As `boxed`, else the last number of the text: for datasets whose solutions state no answer."""
    if find_boxes(text) or FINAL.search(text):
        return boxed(text)
    return next(iter(NUMBER_IN_TEXT.findall(text)[::-1]), None)


EXTRACTIONS: dict[str, Callable[[str], str | None]] = {"boxed": boxed, "last_number": last_number}


def extract(text: str, rule: str = "boxed") -> str | None:
    """The answer a solution states by the rule of that name, or None."""
    return EXTRACTIONS[rule](text)


def find_boxes(text: str) -> dict[int, int]:
    """Where a box begins -> where it ends. One that never closes was cut, and states nothing."""
    boxes: dict[int, int] = {}
    open_braces: list[int | None] = []  # the start of a box, None for any other brace
    for token in BRACES.finditer(text):
        if token[0] == "}":
            start = open_braces.pop() if open_braces else None
            if start is not None:
                boxes[start] = token.start()
        elif token[0][-1] == "{" and token[0] != "\\{":  # \{ and \} are characters, not braces
            open_braces.append(None if token[0] == "{" else token.end())
    return boxes


def statement(rest: str) -> str | None:
    """The first line's statement: between dollars where it opens with one, else up to the sentence's end."""
    line = rest.strip().split("\n", 1)[0].strip()
    if line.startswith("$") and (end := line.find("$", 1)) > 0:
        return line[1:end].strip() or None
    sentence = re.split(r"\.(?:\s|$)", line, maxsplit=1)[0]
    return sentence.strip().strip("*").strip() or None
