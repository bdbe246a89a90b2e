"""A quantity is a number and a unit. What is asked for is the number; two different known units differ."""

from __future__ import annotations

import functools
import re

from ttc.grading.worker.values import CODES, PARTS, SIGNS

POWER = r"(?: ?\^ ?\{?-?[1-4]\}?)?"
MARKED = rf"\\text\{{((?:[ A-Za-z./^\d-]|\{{-?\d\}})+)\}}{POWER}"
BARE = rf" ?([A-Za-z]+{POWER}(?:(?: ?/ ?| )[A-Za-z]+{POWER}){{0,2}})"
DEGREES = r"\^\\circ ?(?:\\text ?\{ ?)?[CF]?\}?"
MODULUS = r"\\pmod\{\w+\}"
PLAIN = re.compile(r"[-+]?[\d.,]+")
MONOMIAL = re.compile(r"[-+]?[\d.,]+( ?)([A-Za-z]{1,3})")
SCALE = r"(?: (?:hundred|thousand|million|billion|trillion))?"
QUANTITY = re.compile(rf"(.*(?:[\d}})]|\\pi){SCALE}) ?(?:{MARKED}|{BARE}|({DEGREES})|({MODULUS}))")

SHORT = {
    *("mm", "cm", "dm", "km", "nm", "in", "ft", "yd", "mi", "kg", "mg", "lb", "lbs", "oz", "gm", "sec"),
    *("min", "mol", "hz", "kpa", "kj", "kwh", "rad", "hr", "hrs", "mph", "kph", "ml", "cc", "sq", "cu"),
    *("am", "pm"),
}
NO_UNIT = {
    *("percent", "percentage", "pct", "hundred", "thousand", "million", "billion", "trillion", "dozen"),
    *("plus", "minus", "over", "squared", "cubed", "and", "or", "mod", "modulo", "base", "remainder"),
    *("factorial", "choose", "sin", "cos", "tan", "cot", "csc", "log", "exp", "sqrt", "max", "times", "root"),
    *("is", "are", "not", "than", "most", "least", "less", "more", "only", "if", "when", "where", "except"),
    *("gcd", "lcm", "infinity", "st", "nd", "rd", "th", "to", "out", "versus"),
    *("vs", "below", "under", "above", "negative", "zero", "twelfth", "twentieth", *PARTS),
}
"""Words behind a number that change its value."""
SYMBOLS = {"i", "e", "x", "y", "z", "pi"}

SPELLED = {
    **dict.fromkeys(["centimeter", "centimetre"], "cm"),
    **dict.fromkeys(["millimeter", "millimetre"], "mm"),
    **dict.fromkeys(["meter", "metre"], "m"),
    **dict.fromkeys(["kilometer", "kilometre"], "km"),
    **dict.fromkeys(["inch", "inche"], "in"),
    **dict.fromkeys(["feet", "foot"], "ft"),
    **{"yard": "yd", "mile": "mi", "kilogram": "kg", "gram": "g", "gm": "g", "pound": "lb", "lbs": "lb"},
    **{"ounce": "oz", "second": "s", "sec": "s", "minute": "min", "hour": "h", "hr": "h", "liter": "l"},
    **{"litre": "l", "L": "l", "milliliter": "ml", "dollar": "dollar", "cent": "cent", "deg": "degree"},
    **{"degree": "degree", "radian": "rad", "celsius": "C", "fahrenheit": "F", "newton": "N", "joule": "J"},
    **{"watt": "W", "volt": "V", "day": "day", "week": "week", "month": "month", "year": "year"},
}
KNOWN = {*SPELLED.values(), "rad", "dm", "nm", "mg", "am", "pm"}
PART = re.compile(r"(\d[\d.]*) ?(?:\\text ?\{ ?)?([A-Za-z]+)(?: ?\})?")
COMPOUND = re.compile(rf"{PART.pattern}(?:,? ?(?:and )?{PART.pattern})+")
SHORTHAND = {"mph": "mi/h", "kph": "km/h", "cc": "cm^3"}
FILLERS = {"unit", "of", "the"}
POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
BESIDE = {*SHORT, *POWERS, *FILLERS}
WORD = re.compile(r"(?=.*[aeiou])(?!abc)[A-Za-z]{3,}|[A-Za-z]{4,}")
"""Not `xyz`: that may be a product."""
TOKEN = re.compile(r"([A-Za-z]+)(?: ?\^ ?\{?(-?\d)\}?)?|/")


