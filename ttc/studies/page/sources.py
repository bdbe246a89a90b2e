"""A results folder as the page reads it; what is read of it is read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from ttc.readout import readout_config
from ttc.readout.names import Results
from ttc.report.doubts import add_doubts
from ttc.report.view import shown
from ttc.settings.schema import ReadoutConfig
from ttc.store import CellRecord, Folder
from ttc.studies.trees import Forest


@dataclass(frozen=True)
class Source:
    """A results folder that is drawn. Making one reads its readout.

    Raises:
        UserError: there is none.
    """

    folder: Folder
    results: Results
    config: ReadoutConfig

    @staticmethod
    def of(folder: Folder) -> Source:
        return Source(folder, Results(folder), readout_config(folder))

    @cached_property
    def forest(self) -> Forest:
        return Forest(self.folder, self.config)

    @cached_property
    def selections(self) -> dict[str, list[list[Any]]]:
        return self.folder.cells()[1]

    def asks(self, record: CellRecord) -> list[str]:
        """The problem_keys of a cell, in the dataset's order."""
        return [key for key, *_ in self.selections[record.selection]]

    @cached_property
    def prefixes(self) -> pd.DataFrame:
        """The rows of the subset `prefix`."""
        rows = self.folder.frame("readout")
        return rows[rows["subset"] == "prefix"]

    def rows(self) -> pd.DataFrame:
        """A row per cell and vote in the declared subset and aggregation, doubts marked."""
        return add_doubts(shown(self.results.rows, every_vote=True), vars(self.config.doubts))
