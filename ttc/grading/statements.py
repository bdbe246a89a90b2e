"""What a solution says in words that its answer is, where it boxes none (semantics, "Grading")."""

from __future__ import annotations

import re

TRIED, NEAR = 50, 2_200
"""How many announcements are looked at, and how many characters behind each: a model may loop."""

NUMBER = r"[-−]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
MATH = r"((?>\\[A-Za-z]+(?:\{[^{}]*\})?|\\.|(?![A-Za-z][a-z]{2})[^$\\]){1,2000}?)"
"""What stands between the marks of math. `ABC` may, `abc` is a word, unless LaTeX has it."""

SHOWN = (
    rf"(?:\$\${MATH}\$\$|\${MATH}\$|\\\[{MATH}\\\]|\\\({MATH}\\\)"
    rf"|\\begin\{{(?:align|equation|gather)\*?\}}{MATH}\\end\{{\w+\*?\}})"
)
DISPLAYED = re.compile(SHOWN, re.DOTALL)
LISTED = re.compile(rf"{SHOWN}(?:\s*(?:,|,?\s*(?:and|or)\b)\s*{SHOWN})+\s*(?=[.\n]|$)", re.DOTALL)
AMOUNT = re.compile(rf"\\?\$\s*({NUMBER})(?!\d|\s*(?:k|m|[mb]illion|thousand|hundred|dozen)\b)")
PLAIN = rf"(?<![\w^])\\?\$?{NUMBER}(?:\s*/\s*\d+|\s\d+/\d+)?%?"
VALUE = re.compile(rf"{LISTED.pattern}|{SHOWN}|{PLAIN}", re.DOTALL)
ALL = re.compile(rf"[\s*]*((?:{SHOWN}|{PLAIN})[\s*.]*)", re.DOTALL)
CHAIN = re.compile(r"[^,]+=[^,=]+=\s*((?:\\[A-Za-z]+|[^A-Za-z,=])+)", re.DOTALL)
RELATION = re.compile(r"[=<>]|\\(?:[lg]eq?|in)\b")
CHOICE = re.compile(r"\(?([A-J])(?:\)|[.:]|,(?!\s*\(?[A-J]\b)|\s+\(|\s*$)")

STATED = re.compile(
    r"(?:(?<![A-Za-z])ans(?:wers?)?(?![A-Za-z])(?:\s+(?:to|for)\s[^.:\n]{1,60}?|\s*\([^()\n]{1,40}\))?"
    r"|\b(?:correct|right)\s+(?:option|choice)\b|\bantwort|réponse(?:\s+finale)?|respuesta(?:\s+final)?|ответ"
    r"|答案|答え)[*_\s]*(?:(?:is|are|of|equals|remains|(?:should|must|would|will|(?:turns|comes)\s+out\s+to)\s+be"
    r"|lautet|ist|est|es)\b|'s\b|[:：=]|是|为|は)"
    r"|^[#*_ \t]*(?:final\s+)?answer[#*_ \t]*$|^[ \t]*####[ \t]*(?=\S*\d\S*[ \t]*$)|<answer>",
    re.IGNORECASE | re.MULTILINE,
)
"""Where an answer is announced: what follows is it."""

SUPPOSED = re.compile(r"\b(?:if|whether|suppose|what|once|until)\b[^,.;:\n]*$", re.IGNORECASE)
FINAL = re.compile(r"final\s+$", re.IGNORECASE)
OPENS = re.compile(
    r"(?:[\s*_`>#:：=→]|- "
    r"|\b(?:approximately|about|roughly|exactly|therefore|thus|then|indeed|option|choice)\b,?)+",
    re.IGNORECASE,
)
REASON = re.compile(
    r"(?:;|[,;]?\s*\(?\b(?:because|since|of|that|which|not|as|so|is (?:the|our|my))\b|\(or\b|</answer>"
    r"|です).*",
    re.DOTALL,
)
UNSURE = re.compile(
    r"\b(?:not|cannot|if|unless|let|suppose|assume|than|least|most|between|either|divisible|multiple|twice|half)\b"
    r"|n't\b|\b(?:no|wait),",
    re.IGNORECASE,
)
MARKED = re.compile(r"(?<![\w)])(?:\*\*|__|`)|(?:\*\*|__|`)(?![\w(])")
PROSE = re.compile(r"(?:an?|the|in|to|of|found|given|unique|correct|incorrect|wrong)\b")
CONCLUSION = (
    r"[\s*_>]*(?:so(?!\s+far)|thus|therefore|hence|consequently|altogether|the (?:result|solution|total))\b,?"
)
CONCLUDES = re.compile(CONCLUSION, re.IGNORECASE)
LINKED = re.compile(
    rf"(?:^{CONCLUSION}|:|\b(?:is|are|was|be|equals|has|have|gives?|gets?|makes?|earns?|costs?|pays?|takes?"
    r"|(?:in|de)creas\w+ by))(?:\s+(?:approximately|about|exactly|only|just|equal to|a total of))*\s*"
    r"(?:\b[A-Za-z]\s*[=≈]\s*)?$",
    re.IGNORECASE,
)
"""What stands right before the value of a sentence."""