def compound(text: str) -> dict[str, str]:
    """Unit -> number, of several quantities side by side: `5 hours and 30 minutes`; {}: it is none."""
    parts = list(PART.finditer(text)) if COMPOUND.fullmatch(text) else []
    found = {_name(part[2]): part[1] for part in parts}
    return found if found.keys() <= KNOWN and len(found) == len(parts) else {}


@functools.lru_cache(maxsize=4096)
def quantity(text: str) -> tuple[str, str] | None:
    r"""A cleaned text's number and its unit in one spelling (`cm^2`, `km^1 h^-1`); None: it has no unit.

    In `\text` any words are a unit. A bare word is one if it stands apart from a plain number and has three
    letters, or is a common abbreviation: `5 ab` may be a product of variables.
    """
    found = QUANTITY.fullmatch(text)
    if not found or compound(text):
        return None
    if found[5]:
        return found[1].strip(), found[5]
    number = found[1].strip()
    unit = found[2] or found[3] or " ".join(["degree", *re.findall("[CF]", found[4])])
    words = re.findall(r"[A-Za-z]+", unit)
    if not words or any(
        {word.lower(), word.lower().removesuffix("s")} & (NO_UNIT | SYMBOLS) for word in words
    ):
        return None
    if found[3]:
        apart = text[len(number) : len(number) + 1] == " " and re.fullmatch(rf"[-+\d.,/ ]+{SCALE}", number)
        for word in words:
            known = _name(word) in KNOWN and (len(word) > 1 or "/" in unit or apart)
            if word.lower() not in BESIDE and not known and not (apart and WORD.fullmatch(word)):
                return None
    return number, _product(unit + text[found.end(2) + 1 :] if found[2] else unit)


def _product(unit: str) -> str:
    """The units that are multiplied, each with its power."""
    powers: dict[str, int] = {}
    sign, times = 1, 1
    for token in TOKEN.finditer(SHORTHAND.get(unit.strip().lower(), unit)):
        word = (token[1] or "/").lower()
        if word in ("/", "per"):
            sign = -1
        elif word in POWERS:
            times = POWERS[word]
        elif word not in FILLERS:
            name = _name(token[1])
            if name not in FILLERS:
                powers[name] = powers.get(name, 0) + sign * times * int(token[2] or 1)
            times = 1
    return " ".join(f"{name}^{power}" for name, power in sorted(powers.items()))


def _name(word: str) -> str:
    word = word if len(word) == 1 else word.lower()
    single = word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word
    return SPELLED.get(word, SPELLED.get(single, single))


CURRENCIES = {
    **{"$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "₹": "rupee", "¢": "cent", "%": "percent"},
    **{"dollars": "dollar", "pounds": "pound", "euros": "euro", "yen": "yen", "rupees": "rupee"},
    **{"cents": "cent", "USD": "dollar", "EUR": "euro", "GBP": "pound"},
}
AMOUNT = re.compile(
    rf"[-+]?(?:US)?\\?([${SIGNS}]|{CODES})\s?[\d.,]+"
    r"|[\d.,]+ ?(?:\\text\{ ?)?(?:\\(?=%))?([¢%]|[A-Za-z]+)\}?"
)


def currency(text: str) -> str | None:
    """Of an amount of money, as it was written."""
    found = AMOUNT.fullmatch(text.strip())
    return CURRENCIES.get(found[1] or found[2]) if found else None


def differ(a: str, b: str) -> bool:
    """Surely different: known units of different names, or a coefficient of different letters, or of none.

    math-verify takes any short word for a unit and drops it; yet 5 cm is not 5 m, 3c not 3d, and 5t not 5.
    """
    left, right = quantity(a), quantity(b)
    if left and right and left[1] != right[1] and left[1] and right[1]:
        return {
            re.sub(r"\^-?\d+", "", name) for unit in (left[1], right[1]) for name in unit.split()
        } <= KNOWN
    found = [MONOMIAL.fullmatch(text) for text in (a, b)]
    if any(term and term[2].lower().removesuffix("s") in NO_UNIT for term in found):
        return False
    if found[0] and found[1]:
        return _name(found[0][2]) != _name(found[1][2])
    for term, other in ((found[0], b), (found[1], a)):
        if term and not term[1] and term[2].lower() not in SHORT and PLAIN.fullmatch(other):
            return True
    return False
