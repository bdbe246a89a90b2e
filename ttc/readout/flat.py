"""A row a path, with all that a folder knows of it in columns: for whoever analyses on their own."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ttc.readout.pools import Tables
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder
from ttc.store.problems import read_problems
from ttc.store.schema import common_columns

ROWS, TEXTS = 16_384, 100_000
"""Rows that are made at once, and paths that are read at once, about."""
OWN = ("n", "unit", "address", "copy", "finish", "value", "path")
"""Columns of paths/ that stay as they are."""


def flat(folder: Folder, config: ReadoutConfig) -> Iterator[pa.Table]:
    """Every path of the folder, some thousand rows at a time, as `config` reads it.

    Columns: those that all rows have (what shaped the search, for which problem and seed); question, gold;
    those of paths/; text, steps (its pieces), tokens; answer, right (null: not graded); for every verifier
    scores (of the steps that are not blank) and score_<aggregation>, with `_<prm>` behind where there are
    several. Token ids are left in paths/.

    Raises:
        UserError: the paths are graded, but not as `config` says.
    """
    tables = Tables(folder, config)
    problems = read_problems(folder)
    problems = problems.append_column("key", _key(problems))
    scores = folder.read("scores", ["path", "verifier", "scores"])
    of = {
        prm: (verifier, scores.filter(pc.equal(scores["verifier"], verifier)))
        for prm, verifier in _verifiers(folder).items()
    }
    answers, right = pa.array(tables.answers, pa.string()), pa.array(tables.right_N, mask=~tables.graded_N)
    for rows in _paths(folder, tables):
        at = rows["at"].to_numpy()
        asked = pc.index_in(_key(rows), value_set=problems["key"].combine_chunks())
        columns = {name: rows[name] for name, _ in common_columns()}
        columns |= {name: problems[name].take(asked) for name in ("question", "gold")}
        columns |= {name: rows[name] for name in OWN}
        columns |= {"text": pc.binary_join(rows["steps"], ""), "steps": rows["steps"]}
        columns |= {"tokens": pa.array(tables.tokens_N[at], pa.int64(), from_pandas=True)}
        columns |= {"answer": answers.take(pa.array(at)), "right": right.take(pa.array(at))}
        for prm, (verifier, own) in of.items():
            behind = f"_{prm}" if len(of) > 1 else ""
            place = pc.index_in(rows["path"], value_set=own["path"].combine_chunks())
            columns[f"scores{behind}"] = own["scores"].take(place)
            for agg, value_N in tables.scores(verifier).values_N.items():
                columns[f"score_{agg}{behind}"] = pa.array(value_N[at], from_pandas=True)
        yield pa.table(columns)


def _paths(folder: Folder, tables: Tables) -> Iterator[pa.Table]:
    """The rows of paths/, with their place in `tables`: of some problems at a time, since a million texts are
    some GB. At least one table, be it empty."""
    names = [*(name for name, _ in common_columns()), *OWN, "steps"]
    keys = pc.unique(folder.read_all("paths", ["problem_key"])["problem_key"])
    size = max(1, len(keys) * TEXTS // max(1, len(tables.path)))
    for first in range(0, max(1, len(keys)), size):
        paths = folder.read("paths", names, where=pc.field("problem_key").isin(keys.slice(first, size)))
        at = pc.index_in(paths["path"], value_set=tables.path)
        paths = paths.append_column("at", at)
        if at.null_count:  # of a sweep that has added some meanwhile
            paths = paths.filter(pc.is_valid(at))
        for start in range(0, max(1, len(paths)), ROWS):
            yield paths.slice(start, ROWS)


def _verifiers(folder: Folder) -> dict[str, str]:
    """prm -> the hash that scores/ rows carry; two of one name have its beginning behind theirs."""
    rows = folder.read_all("scores", ["prm", "verifier"]).group_by(["prm", "verifier"]).aggregate([])
    pairs = sorted((row["prm"] or "", row["verifier"]) for row in rows.to_pylist())
    names = [prm for prm, _ in pairs]
    return {f"{prm}_{one[:4]}" if names.count(prm) > 1 else prm: one for prm, one in pairs}


def _key(rows: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(rows["dataset"], rows["problem_key"], "\0")
