r"""Mathematics as it is typed, in LaTeX: `2pi`, `sqrt(3)/2`, `x**6`, `exp(-x)`, `√12`, `xⁿ`.

Text only, as in `latex`: what is not known stays as it is. Words in `\text` are words.
"""

from __future__ import annotations

import re
import unicodedata

FUNCTIONS = (
    *("arcsin", "arccos", "arctan", "arccot", "sinh", "cosh", "tanh", "sin", "cos", "tan", "cot", "sec"),
    *("csc", "ln", "log", "max", "min", "gcd"),
)
GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
)
COMMANDS = {
    **{name: rf"\{name} " for name in (*FUNCTIONS, *GREEK)},
    **{"asin": r"\arcsin ", "acos": r"\arccos ", "atan": r"\arctan ", "infinity": r"\infty "},
    **{"inf": r"\infty ", "oo": r"\infty ", "sqrt": r"\sqrt", "cbrt": r"\sqrt[3]", "union": r"\cup "},
}
ALONE = r"(?<![A-Za-z\\_])"
APPLIED = rf"(?:{'|'.join((*FUNCTIONS, 'sqrt'))})"
NAME = re.compile(
    rf"\\text ?\{{[^{{}}]*\}}|{ALONE}(?:{'|'.join(COMMANDS)})(?<!{ALONE}sec)(?<!{ALONE}min)(?![A-Za-z])"
    rf"|{ALONE}(?:sec|min)(?= ?[({{^\\]| [a-z](?![a-z]))|{ALONE}pi(?=r(?![A-Za-z]))"
    rf"|(?<={ALONE}[a-z]){APPLIED}(?= ?\()"
)
JOINED = re.compile(rf"(?:{ALONE}|(?<={ALONE}[a-z]))({APPLIED})([rxyz])(?![A-Za-z])")
"""`sinx`, `xsinx`."""
SYMBOLS = rf"(?:(?:[A-Za-z]|{'|'.join(COMMANDS)}|[a-z]?{APPLIED}[xyz])(?:[^A-Za-z]+|$))+$"
PROSE = re.compile(rf"(?=.*[a-z]{{4}})(?!{SYMBOLS})[A-Za-z][A-Za-z ,.;:'-]*")
"""Words, and not letters and names of functions alone."""
BASED_LOG = re.compile(r"(?<![A-Za-z\\])log(?: ?_ ?)?(\d+)(?= ?[(A-Za-z])")
ARGUMENT = re.compile(r"(\\sqrt(?:\[\w+\])?|\^|_|(?<![A-Za-z\\])(?:exp|abs|floor|ceil)) ?(?=\()")
AROUND = {
    **{"exp": ("e^{", "}"), "abs": ("|", "|")},
    **{"floor": (r"\lfloor ", r"\rfloor "), "ceil": (r"\lceil ", r"\rceil ")},
}
LOGARITHM = r"\\(?:ln|log(?:_\w|_\{\w+\})?) *(?:\d+|\{\d+\})"
LOGARITHMS = re.compile(rf"({LOGARITHM}) */ *({LOGARITHM})")
TAKES = re.compile(
    r"(\\(?:frac|binom)(?![A-Za-z]))|\\(?:sqrt(?:\[[^]]*\])?|vec|hat|bar)(?![A-Za-z])|\^(?! ?\\circ)"
)
"""Commands that take an argument, or two."""
NESTED = 40
"""Commands inside a command's argument that are read."""
DIGIT = re.compile(r"\d|[A-Za-z]|\\[A-Za-z]+")
NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|[A-Za-z](?![A-Za-z]))|-?\\[A-Za-z]+")
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")
COMBINATIONS = re.compile(
    r"(?<![A-Za-z\\])C ?\((\w+), ?(\w+)\)|(?<!\w)(\d+|n) ?(?:C|choose) ?(\d+|[kr])(?!\w)"
)
INDEXED = re.compile(r"(?:\{\})?[_^]\{?(\w+)\}? ?([CP])_\{?(\w+)\}?|(?<!\w)([CP])_\{?(\d+)\}?\^\{?(\d+)\}?")
PERMUTATIONS = re.compile(r"(?<!\w)(\d+) ?P ?(\d+)(?!\w)")
CUP = re.compile(r"(?<=[)\]}]) ?[uU] ?(?=[(\[{\\])")


