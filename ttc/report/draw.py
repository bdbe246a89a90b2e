"""Every picture of a folder, in `plots/`: each as a PNG and as an SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from ttc.report import figures
from ttc.report.bars import draw_levels
from ttc.report.pictures import save, styled
from ttc.report.plots import Subject, draw_lines
from ttc.store import Folder
from ttc.types import Reference

ACCURACY = Subject("headline: {headline}", "generated_tokens")
FIGURES: Mapping[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], Subject]] = {
    "compute": (figures.compute, Subject(ACCURACY.what, "flops")),
    "votes": (figures.votes, Subject("every vote; thick: the headline", "generated_tokens", by_vote=True)),
    "majority": (figures.majority, Subject("majority of n samples", by_vote=True)),
    "best_of_n": (
        figures.selection,
        Subject("best-of-N by aggregation of step scores; thick: the headline", by_vote=True),
    ),
    "searches": (figures.searches, Subject("searches, and votes over n samples")),
}
"""File -> what is drawn as lines, from the rows of readout.parquet."""


def draw_headline(folder: Folder, rows: pd.DataFrame, references: Sequence[Reference] = ()) -> None:
    """`accuracy`: what a folder came to. rows: of readout.parquet."""
    references = [one for one in references if one.dataset in (None, *rows["dataset"])]
    with styled():
        points, gaps = figures.accuracy(rows), figures.incomplete(rows)
        save(folder, "accuracy", draw_lines(points, ACCURACY, references, gaps))


def draw_all(
    folder: Folder, rows: pd.DataFrame, by_rows: pd.DataFrame, references: Sequence[Reference] = ()
) -> list[str]:
    """`accuracy`, and every other figure that the folder has something for. Returns their names.

    Args:
        rows, by_rows: of readout.parquet and readout_by.parquet.
        references: stand in the figures of one panel.
    """
    draw_headline(folder, rows, references)
    drawn = ["accuracy"]
    with styled():
        for name, (prepare, subject) in FIGURES.items():
            points = prepare(rows)
            if len(points):
                save(folder, name, draw_lines(points, subject, () if "facet" in points else references))
                drawn.append(name)
        points = figures.levels(by_rows)
        if len(points):
            save(folder, "difficulty", draw_levels(points))
            drawn.append("difficulty")
    return drawn
