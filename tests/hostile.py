"""Texts that a grader must survive: deep, huge, endless, malformed, and in strange characters."""

from __future__ import annotations

NESTED = [
    *(("(", "", ""), ("", "", ")"), ("(", "1", ")"), ("{", "x", "}"), ("[", ",", "]"), ("-", "1", "")),
    *((r"\frac{", "1", "}{2}"), (r"\sqrt{", "2", "}"), ("x^{", "2", "}"), ("9^{", "9", "}"), ("1+", "1", "")),
    *((r"\boxed{", "1", "}"), (r"\text{", "", ""), ("x", "", ""), ("", "5", "!"), ("1,", "1", "")),
    *((r"\left(", "", ""), (r"\begin{pmatrix}", "", ""), ("$", "", ""), ("\\", "", ""), ("", "x", "=1")),
    *((r"1 \pm ", "1", ""), (r"\cup ", "", "")),
]
"""What is repeated before, stands between, and is repeated behind."""

ENDLESS = [
    *("9^{9^9}", "9^{9^{9^9}}", "9^9^9^9", "(9^9)^{9^9}", "99999!", "((((9!)!)!)!)!", "(3!)!!!!!!!!"),
    *("10^{10^{10}}", "2^{2^{2^{2^{2^2}}}}", r"\binom{10^9}{10^8}", r"\sum_{k=1}^{10^{12}} k^k"),
    *(r"\prod_{k=1}^{10^9} k", r"\int_0^{10^9} e^{x^x} dx", r"\lim_{x\to 0} \sin(1/x)^{x^x}"),
    *("x^{10^{10}}+1", "(x+y+z+w)^{5000}", r"\log(\log(\log(\log(2))))", "0^{0^{0}}", "1/0", r"\frac{0}{0}"),
    *(r"\infty-\infty", "1e999999999", "0.1e-99999999", "10^{-999999999}"),
]

STRANGE = [
    *("\x00", "1\x002", "\x07\x1b[31m5\x1b[0m", "\ud800", "5\udfff", "\ufeff5", "٣", "１２", "五", "½", "x²"),
    *("∛8", "𝟓", "\u202e5", "e\u0301", "\r\n5\r\n", "\t5\t", "\u2028", "__import__('os').system('true')"),
    *("lambda: 0", "x.__class__", "%s%n%d", "'; DROP TABLE verdicts; --", "\\u0000", "nan", "inf", "None"),
]

MALFORMED = [
    *("\\", "\\\\\\", "{", "}", "$", "_", "^", "&", "#", "~", "\\frac", "\\frac{}{}", "\\sqrt", "\\left("),
    *(
        "\\begin{matrix}",
        "\\end{matrix}",
        "\\begin{cases}x\\\\y",
        "\\right]",
        "|",
        "||||",
        "<",
        "<<<>>>",
        "=",
    ),
    *(
        "===",
        "x=",
        "=x",
        "<=>",
        ",",
        ",,,,",
        ";;;",
        "...",
        "(,)",
        "[,",
        "\\{\\}\\{",
        "()",
        "[]",
        "{}",
        "\\cup",
    ),
    *("x\\in", "\\in", "1_", "_1", "1_{", "1_{99999999}", "z_{36}", "%", "1%%%", "°", "^\\circ", "\\pm"),
    *("\\overline{1}", "0.\\overline{}", "0.\\overline{" + "1" * 40 + "}", "1:0", "0_0", "5 cm^", "\\text{"),
]


def hostile() -> list[str]:
    """Some 200 of them."""
    deep = [a * times + inner + b * times for a, inner, b in NESTED for times in (10, 100, 1000, 10_000)]
    long = ["1" + "0" * 5000, "0." + "3" * 5000, "9" * 100_000, "a" * 100_000, "x+" * 50_000 + "1"]
    return list(dict.fromkeys([*deep, *ENDLESS, *long, *STRANGE, *MALFORMED]))
