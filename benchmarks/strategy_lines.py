"""How long each registered strategy is: lines of its file, and lines of code (no blanks, no docstrings).

python benchmarks/strategy_lines.py; the goals: the median below 45 lines of code, no file above 80 in all.
"""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from pathlib import Path
from statistics import median

from ttc.settings import extensions
from ttc.strategies import STRATEGIES

LAYOUT = {
    tokenize.NL,
    tokenize.COMMENT,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
}


def lines_of_code(text: str) -> int:
    places = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT | {tokenize.ENDMARKER}:
            places.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):  # a text that stands alone is a docstring
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            places -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(places)


def main() -> None:
    extensions.load()
    texts = {name: Path(inspect.getfile(one)).read_text("utf-8") for name, one in STRATEGIES.items()}
    counts = {name: (len(text.splitlines()), lines_of_code(text)) for name, text in texts.items()}
    for name, (whole, code) in counts.items():
        print(f"{name:16}{whole:5}{code:5}")
    print(f"{'median':16}{median(w for w, _ in counts.values()):5}{median(c for _, c in counts.values()):5}")


if __name__ == "__main__":
    main()
