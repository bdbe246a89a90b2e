"""The words of commands that have few."""

from __future__ import annotations

from dataclasses import dataclass

from ttc.grading import ExtractRule, GraderName
from ttc.settings.schema import ReadoutConfig


@dataclass(frozen=True)
class Grading:
    grader: GraderName = ReadoutConfig.grader
    extract: ExtractRule = ReadoutConfig.extract


@dataclass(frozen=True)
class RegradeSettings:
    """Of `ttc regrade`: keys of the readout, as a launch has them."""

    readout: Grading = Grading()
