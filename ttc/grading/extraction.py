"""Which part of a solution is its answer: three rules by name."""

from __future__ import annotations

import re
from typing import Literal

ExtractRule = Literal["boxed", "last_number", "sal"]

BRACES = re.compile(r"\\+(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
FINAL = re.compile(r"final answer is\s*:?\s*", re.IGNORECASE)
NUMBER_IN_TEXT = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+")

BOX = re.compile(r"\\(?:boxed|fbox)\s*")
SAL_NUMBER = re.compile(r"-?\d*\.?\d+")
SAL_UNITS = re.compile(r"(?<!\w)[acdghlmost](?!\w)")


def extract(text: str, rule: ExtractRule = "boxed") -> str | None:
    r"""The answer a solution states, or None.

    boxed        the last closed `\boxed{}` (or `\fbox{}`), else what follows the last "final answer is": up
                 to the end of the sentence, or between dollars where it opens with one (spec 9).
    last_number  the same, else the last number of the text: for datasets whose solutions state no answer.
    sal          as search-and-learn reads (spec 8): the last box, also one that never closes (its text then
                 goes on to the end) or has no brace (to the next dollar), else what follows the last "final
                 answer is", else the last number of the text with all commas removed. Of that, the letters
                 a c d g h l m o s t are removed wherever they stand alone, as units: `a+1` becomes `+1`,
                 and so does `t+1`. A blank remainder is no answer.
    """
    if rule == "sal":
        return _sal(text)
    if boxes := _boxes(text):
        start = max(boxes)
        return text[start : boxes[start]].strip() or None
    if finals := list(FINAL.finditer(text)):
        return _statement(text[finals[-1].end() :])
    if rule == "last_number" and (numbers := NUMBER_IN_TEXT.findall(text)):
        return numbers[-1]
    return None


def _boxes(text: str) -> dict[int, int]:
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


def _statement(rest: str) -> str | None:
    """The first line's statement: between dollars where it opens with one, else up to the sentence's end."""
    line = rest.strip().split("\n", 1)[0].strip()
    if line.startswith("$") and (end := line.find("$", 1)) > 0:
        return line[1:end].strip() or None
    sentence = re.split(r"\.(?:\s|$)", line, maxsplit=1)[0]
    return sentence.strip().strip("*").strip() or None


def _sal(text: str) -> str | None:
    answer: str | None
    if boxes := list(BOX.finditer(text)):
        rest = text[boxes[-1].end() :]
        closed = _boxes("\\boxed" + rest) if rest.startswith("{") else {}
        start = len("\\boxed{")
        answer = (
            rest[1 : closed.get(start, len(rest) + start) - start + 1]
            if rest[:1] == "{"
            else rest.split("$")[0]
        )
    elif finals := list(FINAL.finditer(text)):
        answer = _statement(text[finals[-1].end() :])
    else:
        answer = next(iter(SAL_NUMBER.findall(text.replace(",", ""))[::-1]), None)
    return SAL_UNITS.sub("", answer).strip() or None if answer else None
