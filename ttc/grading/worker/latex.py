r"""Notation that says nothing: the text of an answer without its delimiters, spacing, fonts and spellings.

`clean` keeps the meaning, so equal cleaned texts are equal answers. Text only: nothing is parsed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from ttc.grading.worker.plain import PROSE, ascii_mathematics, find_closing, typed

UNICODE = str.maketrans(
    {
        **dict.fromkeys("−–—﹣－", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\u2060", ""),
        **{"×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/", "⁄": "/", "∕": "/", "∞": r"\infty "},
        **{"≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx "},
        **{"∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ", "±": r"\pm ", "∓": r"\mp "},
        **{"√": r"\sqrt ", "∛": r"\sqrt[3] ", "∜": r"\sqrt[4] ", "…": r"\ldots ", "°": r"^\circ "},
        **{"△": r"\triangle ", "∠": r"\angle ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "¢": " cents"},
        **{"⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "∖": r"\setminus "},
        **{"′": "'", "≡": r"\equiv "},
    }
)

RENAMED = {
    **{"leqslant": r"\le ", "leqq": r"\le ", "leq": r"\le ", "lt": "<", "gt": ">"},
    **{"geqslant": r"\ge ", "geqq": r"\ge ", "geq": r"\ge ", "neq": r"\ne ", "lg": r"\log_{10} "},
    **dict.fromkeys(["dots", "dotsb", "dotsc", "dotsi", "dotsm", "dotso", "ldots", "cdots"], r"\ldots "),
    **{"varnothing": r"\emptyset ", "O": r"\emptyset ", "imath": "i", "jmath": "j", "cr": r"\\"},
    **{f"var{letter}": rf"\{letter}" for letter in ("phi", "epsilon", "theta", "rho", "sigma", "kappa")},
    **{"langle": "⟨", "rangle": "⟩", "lbrace": r"\{", "rbrace": r"\}", "degree": r"^\circ "},
    **dict.fromkeys(["lvert", "rvert", "vert"], "|"),
}
"""Commands that are another's, or a mark's, other name."""

CHOICE = r"\(?[A-J]\)?"
SPELLINGS: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"(\bR|\\mathbb ?\{R\})\s*\\\s*(?=\\?\{)", r"\1\\setminus "),
    (
        r"\\(?:(?:display|text|script)style|[lL]arge|LARGE|[hH]uge|small|normalsize|underline|mathstrut"
        r"|(?:text)?color\s*\{\w+\})(?![A-Za-z])",
        "",
    ),
    (r"(?<!\\)\\!\s*", ""),  # pulls its neighbours together, as in 11,\! 111
    (r"\\(?:left|right|bigl?|bigr?|Bigl?|Bigr?|middle|limits)(?![A-Za-z])\.?", ""),
    (r"\\(?:quad|qquad|thinspace|enspace)(?![A-Za-z])|(?<!\\)(?:\\[,;: ]|~)", " "),
    (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
    (r"\\[dt]binom(?![A-Za-z])", r"\\binom"),
    (r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm)\s*\]", r"\\\\"),  # the height of a row
    (r"(\\mathrm\s*\{[^{}]*)\}\s*/\s*\\mathrm\s*\{", r"\1/"),
    (r"(?<!\d)\\mathrm\s*\{([A-Za-z])\}", r"\1"),  # 5\mathrm{m} are metres
    (r"\\(?:mathrm|text|textrm|textup)\s*\{\s*([eik])\s*\}", r"\1"),
    (r"\\(?:mathbf|mathit|mathsf|mathnormal|boldsymbol|bm|textit)\s*\{([A-Za-z])\}", r"\1"),
    (r"\\(?:mathbf|boldsymbol|bm) ([A-Za-z])(?![A-Za-z])|\\(?:bf|rm|it|sf)(?![A-Za-z])\s*", r"\1"),
    (
        r"\\(?:mathrm|mathbf|mathit|mathsf|mathnormal|textbf|textit|textrm|textsf|textnormal|textup|mbox|hbox)"
        r"(?![A-Za-z])\s*(?=\{)",
        r"\\text",
    ),
    (r"\\text\s+\{", r"\\text{"),
    (r"(\\text\{[^{}]*)\}\s*/\s*\\text\{", r"\1/"),
    (r"\\text\{\s*(\\?%)\s*\}", r"\1"),
    (r"\\text\{\s*(-?[\d.,/]+\s*(?:\\?%)?)\s*\}", r"\1"),
    (r"^\\text\{\s*(-?[\d.,/]+)\s*(?![AaPp]\.?\s?[Mm])([A-Za-z][^{}\d]*)\}$", r"\1\\text{ \2}"),
    (r"(\d?)\\text\{\s*([0-9A-F]+)\s*\}(?=\s*_)", r"\1\2"),  # 2\text{D}_{16}
    (r"^\\text\{[^{}]*(?:\b(?:is|are)|:)\s*\}(?=.)", ""),
    (r"\\text\{\s*\((?:approx|about)[^{}]*\}$", ""),
    (rf"^\\text\{{\s*({CHOICE}(?:(?:\s*,)?(?:\s*and\b)?\s*{CHOICE})+)\s*\}}$", r"\1"),
    (r"^\\approx(?![A-Za-z])\s*", ""),
    (r"\\bigcup(?![A-Za-z])", r"\\cup "),
    (r"^(-?[\d.,/]+)(?:\s+\(|\s*\\text\{\s*\()([a-z ]{3,})\)\}?$", r"\1\\text{ \2}"),  # 7 (days)
    (r"\\operatorname\*?\s*\{([a-z]+)\}", r"\\\1 "),
    (r"\\([A-Za-z]+)", lambda found: RENAMED.get(found[1], found[0])),
    (r"<=", r"\\le "),
    (r">=", r"\\ge "),
    (r"!=", r"\\ne "),
    (r"\\log_\{?e\}?(?![A-Za-z])", r"\\ln "),
    (r"^\{\s*\}$", r"\\emptyset "),
    (r"^([0-9A-F]+)\s*(?:\\text\{\s*)?\(?(?:\s*in)?\s*base[\s-]*\}?\s*(\w+)\s*\)?\}?$", r"\1_{\2}"),
    (r"\(?\s*(?:\\[pb]?mod(?![A-Za-z])|\bmod\b)\s*\{?(\w+)\}?\s*\)?$", r" \\pmod{\1}"),
    (r"^<([^<>]*,[^<>]*)>$", r"⟨\1⟩"),
    (r"^(\d+)\s*(?:to|\\text\{\s*to\s*\}|\\colon)\s*(\d+)$", r"\1:\2"),
    (r"\.\.\.", r"\\ldots "),
    (r"(^|\\cup\s*)\](?=[^][()]*[,;])", r"\1("),  # ]2, 3[
    (r"(?<=[\[(])([^][()]*[,;][^][()]*)\[(?=$|\s*\\cup)", r"\1)"),
    (r"\\(max|min|gcd)\s*\\\{([^{}]*)\\\}", r"\\\1(\2)"),
    (r"^(?:\w+\.)?(?:Matrix|array)\((\[.*\])\)$", r"\1"),
    (r"^([A-Za-z]) in (?=[\[(])", r"\1\\in "),
    (r"\b(sq|cu|ft|in|hrs?|mins?|secs?|lbs?|oz|yds?|mi)\.", r"\1"),
    (r"\+\s*(?=\\infty)", ""),
    (r"(?<=\d)\{,\}(?=\d)", ","),
    (r"\^\s*\{\s*\\circ\s*\}", r"^\\circ "),
    (r"\\%", "%"),
    (r"(?:\bUS)?\\?\$", ""),
    (r"(?<=\d)\s?([AaPp])\.\s?[Mm](?![A-Za-z])\.?", r" \1m"),
    (r"^\^\{?(\d+)\}?\s*/\s*_\{?(\d+)\}?$", r"\\frac{\1}{\2}"),
    (r"_\{(\w)\}(?!\d)", r"_\1"),
]
RULES = [(re.compile(pattern), replacement) for pattern, replacement in SPELLINGS]
TERM = r"([^{}()\s]+|\([^{}()]*\))"
CHOOSE = re.compile(rf"\{{?\s*{TERM}\s*\\choose(?![A-Za-z])\s*{TERM}\s*\}}?")
PAIRS = [("$$", "$$"), ("$", "$"), ("`", "`"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("*", "*")]
PAIRS += [("<answer>", "</answer>"), ("“", "”"), ('"', '"')]
BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
INTRODUCED = re.compile(  # words, and then the mathematics
    r"^(?!.*\b(?:not|less|more|most|least|than|minus|negative|plus|over|about)\b)(?:[A-Za-z][A-Za-z' ]*)?"
    r"(?i:\b(?:answer|solution|result|is|are|be|equals|gets?|has|have|gives?)\b|[:,])\s*"
    r"(\$\$[^$]+\$\$|\$[^$]+\$|\\\((?:(?!\\\)).)+\\\)|\\\[(?:(?!\\\]).)+\\\]"
    r"|\\boxed\{(?:[^{}]|\{[^{}]*\})+\})\s*\.?$",
    re.DOTALL,
)
SAID = re.compile(
    r"^(?:#+\s*|(?:the\s+)?(?:(?:final|correct)\s+)?answer\s*(?:is|:|=)\s*:?\s*"
    r"|(?:option|choice)\s+(?=\(?[A-J]\b))(?=\S)",
    re.IGNORECASE,
)
BARE_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=[^\s{A-Za-z]|\s[A-Za-z])")
BLANKS = re.compile(r"[^\S\r\n]+")
LINES = re.compile(r"\s*[\r\n]\s*")  # 11 5/6 on two lines is no mixed number
DOUBLED = re.compile(r"\\\\(?=[A-Za-z{}%$!,;:])")


@functools.lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """The answer without what surrounds it, in one spelling: LaTeX's."""
    text = undelimited(
        ascii_mathematics(INTRODUCED.sub(r"\1", SAID.sub("", text.strip())).translate(UNICODE))
    )
    if "begin" not in text:  # there a doubled backslash ends a row, elsewhere it was escaped twice
        text = DOUBLED.sub(r"\\", text)
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    if r"\choose" in text:
        text = CHOOSE.sub(r"\\binom{\1}{\2}", text)
    text = re.sub(r"(?<=[A-Za-z0-9)\]}])\s*(?:[.;]|\\+)$", "", text.strip())
    text = ungrouped(LINES.sub("\n", BLANKS.sub(" ", text)).strip())
    return text if PROSE.fullmatch(text) else typed(text).strip()


