"""ttc: the sweep engine for test-time compute. In Python: `study = ttc.load("results/default")`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ttc.studies.study import Study


def load(folder: str | Path, extend: Sequence[str] = ()) -> Study:
    """A results folder, with its tables as frames and the questions one asks of it (docs/analysis.md).

    extend: files of your own, for a folder that was read out with a vote of theirs.

    Raises:
        ttc.types.UserError: it is none, or another version wrote it; or a file of `extend` is no good.
    """
    from ttc.readout import catch_up
    from ttc.settings import extensions
    from ttc.settings.own import read_files
    from ttc.store import Folder
    from ttc.studies.study import Study

    extensions.load(read_files(extend) if extend else None)
    place = Folder(folder)
    catch_up(place)
    return Study(place)
