"""Which part of a solution is its answer: rules by name. A rule is a function and a line of EXTRACTIONS.

What stands in a thinking part is no answer, under any rule (semantics, "Grading").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

THINKING = (
    *("think", "thinking", "thought", "thoughts", "reasoning", "reason", "reflection", "scratchpad"),
    *("seed:think", "[THINK] [/THINK]", "◁think▷ ◁/think▷", "<|begin_of_thought|> <|end_of_thought|>"),
    "<|channel|>analysis<|message|> <|channel|>final<|message|>",
)
"""The usual tags of thinking parts: a name of `<name> </name>`, or how it opens and how it closes."""

BESIDES = " | "

BRACES = re.compile(r"\\+(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
BARE = re.compile(
    r"\\+(?:boxed|fbox)\s*(\\[A-Za-z]+(?:\{[^{}]*\})*|-?\d[\d,]*(?:\.\d+)?|[A-Za-z](?![A-Za-z]))"
)
FINAL = re.compile(r"final answer is\s*:?[\s*]*", re.IGNORECASE)
DISPLAYED = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)
WORD = re.compile(r"\\[A-Za-z]+(?:\{[^{}]*\})?|([A-Za-z]{3,})")
NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+"
NUMBER_IN_TEXT, AMOUNT = re.compile(NUMBER), re.compile(rf"\\?\$\s*({NUMBER})")


def boxed(text: str) -> str | None:
    r"""The last closed `\boxed{}` (or `\fbox{}`) that is not empty, else what follows the last "final answer
    is": math where it opens with some, else up to the end of the sentence (semantics, "Grading")."""
    boxes = find_boxes(text)
    full = [text[start : boxes[start]].strip() for start in sorted(boxes)]
    if boxes:
        return next((content for content in reversed(full) if content), None)
    if finals := list(FINAL.finditer(text)):
        return statement(text[finals[-1].end() :])
    return None


def last_number(text: str) -> str | None:
    """As `boxed`, else the last number of the text: for datasets whose solutions state no answer."""
    if find_boxes(text) or FINAL.search(text):
        return boxed(text)
    return next(iter(NUMBER_IN_TEXT.findall(text)[::-1]), None)


EXTRACTIONS: dict[str, Callable[[str], str | None]] = {"boxed": boxed, "last_number": last_number}


def extract(text: str, reading: str = "boxed") -> str | None:
    """The answer a solution states by the rule of that name, or None. reading: as `name_reading` has it."""
    rule, *thinking = reading.split(BESIDES)
    return EXTRACTIONS[rule](_spoken(text, (*thinking, *THINKING)))


def name_reading(rule: str, thinking: Sequence[str]) -> str:
    """A rule and the thinking tags that it knows besides the usual, in the one text that grades/ keeps."""
    return BESIDES.join([rule, *thinking])


def _spoken(text: str, thinking: Sequence[str]) -> str:
    """The text without its thinking parts. One that never closes hides all that follows; one that only
    closes was opened by the prompt."""
    for tag in thinking:
        opening, closing = tag.split() if " " in tag else (f"<{tag}>", f"</{tag}>")
        _, closed, rest = text.rpartition(closing)
        text = rest if closed else text
        if not closed or opening in text:
            text = text.partition(opening)[0]
    return text


def find_boxes(text: str) -> dict[int, int]:
    """Where a box begins -> where it ends. One that never closes was cut, and states nothing."""
    boxes: dict[int, int] = {found.start(1): found.end() for found in BARE.finditer(text)}
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
    """The math that the rest opens with, over as many lines as it takes, else its first sentence."""
    rest = rest.strip()
    if found := DISPLAYED.match(rest):
        inner = next(filter(None, found.groups())).strip()
        if not any(word[1] for word in WORD.finditer(inner)):
            return inner or None
    if found := AMOUNT.match(rest):  # a dollar that opens no math: an amount
        return found[1]
    sentence = re.split(r"\.(?:\s|$)", rest.split("\n", 1)[0].strip(), maxsplit=1)[0]
    cut = re.search(r"\\(?:boxed|fbox)", sentence)
    return None if cut else sentence.strip().strip("*").strip() or None