def undelimited(text: str) -> str:
    """The text without math delimiters, a box or stars that hold all of it."""
    while True:
        text = before = text.strip()
        for opening, closing in PAIRS:
            inner = text[len(opening) : -len(closing)]
            if text.startswith(opening) and text.endswith(closing) and inner and opening not in inner:
                text = inner
                break
        if (box := BOX.match(text)) and find_closing(text, box.end() - 1, "{}") == len(text) - 1:
            text = text[box.end() : -1]
        text = BARE_BOX.sub("", text, count=1) if BARE_BOX.match(text) else text
        if text == before:
            return text


def ungrouped(text: str) -> str:
    """The text without braces that hold all of it: LaTeX shows nothing of them."""
    while text.startswith("{") and find_closing(text, 0, "{}") == len(text) - 1:
        text = text[1:-1].strip()
    return text


def squeezed(text: str) -> str:
    r"""Without the spaces that part nothing: `4 4/9` and `\pi r` keep theirs."""
    return re.sub(r"(?<!\w)\s|\s(?!\w)", "", text)


OPENING, CLOSING = "([{⟨", ")]}⟩"


def split(text: str, separators: re.Pattern[str]) -> list[str]:
    """The parts between separators that stand in no bracket. Half-open intervals may mix ( and ]."""
    parts, depth, start, index = [], 0, 0, 0
    while index < len(text):
        if text[index] in OPENING:
            depth += 1
        elif text[index] in CLOSING:
            depth -= 1
        elif not depth and (found := separators.match(text, index)) and found.end() > index:
            parts.append(text[start:index].strip())
            start = index = found.end()
            continue
        index += 1
    return [*parts, text[start:].strip()]
