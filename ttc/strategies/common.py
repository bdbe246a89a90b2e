"""What the guided strategies share: the steps of a round, ranks and weights, shares, and the checks of n."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ttc.strategies.aggregations import Agg, aggregate
from ttc.types import Path, Policy, Verifier


async def grow(policy: Policy, parents: Sequence[Path], children: Sequence[int], last: bool) -> list[Path]:
    """The parents' children, one step longer; in the last round they go to the end of the text."""
    step = policy.finish if last else policy.extend
    return [child for family in await step(parents, children) for child in family]


async def advance(policy: Policy, paths: Sequence[Path], last: bool = False) -> list[Path]:
    """Every path one step further (last: at its end); one that is over stays as it is."""
    live = [path for path in paths if not path.over]
    grown = iter(await grow(policy, live, [1] * len(live), last) if live else [])
    return [path if path.over else next(grown) for path in paths]


async def look_ahead(
    paths: Sequence[Path], steps: int, how: Agg, policy: Policy, verifier: Verifier
) -> list[Path]:
    """Scored paths with a `value` for `ranked`: the score that each has `steps` steps further on, sampled at
    temperature 0 (Snell et al. 2408.03314, section 5.2). What was seen is thrown away. An over path is its
    own end; one whose end cannot be scored goes by its own score."""
    if not steps:
        return list(paths)
    ends = [end for [end] in await policy.roll_out(paths, steps=steps, temperature=0.0)]
    seen = await verifier.score(ends)
    return [replace(path, value=aggregate(end.scores, how)) for path, end in zip(paths, seen, strict=True)]


def ranked(paths: Iterable[Path], how: Agg) -> list[Path]:
    """Best first: by value where the search gave one, else by aggregated score (an unscored path below every
    scored one), then by address."""

    def key(path: Path) -> tuple[float, tuple[int, ...]]:
        merit = aggregate(path.scores, how) if path.value is None else path.value
        return (math.inf if merit is None else -merit, path.address)

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


def softmax(scores: Sequence[float | None], temperature: float = 1.0) -> list[float]:
    """exp(score / temperature), the best path's being 1. An unscored path gets nothing beside scored ones;
    where none has a score, all get alike."""
    best = max((score for score in scores if score is not None), default=None)
    if best is None:
        return [1.0] * len(scores)
    return [0.0 if score is None else math.exp((score - best) / temperature) for score in scores]


def shares(total: int, places: int) -> list[int]:
    """`total` children shared out as evenly as possible over `places` parents, the first ones first."""
    each, extra = divmod(total, places)
    return [each + (i < extra) for i in range(places)]


def balanced(weights: Sequence[float], total: int) -> list[int]:
    """`total` shared out, best first: each takes its part of what is left, rounded up."""
    found: list[int] = []
    for place, weight in enumerate(weights):
        left = sum(weights[place:])
        part = (total - sum(found)) * weight / left if left else 0.0
        found.append(math.ceil(round(part, 9)))  # 8 / 8 may be 1.0000000000000002
    return found


def check_width(n: int, width: int) -> None:
    """n above the width must be a multiple of it (semantics, "Strategies").

    Raises:
        ValueError: naming the nearest valid values of n.
    """
    if n > width and n % width:
        below = n // width * width
        raise ValueError(f"n={n} is not a multiple of width={width}: take n={below} or n={below + width}")
