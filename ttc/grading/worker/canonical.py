"""One form for many spellings of a value, as sympy simplifies and writes it: search-and-learn's groups."""

from __future__ import annotations


def canonical(text: str) -> str | None:
    """The LaTeX of the simplified text; None where sympy reads no expression in it.

    Lists and intervals are no expressions: search-and-learn's parser keeps their order and their brackets.
    """
    from latex2sympy2_extended import latex2sympy
    from sympy import Expr, latex, simplify

    try:
        read = latex2sympy(text)
        return str(latex(simplify(read))) if isinstance(read, Expr) else None
    except Exception:  # sympy and the LaTeX grammar raise anything on hostile text
        return None
