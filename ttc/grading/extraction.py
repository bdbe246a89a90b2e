"""Which part of a solution is its answer: rules by name. A rule is a function and a line of EXTRACTIONS.

What stands in a thinking part is no answer, under any rule (semantics, "Grading").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ttc.grading.statements import NUMBER, read_conclusion, read_statement

THINKING = (
    *("think", "thinking", "thought", "thoughts", "reasoning", "reason", "reflection", "scratchpad"),
    *("seed:think", "[THINK] [/THINK]", "◁think▷ ◁/think▷", "<|begin_of_thought|> <|end_of_thought|>"),
    "<|channel|>analysis<|message|> <|channel|>final<|message|>",
)
"""The usual tags of thinking parts: a name of `<name> </name>`, or how it opens and how it closes."""

BESIDES = " | "

BRACES = re.compile(r"\\{1,8}(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
BARE = re.compile(
    r"\\{1,8}(?:boxed|fbox)\s*(\\[A-Za-z]+(?:\{[^{}]*\})*|-?\d[\d,]*(?:\.\d+)?|[A-Za-z](?![A-Za-z]))"
)
GAP = re.compile(
    r"(?:[}\s$,;]|\\[()\[\],;]|\\q?quad|\\text\{\W*and\W*\}|and\b|\w+\s*=)*\\+(?:boxed|fbox)\s*\{?"
)
TURN = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text|return)\|>"
    r"|<\|(?:im_start|start_header_id)\|>user|<[|｜]end▁of▁sentence|</s>|<eos>|<end_of_turn>"
)
NEXT = re.compile(
    r"\n[#* \t]*(?:Problem|Question|Exercise|Q|User|Human|Instruction)\s*\d*\**[:.]", re.IGNORECASE
)
NUMBER_IN_TEXT = re.compile(NUMBER)


def boxed(text: str) -> str | None:
    """The answer in a box, else the one that the text announces (semantics, "Grading")."""
    return read_answer(solution(text))


def concluded(text: str) -> str | None:
    """As `boxed`, else the one value of a last sentence that concludes: `So there are 12 apples.`"""
    text = solution(text)
    return read_answer(text) or read_conclusion(text)


def last_number(text: str) -> str | None:
    """As `boxed`, else the last number of the text: for datasets whose solutions state no answer."""
    return boxed(text) or next(iter(NUMBER_IN_TEXT.findall(text)[::-1]), None)


EXTRACTIONS: dict[str, Callable[[str], str | None]] = {
    "boxed": boxed,
    "concluded": concluded,
    "last_number": last_number,
}


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


def last_box(text: str) -> str | None:
    """The last full box alone: as the golds of published data sets were taken from their solutions."""
    return next((text[start:end].strip() for start, end in reversed(full_boxes(text))), None)


def full_boxes(text: str) -> list[tuple[int, int]]:
    """Where each box that is not empty begins and ends."""
    return [(start, end) for start, end in sorted(find_boxes(text).items()) if text[start:end].strip()]


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


def solution(text: str) -> str:
    """The text up to where its turn ends or, an answer given, another question is made up."""
    text = TURN.split(text, maxsplit=1)[0]
    start = 0
    for found in NEXT.finditer(text):
        if read_answer(text[start : found.start()]):
            return text[: found.start()]
        start = found.start()
    return text


def read_answer(text: str) -> str | None:
    r"""The last closed `\boxed{}` (or `\fbox{}`) that is not empty, with those before it that only a comma or
    an "and" parts from it; else what the answer is last said to be."""
    boxes = full_boxes(text)
    if not boxes:
        return read_statement(text)
    first = len(boxes) - 1
    while first and _goes_on(text[boxes[first - 1][1] : boxes[first][0]]):
        first -= 1
    return ", ".join(dict.fromkeys(text[start:end].strip() for start, end in boxes[first:]))


def _goes_on(between: str) -> bool:
    return bool(GAP.fullmatch(between) and re.search(r"[,;]|and\b", between))
