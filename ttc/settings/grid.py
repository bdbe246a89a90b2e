"""The axes of a line, multiplied: the words of every point of its grid."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ttc.types import UserError

MOST = 100_000
"""Points that a grid may have."""


def multiply(overrides: Iterable[Any], line: object) -> list[list[str]]:
    """The product of all axes, where an axis of one strategy alone (`strategy.beam.width=2,4`) is multiplied
    with that strategy's points only. A key that is said again has its later values.

    Args:
        overrides: as Hydra's parser gives them; one without several values is an axis of one.
        line: what a refusal names.

    Raises:
        UserError: more than `MOST` points, or an axis whose values cannot be told one by one.
    """
    axes = {one.get_key_element(): _values(one) for one in overrides}
    grids = list(_by_strategy(axes))
    if sum(math.prod(map(len, grid.values())) for grid in grids) > MOST:
        raise UserError(f"{line}: a grid of more than {MOST:,} points")
    return [list(point) for grid in grids for point in itertools.product(*grid.values())]


def _by_strategy(axes: dict[str, list[str]]) -> Iterator[dict[str, list[str]]]:
    """The axes of each strategy of the grid: of those of others the first value, to be checked."""
    found = {key: re.match(r"\+*strategy\.(\w+)\.", key) for key in axes}
    owners = {key: own[1] for key, own in found.items() if own}
    if "strategy" not in axes or not owners:
        yield axes
        return
    for word in axes["strategy"]:
        name = word.partition("=")[2].strip("'\"")
        own = {key: one if owners.get(key, name) == name else one[:1] for key, one in axes.items()}
        yield {**own, "strategy": [word]}


def _values(one: Any) -> list[str]:
    key = one.get_key_element()
    if not one.is_sweep_override():
        return [f"{key}={one.get_value_element_as_str()}"]
    if not one.is_discrete_sweep():
        raise UserError(f"{one.input_line}: an axis of a grid lists its values, as {key}=1,2,4")
    return [f"{key}={value}" for value in itertools.islice(one.sweep_string_iterator(), MOST + 1)]
