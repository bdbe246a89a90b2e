"""ttc: the sweep engine for test-time compute. In Python: `study = ttc.load("results/default")`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ttc.studies.study import Study


def load(folder: str | Path) -> Study:
    """A results folder, with its tables as frames and the questions one asks of it (docs/analysis.md).

    Raises:
        ttc.types.UserError: it is none, or another version wrote it.
    """
    from ttc.readout import catch_up
    from ttc.settings import extensions
    from ttc.store import Folder
    from ttc.studies.study import Study

    extensions.load()
    place = Folder(folder)
    catch_up(place)
    return Study(place)