ALONE = re.compile(r"\W*(?:$|is (?:the|our|my)\b)")

SENTENCE = re.compile(r"[.!?](?=[\s*_]|$)|[。！]|(?<!:)\n\s*\n|(?<=\s)(?=(?:Therefore|Thus|Hence|So)\b)")
WHOLE = re.compile(r"(?:[.!。]|\$|\\\]|\\\))[\s*_]*$")


def read_statement(text: str) -> str | None:
    """What follows the last "answer is", "Answer:", "#### " and their like that an answer follows."""
    for found in reversed(list(STATED.finditer(text))[-TRIED:]):
        before = text[max(0, found.start() - 100) : found.start()]
        rest = "" if SUPPOSED.search(before) else text[found.end() : found.end() + NEAR]
        said = _value(rest, bool(FINAL.search(before)))
        if said and re.search(r"\w", said) and said.count("{") == said.count("}") and "boxed" not in said:
            return said
    return None


def read_conclusion(text: str) -> str | None:
    """The one value of the text's last sentence, where that is whole and concludes ("So there are 12."), or
    where the text is nothing else."""
    text = text.strip().removesuffix("I hope it is correct.").strip()  # as Minerva's prompt has it
    if alone := ALL.fullmatch(text):
        return _shown(alone[1]) or _tidy(alone[1])
    last = next((part for part in reversed(SENTENCE.split(text)) if re.search(r"\w", part)), "")
    return _one_value(MARKED.sub("", last)) if CONCLUDES.match(last) and WHOLE.search(text) else None


def _value(rest: str, final: bool) -> str | None:
    """The math that the rest opens with, over as many lines as it takes, else what its first sentence says:
    a choice, its one value, a few words. final: or all of it."""
    rest = OPENS.sub("", rest, count=1) if OPENS.match(rest) else rest
    if shown := _shown(rest):
        return shown
    sentence = MARKED.sub("", SENTENCE.split(rest.partition("\n")[0])[0])
    if choice := CHOICE.match(sentence):
        return choice[1]
    said = _tidy(sentence)
    if VALUE.match(said) or re.fullmatch(MATH, said):
        return None if UNSURE.search(said) else said
    few = final or (len(said.split()) <= 3 and not PROSE.match(said))
    return _one_value(sentence) or (said if few and not UNSURE.search(said) else None)


def _one_value(sentence: str) -> str | None:
    """From the only value of a sentence on, where it is what something is said to be."""
    values = [found for found in VALUE.finditer(sentence) if re.search(r"\d", found[0])]
    if len(values) != 1 or UNSURE.search(sentence):
        return None
    start, end = values[0].span()
    linked = LINKED.search(sentence[:start])
    if not linked or (CONCLUDES.fullmatch(sentence[:start].rstrip()) and not ALONE.match(sentence[end:])):
        return None
    return _shown(sentence[start:]) or _tidy(sentence[start:])


def _shown(text: str) -> str | None:
    """The math that a text opens with, all formulas of a list, or an amount: a dollar that opens no math.
    A chain of equations says its last number."""
    if found := LISTED.match(text) or DISPLAYED.match(text):
        formulas = [next(filter(None, each.groups())).strip(" ,.\n") for each in DISPLAYED.finditer(found[0])]
        if re.search(r"\bor\b", DISPLAYED.sub("", found[0])) and not all(map(RELATION.search, formulas)):
            return formulas[0]  # the same in other words
        shown = ", ".join(formulas)
        chain = CHAIN.fullmatch(shown)
        return chain[1] if chain else shown
    amount = AMOUNT.match(text)
    return amount[1] if amount else None


def _tidy(sentence: str) -> str:
    return REASON.sub("", sentence).strip(' \t\r*_`"').rstrip(" .,:;-–—!")
