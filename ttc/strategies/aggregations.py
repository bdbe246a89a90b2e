"""One number for a path from its step scores, by name. An aggregation is a function and a line below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated

from ttc.types import OneOf


def last(scores: Sequence[float]) -> float:
    return scores[-1]


def mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "last": last,
    "min": min,
    "prod": math.prod,
    "mean": mean,
}

Agg = Annotated[str, OneOf(AGGREGATIONS)]


def aggregate(scores: Sequence[float | None], how: str) -> float | None:
    """One number for a path: the aggregation of its step scores (semantics, "Scores and votes"); None = not
    scored, which is also a path with any score missing."""
    known = [score for score in scores if score is not None and not math.isnan(score)]
    if not known or len(known) < len(scores):
        return None
    return AGGREGATIONS[how](known)
