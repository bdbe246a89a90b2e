"""The columns of a results folder's tables (docs/design.md, "Rows").

One schema per table, all columns in every file, so that pandas, polars and DuckDB read a folder as it is. The
parameters of the strategies are columns too: the registry says which.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from ttc.store.records import CellRecord
from ttc.strategies import STRATEGIES, parameters
from ttc.types import MEASURES, Strategy

SCHEMA_VERSION = 2

Columns = list[tuple[str, pa.DataType]]
TEXT, INT, LONG, REAL = pa.string(), pa.int32(), pa.int64(), pa.float64()


def _all(kind: pa.DataType, names: str) -> Columns:
    return [(name, kind) for name in names.split()]


SHAPED: Columns = [
    *_all(REAL, "temperature top_p"),
    ("max_tokens", INT),
    *_all(TEXT, "prompt policy"),
    ("prm", TEXT),  # guided searches: the PRM that guided; scores/: the one that scored; else null
    ("dataset", TEXT),
]
"""What shapes any search, beside its strategy's parameters."""

READ = _all(TEXT, "vote agg subset")
"""How a readout reads a cell. agg: null where the vote needs no scores."""

PROBLEM: Columns = [
    ("problem_key", TEXT),  # hash of question and id: joins rows to a run's selection
    ("problem_id", TEXT),
    ("level", INT),
    ("seed", LONG),
]

OWN: dict[str, Columns] = {
    "paths": [
        ("path", TEXT),  # key: hash of family, problem, seed, address
        ("n", INT),  # the n of the search that first drew it
        ("unit", INT),
        ("address", TEXT),  # "0/3/1", ordered by its integers
        ("steps", pa.list_(TEXT)),
        ("step_tokens", pa.list_(INT)),
        ("step_logprobs", pa.list_(REAL)),
        ("finish", TEXT),  # eos / length / blank / unsure; null: not over, or nobody says
        ("answer", TEXT),  # as written by the path; null: none
        ("token_ids", pa.list_(INT)),  # of all steps, cut by step_tokens; null: not known
        ("copy", INT),  # 0; a search that duplicates paths: which copy
        ("place", INT),  # among what its search returned; null: in the order of addresses
        ("value", REAL),  # what the search thinks of it, beside its scores
        ("confidences", pa.list_(pa.float32())),  # of all steps' tokens in a row; null: not kept
    ],
    "steps": [
        ("unit", INT),
        *_all(TEXT, "address parent"),
        ("step", INT),  # position in the path, 0-based; a finished path adds several to one address
        ("verb", TEXT),  # extend / finish / roll_out / chat
        *_all(TEXT, "text finish"),
        ("tokens", INT),
        ("prompt_tokens", INT),  # input length of the draw
        ("cached_tokens", INT),
        ("turn_tokens", INT),  # chat: input behind what was read and written before; these are computed, too
        ("context_sum", LONG),  # sum of the positions of the sampled tokens and of these
        *_all(REAL, "score raw_score"),
        ("prm_tokens", INT),  # input tokens this step adds for the verifier, its template included
        ("prm_cached", INT),
        ("prm_context_sum", LONG),
        ("token_ids", pa.list_(INT)),
    ],
    "scores": [
        ("path", TEXT),
        ("verifier", TEXT),  # hash of the verifier's identity and format
        *_all(pa.list_(REAL), "scores raw_scores"),  # one per step that is not blank
        *_all(INT, "prm_tokens prm_cached"),  # null where the search itself paid (guided): see steps/
        ("prm_context_sum", LONG),
        ("prm_prompt_tokens", INT),
        *_all(LONG, "prm_params prm_attention"),
        ("prm_rate", REAL),
        ("status", TEXT),  # ok / too_long
    ],
    "grades": [
        *_all(TEXT, "path grader version"),
        ("extract", TEXT),  # the rule by which the answer was read off the path's text
        ("gold", TEXT),
        ("answer", TEXT),  # as that rule reads it; null: none
        ("verdict", pa.bool_()),
        ("status", TEXT),  # ok / no_answer / parse_error / timeout
    ],
    "searches": [
        *_all(INT, "n unit_first units"),
        ("status", TEXT),  # done / failed / too_long / cut
        ("reason", TEXT),
        *_all(INT, "paths over_eos over_length over_blank no_answer"),
        *_all(LONG, "generated_tokens prompt_computed prompt_cached prm_computed prm_cached"),
        ("prm_shared", LONG),  # verifier calls saved by sharing
        ("steps", INT),
        ("seconds", REAL),
        *_all(INT, "prompt_tokens prm_prompt_tokens"),  # the root's: for the policy, for the verifier
        ("retries", INT),  # calls that had failed and were made again
        *_all(LONG, "policy_params policy_attention"),
        ("policy_rate", REAL),  # computed tokens / busy second of the engine, at hand-over
        *_all(LONG, "prm_params prm_attention"),
        ("prm_rate", REAL),
        ("ended", pa.list_(TEXT)),  # the endings (stop, budget) that had enough of the pool by then, by name
    ],
}
"""Table -> its own columns, behind the common ones."""

