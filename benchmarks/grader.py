"""How long the grader takes where it remembers nothing: 50,000 distinct pairs, as a readout asks them.

Forms as in MATH, filled with numbers, as the answers of a pool differ mostly in these. Plain numbers decide
none of the pairs.

    uv run python benchmarks/grader.py [pairs]
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time

import numpy as np
from lines import say

from ttc.grading import decide, make_grader, normal_form

FORMS = (
    *(
        r"{}\sqrt{{{}}}",
        "x={}",
        r"\frac{{{}}}{{\sqrt{{{}}}}}",
        r"{}\pi",
        "({},{})",
        r"[{}, {}\pi)",
        "y={}x-{}",
    ),
    *("{}x^2-{}x+1", "(x-{})(x+{})", r"\frac{{{}x+1}}{{{}}}", r"{}\text{{ cm}}^2", r"{} \le x < {}", "{},{}"),
    *(r"{}^\circ", r"\begin{{pmatrix}} {} \\ {} \end{{pmatrix}}", r"{}+{}i", r"\{{{},{}\}}", r"{}\log_2 {}"),
)


def pairs(count: int) -> list[tuple[str, str]]:
    """Pools of twelve answers of one form, each beside each, until there are so many pairs."""
    random, found = np.random.default_rng(0), dict[tuple[str, str], None]()
    while len(found) < count:
        form = FORMS[random.integers(len(FORMS))]
        numbers = random.integers(1, 960) + random.integers(40, size=(12, 2))
        for pair in itertools.combinations([form.format(*row) for row in numbers.tolist()], 2):
            if decide(*map(normal_form, pair)) is None:
                found[pair] = None
    return list(found)[:count]


async def cold(asked: list[tuple[str, str]]) -> float:
    """Seconds, a worker's start included. TTC_CACHE=off must be set."""
    grader = make_grader()
    start = time.monotonic()
    try:
        await asyncio.gather(*(grader.grade(gold, answer) for gold, answer in asked))
    finally:
        await grader.close()
    return time.monotonic() - start


def main(count: int = 50_000) -> None:
    os.environ["TTC_CACHE"] = "off"
    seconds = asyncio.run(cold(pairs(count)))
    say(f"grader, {count} distinct pairs, cold", seconds, "s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
