"""problems.parquet: what a folder's searches were about, as their datasets had it when they were launched.

Rows of paths/ and the others name a problem by its key alone: its texts stand here once. A folder from before
there was this file reads as one without rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ttc.store.folder import Folder
from ttc.store.schema import PROBLEM, TEXT
from ttc.types import Problem, UserError

FILE = "problems"
NAMES = ("dataset", "problem_key")
"""The key of its rows."""
SCHEMA = pa.schema([("dataset", TEXT), *PROBLEM[:3], ("question", TEXT), ("gold", TEXT)])
BATCH = 4096
"""Rows that are made Arrow's at once."""

Named = tuple[str, str, Problem]
"""(dataset, problem_key, problem)"""


def read_problems(folder: Folder, keys: Collection[str] | None = None) -> pa.Table:
    """Its rows, in the order in which they first came; none where there is no such file. keys: only these
    problem_keys.

    Raises:
        UserError: the file is damaged, or not ttc's.
    """
    if not folder.has(f"{FILE}.parquet"):
        return SCHEMA.empty_table()
    filters = None if keys is None else [("problem_key", "in", sorted(set(keys)))]
    table = folder.table(FILE, SCHEMA.names, filters)
    if table.schema.names != SCHEMA.names or table.schema.types != SCHEMA.types:
        raise UserError(f"{folder}/{FILE}.parquet: not as ttc wrote it; a launch writes it anew")
    return table.replace_schema_metadata(None)


def add_problems(
    folder: Folder, problems: Iterable[Named], keep: Literal["earlier", "later"] = "later"
) -> None:
    """Unites these with what the folder has; writes nothing where nothing is new.

    Args:
        keep: of two rows of one problem, such as those of a gold answer that was corrected.
    """
    rows = (
        {"dataset": dataset, "problem_key": key, "problem_id": one.id, "level": one.level}
        | {"question": one.question, "gold": one.answer}
        for dataset, key, one in problems
    )
    batches = []
    while some := list(islice(rows, BATCH)):
        batches.append(pa.RecordBatch.from_pylist(some, SCHEMA))
    given, earlier = pa.Table.from_batches(batches, SCHEMA), SCHEMA.empty_table()
    with contextlib.suppress(UserError):  # what cannot be read is written anew
        earlier = read_problems(folder)
    if given.equals(earlier):  # the same line again: no third copy of the texts
        return
    united = _united(pa.concat_tables([earlier, given]), keep)
    if not united.equals(earlier):
        folder.write(FILE, united)


def _united(rows: pa.Table, keep: Literal["earlier", "later"]) -> pa.Table:
    """One row of each problem, where its first one stands."""
    places = rows.select(NAMES).append_column("place", pa.array(np.arange(len(rows))))
    found = places.group_by(list(NAMES)).aggregate([("place", "min"), ("place", "max")])
    if len(found) == len(rows):
        return rows
    return rows.take(found.sort_by("place_min")["place_max" if keep == "later" else "place_min"])


def correct_golds(folder: Folder, dataset: str, golds: Mapping[str, str]) -> None:
    """Other gold answers for problems of a dataset. golds: by problem_key; what the file lacks it goes on
    lacking."""
    rows = read_problems(folder)
    place = pc.index_in(rows["problem_key"], value_set=pa.array(list(golds), TEXT))
    place = pc.if_else(pc.equal(rows["dataset"], dataset), place, None)
    now = pc.take(pa.chunked_array([pa.array(list(golds.values()), TEXT)]), place)
    now = pc.coalesce(now, rows["gold"])
    if not now.equals(rows["gold"]):
        folder.write(FILE, rows.set_column(SCHEMA.get_field_index("gold"), "gold", now))
