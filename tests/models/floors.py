"""What a floor does to a policy's samples, whatever the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ttc.types import Draw, Floor, Sample, first_below, lowest_group


def assert_floors_hold(generate: Callable[..., list[Sample]], draws: Sequence[Draw]) -> None:
    """The same text up to the first group below the floor; what ends by itself with that token has ended."""
    free = generate(*draws, confidence=True)
    sure = [[value for step in sample.steps for value in step.confidences or ()] for sample in free]
    low, high = sorted(lowest_group(values, 4) for values in sure)[3:5]
    floor = Floor((low + high) / 2, window=4)  # no group's own value, which is another in another batch
    under = generate(*(replace(draw, floor=floor) for draw in draws), confidence=True)
    for before, after, values in zip(free, under, sure, strict=True):
        stop = first_below(values, floor)
        stopped = stop is not None and stop < len(values)
        assert _tokens(after) == _tokens(before)[:stop]
        assert after.steps[-1].end == ("unsure" if stopped else before.steps[-1].end)
        assert after.dropped == 0 or stopped
    assert [sample.steps[-1].end for sample in under].count("unsure") >= 3


def _tokens(sample: Sample) -> list[int]:
    return [token for step in sample.steps for token in step.tokens]
