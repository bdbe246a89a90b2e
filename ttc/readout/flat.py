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

ROWS = 16_384
"""That are made at once."""
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
    names = [*(name for name, _ in common_columns()), *OWN, "steps", "step_tokens"]
    paths = folder.read("paths", names)
    paths = paths.append_column("at", pc.index_in(paths["path"], value_set=tables.path))
    paths = paths.filter(pc.is_valid(paths["at"]))  # none that a sweep has added meanwhile
    problems = read_problems(folder)
    problems = problems.append_column("key", _key(problems))
    verifiers = _verifiers(folder)
    scores = folder.read("scores", ["path", "verifier", "scores"])
    of = {prm: scores.filter(pc.equal(scores["verifier"], verifier)) for prm, verifier in verifiers.items()}
    answers = pa.array(tables.answers, pa.string())
    right = pa.array(tables.right_N, mask=~tables.graded_N)
    for start in range(0, max(1, len(paths)), ROWS):
        rows = paths.slice(start, ROWS)
        at = rows["at"]
        asked = pc.index_in(_key(rows), value_set=problems["key"].combine_chunks())
        columns = {name: rows[name] for name, _ in common_columns()}
        columns |= {name: problems[name].take(asked) for name in ("question", "gold")}
        columns |= {name: rows[name] for name in OWN}
        columns |= {"text": pc.binary_join(rows["steps"], ""), "steps": rows["steps"]}
        columns |= {"tokens": pa.array(tables.tokens_N[at.to_numpy()], pa.int64(), from_pandas=True)}
        columns |= {"answer": answers.take(at.combine_chunks()), "right": right.take(at.combine_chunks())}
        for prm, verifier in verifiers.items():
            behind = f"_{prm}" if len(verifiers) > 1 else ""
            own = of[prm]
            place = pc.index_in(rows["path"], value_set=own["path"].combine_chunks())
            columns[f"scores{behind}"] = own["scores"].take(place)
            for agg, value_N in tables.scores(verifier).values_N.items():
                value = pa.array(value_N[at.to_numpy()], from_pandas=True)
                columns[f"score_{agg}{behind}"] = value
        yield pa.table(columns)


def _verifiers(folder: Folder) -> dict[str, str]:
    """prm -> the hash that scores/ rows carry; two of one name have its beginning behind theirs."""
    rows = folder.read_all("scores", ["prm", "verifier"]).group_by(["prm", "verifier"]).aggregate([])
    pairs = sorted((row["prm"] or "", row["verifier"]) for row in rows.to_pylist())
    names = [prm for prm, _ in pairs]
    return {f"{prm}_{one[:4]}" if names.count(prm) > 1 else prm: one for prm, one in pairs}


def _key(rows: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(rows["dataset"], rows["problem_key"], "\0")
