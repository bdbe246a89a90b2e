"""math-verify's grammar: a LaTeX text as what sympy has for it, each form of a text parsed once.

Nearly all of a cold grading is parsing, and the answers to a problem mostly differ in their numbers and
letters alone. The grammar sees only the types of the tokens, so such texts have one tree, and a kept tree is
handed the tokens of the next. A new one is predicted without the context of rules (SLL) first, in a third of
the time; ANTLR then finds the tree that it finds with it (LL), or none, and LL is asked.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from antlr4.atn.PredictionMode import PredictionMode
from latex2sympy2_extended import NormalizationConfig
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, _Latex2Sympy, normalize_latex

NORMALIZATION = NormalizationConfig(malformed_operators=True, nits=True, boxed="none")
CONVERSION = ConversionConfig(lowercase_symbols=False)


def parse(text: str) -> Any:
    """Raises anything on what the grammar cannot read."""
    return _Reader(is_real=True, config=CONVERSION).parse(normalize_latex(text, NORMALIZATION))


class _Reader(_Latex2Sympy):  # type: ignore[misc]
    def create_parser(self, latex_str: str) -> Any:
        parser = super().create_parser(latex_str)
        stream = parser.getTokenStream()
        stream.fill()
        form = _Form(token.type for token in stream.tokens)
        form.parser = parser
        if (found := _tree(form)) is None:
            raise ValueError("no sentence of the grammar")
        tree, tokens = found
        for kept, token in zip(tokens, stream.tokens, strict=True):
            kept.source, kept.start, kept.stop, kept._text = (
                token.source,
                token.start,
                token.stop,
                token._text,
            )
        return SimpleNamespace(math=lambda: tree)

    def convert_postfix_list(self, arr: Any, i: int = 0) -> Any:
        """The grammar's own reads any two numbers side by side as a mixed one, 2(3) as 5."""
        mixed = i + 1 < len(arr) and arr[i].getText().isdigit() and arr[i + 1].getText().startswith("\\frac")
        first = None if mixed or i + 1 >= len(arr) else self.convert_postfix(arr[i])
        if getattr(first, "is_Number", False):
            rest = self.convert_postfix_list(arr, i + 1)
            return self.mat_mul_flat(first, rest) if rest.is_Matrix else self.mul_flat(first, rest)
        return super().convert_postfix_list(arr, i)

    def parse_number(self, text: str) -> Any:
        """sympy.Number imports all of sympy's names to read `13`."""
        from sympy import Integer

        digits = text.replace(",", "")
        return Integer(int(digits)) if digits.isdecimal() and digits.isascii() else super().parse_number(text)


class _Form(tuple[int, ...]):
    """The types of a text's tokens, and a parser that stands before them."""

    parser: Any


@lru_cache(maxsize=512)
def _tree(form: _Form) -> tuple[Any, list[Any]] | None:
    """The tree and its tokens; None: there is none."""
    for mode in (PredictionMode.SLL, PredictionMode.LL):
        form.parser.reset()
        form.parser._interp.predictionMode = mode
        try:
            return form.parser.math(), form.parser.getTokenStream().tokens
        except Exception:  # the listener raises; so may the recovery
            continue
    return None