def typed(text: str) -> str:
    """What has been typed without LaTeX, in LaTeX."""
    text = re.sub(r" ?\*\* ?", "^", text)
    text = re.sub(r"(?<=\d) ?[xX] ?(?=10 ?\^)", r"\\times ", text)
    text = PERMUTATIONS.sub(r"\\frac{\1!}{(\1-\2)!}", INDEXED.sub(r"\1\5\2\4\3\6", text))
    text = COMBINATIONS.sub(lambda found: r"\binom{{{}}}{{{}}}".format(*filter(None, found.groups())), text)
    text = re.sub(r"(?<=[^\\*]) ?\* ?(?=[^*])", r"\\cdot ", text)
    text = re.sub(r"\+ ?/?-(?=[ \w(\\])", r"\\pm ", text)
    text = JOINED.sub(r"\1(\2)", text)
    text = BASED_LOG.sub(r"\\log_{\1} ", text)
    text = CUP.sub(r" \\cup ", NAME.sub(lambda found: COMMANDS.get(found[0], found[0]), text))
    text = re.sub(r"^\{([^{}\\]+)\}(?= ?\\cup)|(?<=\\cup )\{([^{}\\]+)\}(?= ?\\cup|$)", r"\\{\1\2\\}", text)
    text = _braced(_arguments(text))
    text = re.sub(r"(\\sqrt\[[357]\])\{-(\d+)\}", r"-\1{\2}", text)  # the real root, not the principal one
    return LOGARITHMS.sub(r"\\frac{\1}{\2}", text)


def _arguments(text: str) -> str:
    """`sqrt(x+1)` and `x^(n+1)` with braces; `exp(x)` as a power, `abs(x)` between bars."""
    while found := ARGUMENT.search(text):
        start = found.end()
        end = find_closing(text, start, "()")
        if end < 0:
            return text
        inner = text[start + 1 : end]
        opening, closing = AROUND.get(found[1], (f"{found[1]}{{", "}"))
        text = text[: found.start()] + opening + inner + closing + text[end + 1 :]
    return text


def _braced(text: str, depth: int = NESTED) -> str:
    r"""TeX's arguments in braces where they are left out: `\frac\pi4`, `2^\sqrt2`, `x^10`."""
    parts, end = [], 0
    while found := TAKES.search(text, end):
        command, place = _command(text, found, depth)
        parts += [text[end : found.start()], command]
        end = place
    return "".join(parts) + text[end:]


def _command(text: str, found: re.Match[str], depth: int) -> tuple[str, int]:
    """A command with its arguments in braces, and where that ends."""
    parts, place = [found[0]], found.end()
    for _ in range(1 + (found[1] is not None)):
        argument, place = _argument(text, place, found[1] is not None, depth - 1)
        parts.append(f"{{{argument}}}" if argument else "")
    return "".join(parts), place


def _argument(text: str, start: int, one_digit: bool, depth: int) -> tuple[str, int]:
    """What a command at `start` takes, and where that ends; "": nothing that could be told."""
    while text[start : start + 1] == " ":
        start += 1
    if text[start : start + 1] == "{" and (end := find_closing(text, start, "{}")) > 0:
        inner = text[start + 1 : end]
        inner = _braced(inner, depth) if depth > 0 else inner
        return inner.replace(",", "") if GROUPED.fullmatch(inner) else inner, end + 1
    if depth > 0 and (found := TAKES.match(text, start)):
        return _command(text, found, depth)
    found = (DIGIT if one_digit else NUMBER).match(text, start)
    return (found[0], found.end()) if found else ("", start)


def find_closing(text: str, start: int, brackets: str) -> int:
    """Where the bracket that opens at `start` closes; -1: nowhere. Escaped ones are characters."""
    depth = 0
    for index in range(start, len(text)):
        if text[index] in brackets and text[index - 1 : index] != "\\":
            depth += 1 if text[index] == brackets[0] else -1
            if not depth:
                return index
    return -1


# --- Unicode ---------------------------------------------------------------------------------------------


def ascii_mathematics(text: str) -> str:
    """Unicode's digits, fractions, powers, indices and letters as LaTeX writes them."""
    if text.isascii():
        return text
    parts: list[str] = []
    for mark in text:
        kind, _, plain = unicodedata.decomposition(mark).partition(" ")
        plain = "".join(chr(int(code, 16)) for code in plain.split()) if kind.startswith("<") else ""
        plain = plain.replace("−", "-")
        if kind in ("<super>", "<sub>"):
            sign = "^" if kind == "<super>" else "_"
            if parts and parts[-1].startswith(sign + "{"):
                parts[-1] = f"{parts[-1][:-1]}{plain}}}"
            else:
                parts.append(f"{sign}{{{plain}}}")
        elif kind == "<fraction>":
            above, below = plain.split("⁄")
            parts.append(rf"\frac{{{above}}}{{{below}}}")
        elif kind in ("<wide>", "<font>", "<compat>") and plain:
            parts.append(plain)
        else:
            parts.append(_letter(mark))
    return "".join(parts)


def _letter(mark: str) -> str:
    name = unicodedata.name(mark, "")
    found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)", name)
    if not found:
        return mark
    letter = found[2].lower().replace("lamda", "lambda")
    return rf"\{letter if found[1] == 'SMALL' else letter.capitalize()} "