TABLES = tuple(OWN)
STATES = ("done", "too_long", "cut", "failed", "missing")
"""What may be true of a search, the worst last; missing: it has no row in searches/."""
COMMIT = "searches"
"""The table whose file commits a part."""

KEYS = {
    "paths": ("path",),
    "steps": ("family", "problem_key", "seed", "address", "step"),
    "scores": ("path", "verifier"),
    "grades": ("path", "grader", "extract"),
    "searches": ("family", "problem_key", "seed", "unit_first"),
}
"""What names a row: of two with one key the later one counts."""

UNALIKE = {"path", "text"}
"""Columns in which hardly two rows are the same."""

TAKEN = {"cell", "family", "strategy", "variant", "n", *MEASURES} | {
    name for columns in (SHAPED, READ, PROBLEM, *OWN.values()) for name, _ in columns
}
KINDS = {bool: pa.bool_(), int: INT, float: REAL}


def column_of(parameter: str) -> str:
    """The column of a strategy's parameter: its name, but for names that rows have columns of already."""
    return f"search_{parameter}" if parameter in TAKEN else parameter


def parameter_columns(cells: Iterable[CellRecord] = ()) -> Columns:
    """What shaped a search, in rows and readouts alike; null = the strategy has no such parameter.

    cells: whose parameters have columns too, where their strategy is of a user's file that is not loaded.
    """
    found: dict[str, pa.DataType] = {}
    for strategy in STRATEGIES.values():
        for name, kind in kinds_of(strategy).items():
            found.setdefault(name, kind)
    known = {"family", "strategy", *found, *(name for name, _ in SHAPED)}
    for name, value in (pair for cell in cells for pair in cell.columns.items()):
        if name not in known and (value is not None or name not in found):
            found[name] = KINDS.get(type(value), TEXT)
    return [*found.items(), *SHAPED]


@functools.cache
def kinds_of(strategy: type[Strategy]) -> dict[str, pa.DataType]:
    """The columns of its parameters."""
    hints = get_type_hints(strategy)
    return {column_of(name): _kind(hints[name]) for name in parameters(strategy)}


def _kind(hint: Any) -> pa.DataType:
    """The Arrow type of a parameter; a text where it is no number."""
    kinds = {get_origin(kind) or kind for kind in (hint, *get_args(hint))}
    return next((arrow for kind, arrow in KINDS.items() if kind in kinds), TEXT)


def common_columns() -> Columns:
    return [*_all(TEXT, "family strategy"), *parameter_columns(), *PROBLEM]


def table_schema(table: str) -> pa.Schema:
    """The columns of a table, as the registry of strategies is now."""
    return pa.schema([*common_columns(), *OWN[table]])


def latest(rows: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Of rows with one key the last, in their order."""
    if not len(rows):
        return rows
    places = rows.select(key).append_column("place", pa.array(np.arange(len(rows))))
    last = places.group_by(list(key)).aggregate([("place", "max")])["place_max"].to_numpy()
    if len(last) == len(rows):
        return rows
    kept = np.zeros(len(rows), dtype=np.bool_)
    kept[last] = True
    return rows.filter(pa.array(kept))
