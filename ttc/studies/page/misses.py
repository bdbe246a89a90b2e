"""Where a study fails: answers that are missing and why, searches that failed, a verifier's calibration, and
graders that disagree. Tables and bins for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc

from ttc.readout.names import plain
from ttc.readout.pools import Tables
from ttc.readout.rows import REASONS
from ttc.report.figures import POOL
from ttc.report.formats import counted, score
from ttc.report.tables import Table, column
from ttc.stats.verifier import auroc, calibration_error, reliability
from ttc.studies.page.panels import Panel
from ttc.studies.page.sources import Source

SHOWN = 50
"""Lines of a table of faults or disagreements."""

ANSWERS = (
    column("reading", "text", "label"),
    column("answers", "count", "asked"),
    column("right", "count", "right"),
    column("wrong answer", "count", "wrong"),
    *(column(reason.replace("_", " "), "count", reason) for reason in REASONS),
    column("paths cut", "percent", "share_cut"),
    column("blank", "percent", "share_blank"),
    column("ungradable", "percent", "share_ungradable"),
)
FAILED = (
    column("strategy", "text", "strategy"),
    column("problem", "text", "problem_id"),
    column("seed", "whole", "seed"),
    column("status", "text", "status"),
    column("reason", "text", "reason"),
)
GRADERS = (
    column("paths", "count", "paths"),
    column("gold", "text", "gold"),
    column("A", "text", "a"),
    column("B", "text", "b"),
    column("only", "text", "only"),
)


def answers(panel: Panel) -> Table:
    """For each headline what became of its answers, in the subset `prefix`: there an answer is one answer."""
    rows = []
    for row in map(plain, panel.headlines.to_dict("records")):
        every = panel.sources[row["source"]].prefixes
        at = every[(every["cell"] == row["cell"]) & (every["vote"] == row["vote"])]
        at = at[at["agg"].fillna("") == (row["agg"] or "")]
        for own in map(plain, at.to_dict("records")):
            asked = own["problems"] * own["seeds"]
            right = round(own["accuracy"] * asked)
            silent = sum(int(own[reason] or 0) for reason in REASONS)
            shown = own | {"label": row["label"], "asked": asked, "right": right}
            rows.append(shown | {"wrong": asked - right - silent})
    note = "Of each pool the first n paths (subset prefix): an answer for every problem and seed."
    return Table("answers", ANSWERS, rows, "what became of the answers", [note], tight=True)


def failed(source: Source) -> Table:
    """The searches that failed, were cut or too long."""
    names = ["strategy", "problem_id", "seed", "status", "reason"]
    found = source.folder.read("searches", names)
    found = found.filter(pc.not_equal(found["status"], "done"))
    rows = found.slice(0, SHOWN).to_pylist()
    more = [f"and {len(found) - SHOWN} more; `ttc status` counts them"] if len(found) > SHOWN else []
    title = f"{counted(len(found), 'search(es)')} without a full result" if rows else ""
    return Table("failed", FAILED, rows, title, more)


def disagreements(source: Source) -> Table:
    """What `ttc regrade` found, the most frequent first."""
    if not source.folder.has("disagreements.parquet"):
        return Table("disagreements", GRADERS, [])
    frame = source.folder.frame("disagreements")
    rows: list[dict[str, Any]] = []
    for row in map(plain, frame.head(SHOWN).to_dict("records")):
        sides = {side: f"{row[f'grader_{side}']} {row[f'extract_{side}']}" for side in "ab"}
        reads = {side: f"{own}: {row[f'answer_{side}']}" for side, own in sides.items()}
        only = sides["a"] if row["verdict_a"] else sides["b"]
        rows.append({"paths": row["paths"], "gold": row["gold"], **reads, "only": f"{only} says right"})
    more = [f"and {len(frame) - SHOWN} more in disagreements.parquet"] if len(frame) > SHOWN else []
    title = f"graders disagree on {counted(int(frame['paths'].sum()), 'path')}" if rows else ""
    return Table("disagreements", GRADERS, rows, title, more)


def calibration(panel: Panel, tables: Tables, place: int) -> Iterator[dict[str, Any]]:
    """How often a path of such a score is right: bins of equal width, of the panel's largest pools.

    tables: of the panel's source at `place`.
    """
    source = panel.sources[place]
    own = panel.complete[(panel.complete["source"] == place) & panel.complete["strategy"].str.endswith(POOL)]
    families = {}
    for cell in own.sort_values("n")["cell"]:
        record = source.results.records.get(cell)
        if record is not None and record.verifier is not None:
            families[record.family] = record
    agg = source.results.agg
    for record in families.values():
        keys = [(record.family, key, seed) for key in source.asks(record) for seed in record.seeds]
        rows = [np.arange(one.start, one.stop) for one in map(tables.rows, keys)]
        at_N = np.concatenate(rows) if rows else np.zeros(0, dtype=int)
        score_N = tables.scores(str(record.verifier)).values_N[agg][at_N]
        known_N = ~np.isnan(score_N) & tables.graded_N[at_N]
        score_S, right_S = score_N[known_N], tables.right_N[at_N][known_N]
        if not len(score_S) or score_S.min() < 0 or score_S.max() > 1:
            continue
        bins = reliability(score_S, right_S)
        pool = f"{record.prm}, {agg} score of {counted(len(score_S), 'path')} of {record.strategy}"
        good = f"AUROC {score(auroc(score_S, right_S))}"
        error = f"expected calibration error {score(calibration_error(bins))}"
        yield {"title": f"{pool}: {good}, {error}", "bins": [vars(one) for one in bins if one.count]}
