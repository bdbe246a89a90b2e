"""How sure a policy has to stay while it writes: the mean confidence of groups of tokens in a row.

DeepConf, Fu et al. 2508.15260, section 3.1. What a token's confidence is: models/confidence.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Floor:
    """A draw ends where a group of `window` of its own tokens is below `level`."""

    level: float
    window: int


class Watch:
    """Over one text under a floor, while it is written. Its tokens are added up one by one, here as in
    `lowest_group`: so all who ask about a group are told the same."""

    def __init__(self, floor: Floor) -> None:
        self._floor, self._groups = floor, _Groups(floor.window)

    def broken(self, confidences: Iterable[float]) -> bool:
        """Is a group below the floor that ends with one of these tokens, the next ones?"""
        means = map(self._groups.add, confidences)
        return any(mean is not None and mean < self._floor.level for mean in means)


def first_below(confidences: Iterable[float], floor: Floor) -> int | None:
    """How many tokens there are up to the end of the first group below the floor; None: there is none."""
    watch = Watch(floor)
    return next((count for count, value in enumerate(confidences, 1) if watch.broken([value])), None)


def lowest_group(confidences: Iterable[float], window: int) -> float:
    """Of a text's groups the least sure; a shorter text is one group. Without a token: 0."""
    groups, values = _Groups(window), [*confidences]
    means = [mean for value in values if (mean := groups.add(value)) is not None]
    return min(means, default=sum(values) / max(1, len(values)))


class _Groups:
    def __init__(self, window: int) -> None:
        self._last: deque[float] = deque(maxlen=window)
        self._sum = 0.0

    def add(self, confidence: float) -> float | None:
        """The mean of the group that ends with this token; None: the text is shorter than one."""
        full = len(self._last) == self._last.maxlen
        self._sum += confidence - (self._last[0] if full else 0.0)
        self._last.append(confidence)
        return self._sum / len(self._last) if len(self._last) == self._last.maxlen else None
