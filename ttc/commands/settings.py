"""The words of commands that have few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ttc.grading import EXTRACTIONS, GRADERS, name_reading
from ttc.settings.schema import ReadoutConfig
from ttc.types import Names, OneOf


@dataclass(frozen=True)
class Grading:
    grader: Annotated[str, OneOf(GRADERS)] = ReadoutConfig.grader
    extract: Annotated[str, OneOf(EXTRACTIONS)] = ReadoutConfig.extract
    thinking: Names = ()

    @property
    def reading(self) -> str:
        return name_reading(self.extract, self.thinking)


@dataclass(frozen=True)
class RegradeSettings:
    """Of `ttc regrade`: keys of the readout, as a launch has them."""

    readout: Grading = Grading()
