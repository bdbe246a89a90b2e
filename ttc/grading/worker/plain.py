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
NAMES = {
    **{name: rf"\{name} " for name in (*FUNCTIONS, *GREEK)},
    **{"asin": r"\arcsin ", "acos": r"\arccos ", "atan": r"\arctan ", "infinity": r"\infty "},
    **{"inf": r"\infty ", "oo": r"\infty ", "sqrt": r"\sqrt", "cbrt": r"\sqrt[3]", "union": r"\cup "},
}
ALONE = r"(?<![A-Za-z\\_])"
APPLIED = rf"(?:{'|'.join((*FUNCTIONS, 'sqrt'))})"
NAME = re.compile(
    rf"\\text ?\{{[^{{}}]*\}}|{ALONE}(?:{'|'.join(NAMES)})(?![A-Za-z])"
    rf"|{ALONE}(?:{APPLIED}|pi)(?=[rxyz](?![A-Za-z]))|(?<={ALONE}[a-z]){APPLIED}(?= ?\()"
)
"""With one letter at a side, `sinx` and `xsin(x)` are products."""
SYMBOLS = rf"(?:(?:[A-Za-z]|{'|'.join(NAMES)}|{APPLIED}[xyz])(?:[^A-Za-z]+|$))+$"
PROSE = re.compile(rf"(?=.*[a-z]{{4}})(?!{SYMBOLS})[A-Za-z][A-Za-z ,.;:'-]*")
"""Words, and not letters and names of functions alone."""
BASED_LOG = re.compile(r"(?<![A-Za-z\\])log ?_?(\d+)(?= ?[(A-Za-z])")
ARGUMENT = re.compile(r"(\\sqrt(?:\[\w+\])?|\^|_|(?<![A-Za-z\\])(?:exp|abs)) ?(?=\()")
UNBRACED = re.compile(
    r"(\\(?:sqrt(?:\[\w+\])?|vec|hat|bar)) ?(\d+(?:\.\d+)?|[A-Za-z](?![A-Za-z])|\\[A-Za-z]+)"
)
CHOSEN = re.compile(
    r"(?<![A-Za-z\\])C ?\((\w+), ?(\w+)\)|(?<!\w)(\d+) ?(?:C|choose) ?(\d+)(?!\w)"
    r"|(?:\{\})?_\{?(\w+)\}? ?C_\{?(\w+)\}?"
)
"""7 of which 3 are chosen: `C(7, 3)`, `7C3`, `7 choose 3`, `_7C_3`."""
POWER = re.compile(r"\^ ?(-?\d+(?![\d.])|-[A-Za-z](?![A-Za-z]))")
CUP = re.compile(r"(?<=[)\]}]) ?[uU] ?(?=[(\[{\\])")


def typed(text: str) -> str:
    """What has been typed without LaTeX, in LaTeX."""
    text = re.sub(r" ?\*\* ?", "^", text)
    text = re.sub(r"(?<=\d) ?[xX] ?(?=10 ?\^)", r"\\times ", text)
    text = CHOSEN.sub(lambda found: r"\binom{{{}}}{{{}}}".format(*filter(None, found.groups())), text)
    text = re.sub(r"(?<=[^\\*]) ?\* ?(?=[^*])", r"\\cdot ", text)
    text = re.sub(r"\+ ?/?-(?=[ \w(\\])", r"\\pm ", text)
    text = BASED_LOG.sub(r"\\log_{\1} ", text)
    text = CUP.sub(r" \\cup ", NAME.sub(lambda found: NAMES.get(found[0], found[0]), text))
    text = UNBRACED.sub(r"\1{\2}", _arguments(text))
    text = re.sub(r"(\\sqrt\[[357]\])\{-(\d+)\}", r"-\1{\2}", text)  # the real root, not the principal one
    return POWER.sub(r"^{\1}", text)


def _arguments(text: str) -> str:
    """`sqrt(x+1)` and `x^(n+1)` with braces; `exp(x)` as a power, `abs(x)` between bars."""
    while found := ARGUMENT.search(text):
        start = found.end()
        end = _closing(text, start)
        if end < 0:
            return text
        inner = text[start + 1 : end]
        if found[1] == "abs":
            new = f"|{inner}|"
        elif found[1] == "exp":
            new = f"e^{{{inner}}}"
        else:
            new = f"{found[1]}{{{inner}}}"
        text = text[: found.start()] + new + text[end + 1 :]
    return text


def _closing(text: str, start: int) -> int:
    """Where the round bracket that opens at `start` closes; -1: nowhere."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "(") - (text[index] == ")")
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
