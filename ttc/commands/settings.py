"""The words of commands that have few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ttc.grading import EXTRACTIONS, GRADERS
from ttc.settings.schema import ReadoutConfig
from ttc.types import Count, Natural, OneOf, Spelled, Tags

TableName = Annotated[str, Spelled(r"\w+", "headline, flat, or the name of one of the folder's tables")]


@dataclass(frozen=True)
class Grading:
    grader: Annotated[str, OneOf(GRADERS)] = ReadoutConfig.grader
    extract: Annotated[str, OneOf(EXTRACTIONS)] = ReadoutConfig.extract
    thinking: Tags = ()


@dataclass(frozen=True)
class GoldColumns:
    """Where the file of corrected answers says what.

    Attributes:
        id, question, answer: null: as the launch had it.
    """

    id: str | None = None
    question: str | None = None
    answer: str | None = None


@dataclass(frozen=True)
class RegradeSettings:
    """Of `ttc regrade`: keys of the readout, as a launch has them, and where corrected answers stand.

    Attributes:
        golds: a data file: problems by id, else by question, with their corrected answers.
        dataset: whose problems they are; null: the folder's only one.
        answer_from: null: as the launch had it.
    """

    readout: Grading = Grading()
    golds: str | None = None
    dataset: str | None = None
    columns: GoldColumns = GoldColumns()
    answer_from: Literal["column", "hashes", "boxed"] | None = None


@dataclass(frozen=True)
class ShowSettings:
    """Of `ttc show`: which of the problem's searches.

    Attributes:
        cell: a cell's id, or its beginning.
    """

    strategy: str | None = None
    n: Count | None = None
    seed: Natural | None = None
    policy: str | None = None
    prm: str | None = None
    dataset: str | None = None
    cell: str | None = None

    @property
    def of_cell(self) -> dict[str, object]:
        """What is said of the cell."""
        return {name: value for name, value in vars(self).items() if name != "seed" and value is not None}


@dataclass(frozen=True)
class ExportSettings:
    """Of `ttc export`.

    Attributes:
        table: headline (the declared results, as a launch prints them); flat (a row a path, with its
            question, gold, answer, verdict and scores); paths, steps, scores, grades, searches; or what lies
            beside these, such as readout, readout_by, answers, problems.
        out: a file, whose ending says the form: .csv, .parquet, .md, .tex or .json; null: stdout.
    """

    table: TableName = "headline"
    out: str | None = None


@dataclass(frozen=True)
class PushSettings:
    """Of `ttc push`.

    Attributes:
        private: of a repository that is made; one that is public already is not pushed to.
        dry_run: only say what would be there.
        license: what the card says, as the Hub names it: mit, apache-2.0.
    """

    private: bool = True
    dry_run: bool = False
    license: str | None = None
