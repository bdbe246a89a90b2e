"""Other ways to read a pool than ours, by name: a registry that rooms of their own fill (ttc/sal).

`readout.habits=[...]` names those that are followed, each alone or together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from ttc.stats.arrays import Bools, Ints


class Grouping(Protocol):
    """Which answers of a pool are equal. `close` ends what it started."""

    def group(self, answers: Sequence[str | None]) -> Awaitable[list[int]]:
        """For each answer, in address order, its group's number as groups are seen; -1 for none."""
        ...

    def close(self) -> Awaitable[None]: ...


@dataclass(frozen=True)
class Habit:
    """What is done otherwise; None: as ever.

    Attributes:
        grouping: what groups of equal answers are, in place of the grader's equivalence; made with the limit
            in seconds that a comparison may take.
        regroup: (group_BN, present_BN) -> group_BN: the groups anew, with those places where there is a path.
        scores: a scores/ table -> the lists of step scores that are aggregated.
    """

    grouping: Callable[[float], Grouping] | None = None
    regroup: Callable[[Ints, Bools], Ints] | None = None
    scores: Callable[[pa.Table], pa.Array] | None = None


HABITS: dict[str, Habit] = {}
