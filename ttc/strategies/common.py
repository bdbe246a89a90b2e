"""What the guided strategies share: the ranking, the shares of a round, and the checks of a width."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ttc.strategies.aggregations import Agg, aggregate
from ttc.types import Path


def ranked(paths: Iterable[Path], how: Agg) -> list[Path]:
    """Best first: by aggregated score (an unscored path below every scored one), then by address."""

    def key(path: Path) -> tuple[float, tuple[int, ...]]:
        score = aggregate(path.scores, how)
        return (math.inf if score is None else -score, path.address)

    return sorted(paths, key=key)


def standing(path: Path, how: Agg) -> float:
    """A path's aggregated score; an unscored one stands below every scored one."""
    score = aggregate(path.scores, how)
    return -math.inf if score is None else score


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
    """n above the width must be a multiple of it (semantics, "Strategies").

    Raises:
        ValueError: naming the nearest valid values of n.
    """
    if n > width and n % width:
        below = n // width * width
        raise ValueError(f"n={n} is not a multiple of width={width}: take n={below} or n={below + width}")
