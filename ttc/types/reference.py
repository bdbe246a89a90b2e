"""An accuracy from elsewhere, which figures draw as a line to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ttc.types.ranges import Count, Share


@dataclass(frozen=True)
class Reference:
    """A published figure.

    Attributes:
        source: who says so.
        n: the paths it took, where that is known.
        dataset: where it is drawn; None: everywhere.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str
    accuracy: Share
    source: str
    n: Count | None = None
    dataset: str | None = None
