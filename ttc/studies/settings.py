"""The words of `ttc optimal FOLDER key=value ...`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from ttc.types import Count

KINDS = re.compile(r"level|oracle|predicted(@(?P<m>[1-9]\d*))?")


def _check(kind: str) -> str:
    if not KINDS.fullmatch(kind):
        raise ValueError(f"difficulty={kind}: take level, oracle, predicted or predicted@m")
    return kind


@dataclass(frozen=True)
class OptimalSettings:
    """Of `ttc optimal`.

    Attributes:
        difficulty: level (the dataset's), oracle (share of right paths), predicted (mean score of a pool), or
            predicted@m (m probe paths, whose cost counts).
        axis: what a budget is; n: a row at exactly this n, else a mean cost within it.
        splits: halvings of the problems.
    """

    difficulty: Annotated[str, AfterValidator(_check)] = "level"
    axis: Literal["n", "generated_tokens", "policy_tokens", "flops", "seconds"] = "n"
    splits: Count = 50
