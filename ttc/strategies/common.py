"""What the guided strategies share: aggregation of step scores, the ranking, and the checks of a width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from ttc.types import Path

Agg = Literal["last", "min", "prod", "mean"]


def aggregate(scores: Sequence[float | None], how: Agg) -> float | None:
    """One number for a path: the aggregation of its step scores (spec 5); None = not scored."""
    known = [score for score in scores if score is not None and not math.isnan(score)]
    if not known or len(known) < len(scores):
        return None
    match how:
        case "last":
            return known[-1]
        case "min":
            return min(known)
        case "prod":
            return math.prod(known)
        case "mean":
            return sum(known) / len(known)


def ranked(paths: Iterable[Path], how: Agg) -> list[Path]:
    """Best first: by aggregated score (an unscored path below every scored one), then by address."""

    def key(path: Path) -> tuple[float, tuple[int, ...]]:
        score = aggregate(path.scores, how)
        return (math.inf if score is None else -score, path.address)

    return sorted(paths, key=key)


def distinct(paths: Iterable[Path]) -> list[Path]:
    """The first of each identical text: copies would only be expanded and scored twice."""
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(path.text, path)
    return list(first.values())


def shares(total: int, places: int) -> list[int]:
    """`total` children shared out as evenly as possible over `places` parents, the first ones first."""
    each, extra = divmod(total, places)
    return [each + (i < extra) for i in range(places)]


def check_width(n: int, width: int) -> None:
    """n above the width must be a multiple of it (spec 3).

    Raises:
        ValueError: naming the nearest valid values of n.
    """
    if n > width and n % width:
        below = n // width * width
        raise ValueError(f"n={n} is not a multiple of width={width}: take n={below} or n={below + width}")
