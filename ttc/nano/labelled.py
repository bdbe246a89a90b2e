"""Solutions of the world with the place of their first error, in ProcessBench's schema (arXiv:2412.06559).

They come from the generator, not from a model, so their labels are right by construction.
"""

from __future__ import annotations

import random

from ttc.nano.world import Errors, solve, test_stories

ERRORS = Errors(misread=0.35, slip=0.10, blunder=0.015)
"""As in the verifier's own training (benchmarks/world/examples.py): first errors fall on late steps, too."""


def labelled(count: int = 500, seed: int = 0) -> list[dict[str, object]]:
    """`count` solutions of the test stories of draw `seed`; a shorter list begins a longer one.

    Each has id, problem, steps (the boxed answer last), label (0-based index of the first wrong step; -1: all
    are right), answer (the gold one) and level.
    """
    rows: list[dict[str, object]] = []
    for index, story in enumerate(test_stories(seed, count)):
        solution = solve(story, random.Random(f"ttc-nano-labelled-{seed}-{index}"), ERRORS)
        rows.append(
            {
                "id": f"nano-{seed}-{index}",
                "problem": story.question,
                "steps": list(solution.steps),
                "label": -1 if solution.wrong is None else solution.wrong,
                "answer": story.answer,
                "level": story.level,
            }
        )
    return rows
