"""The words of the commands that ask something of a readout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ttc.types import Count, Spelled

Difficulty = Annotated[
    str, Spelled(r"level|oracle|predicted(@[1-9]\d*)?", "level, oracle, predicted or predicted@m")
]


Axis = Literal["n", "tokens", "generated_tokens", "policy_tokens", "flops", "seconds"]


@dataclass(frozen=True)
class CompareSettings:
    """Of `ttc compare`.

    Attributes:
        axis: at equal cost: the first name is a line, without an @n, and every other cell is compared with
            the cheapest of it that costs as much; no other cell: all lines' headlines are.
        by: level: once more for each level of difficulty.
    """

    axis: Axis | None = None
    by: Literal["level"] | None = None


@dataclass(frozen=True)
class OptimalSettings:
    """Of `ttc optimal`.

    Attributes:
        difficulty: level (the dataset's), oracle (share of right paths), predicted (mean score of a pool), or
            predicted@m (m probe paths, whose cost counts).
        axis: what a budget is; n: a row at exactly this n, else a mean cost within it.
        splits: halvings of the problems.
        choice: only this vote[/agg], as weighted/last; null: any.
        table: a file for `strategy=optimal`: what to take in each bin at each budget, chosen on all problems,
            among readings by `choice` or else the declared headline; for predicted@m and an axis of cost.
    """

    difficulty: Difficulty = "level"
    axis: Axis = "n"
    splits: Count = 50
    choice: str | None = None
    table: str | None = None


@dataclass(frozen=True)
class ReportSettings:
    """Of `ttc report`.

    Attributes:
        out: the file; null: report.html in the results folder.
    """

    out: str | None = None
