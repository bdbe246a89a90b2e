"""The columns of a results folder's tables, and what it remembers of a cell (docs/design.md, "Rows").

One schema per table, all columns in every file, so that pandas, polars and DuckDB read a folder as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 1

PARAMETERS = [
    ("width", pa.int32()),
    ("depth", pa.int32()),
    ("search_agg", pa.string()),
    ("finished", pa.string()),
    ("temperature", pa.float64()),
    ("top_p", pa.float64()),
    ("max_tokens", pa.int32()),
    ("prompt", pa.string()),
    ("policy", pa.string()),
    ("prm", pa.string()),  # guided searches: the PRM that guided; scores/: the one that scored; else null
    ("dataset", pa.string()),
]
"""What shaped a search, in rows and readouts alike; null = the strategy has no such parameter."""

COMMON = [
    ("family", pa.string()),
    ("strategy", pa.string()),
    *PARAMETERS,
    ("problem_key", pa.string()),  # hash of question and id: joins rows to a run's selection
    ("problem_id", pa.string()),
    ("level", pa.int32()),
    ("seed", pa.int64()),
]

TABLES = {
    "paths": pa.schema(
        [
            *COMMON,
            ("path", pa.string()),  # key: hash of family, problem, seed, address
            ("n", pa.int32()),  # the n of the search that first drew it
            ("unit", pa.int32()),
            ("address", pa.string()),  # "0/3/1", ordered by its integers
            ("steps", pa.list_(pa.string())),
            ("step_tokens", pa.list_(pa.int32())),
            ("step_logprobs", pa.list_(pa.float64())),
            ("finish", pa.string()),  # eos / length / blank
            ("answer", pa.string()),  # as written by the path; null: none
        ]
    ),
    "steps": pa.schema(
        [
            *COMMON,
            ("unit", pa.int32()),
            ("address", pa.string()),
            ("parent", pa.string()),
            (
                "step",
                pa.int32(),
            ),  # position in the path, 0-based: a finished path adds several with one address
            ("verb", pa.string()),  # extend / finish
            ("text", pa.string()),
            ("finish", pa.string()),
            ("tokens", pa.int32()),
            ("prompt_tokens", pa.int32()),  # input length of the draw
            ("cached_tokens", pa.int32()),
            ("context_sum", pa.int64()),  # sum of the positions of the sampled tokens
            ("score", pa.float64()),
            ("raw_score", pa.float64()),
            ("prm_tokens", pa.int32()),  # input tokens this step adds for the verifier, its template included
            ("prm_cached", pa.int32()),
            ("prm_context_sum", pa.int64()),
        ]
    ),
    "scores": pa.schema(
        [
            *COMMON,
            ("path", pa.string()),
            ("verifier", pa.string()),  # hash of the verifier's identity and format
            ("scores", pa.list_(pa.float64())),  # one per step that is not blank
            ("raw_scores", pa.list_(pa.float64())),
            ("prm_tokens", pa.int32()),  # null where the search itself paid (guided): see steps/
            ("prm_cached", pa.int32()),
            ("prm_context_sum", pa.int64()),
            ("prm_prompt_tokens", pa.int32()),
            ("prm_params", pa.int64()),
            ("prm_attention", pa.int64()),
            ("prm_rate", pa.float64()),
            ("status", pa.string()),  # ok / too_long
        ]
    ),
    "grades": pa.schema(
        [
            *COMMON,
            ("path", pa.string()),
            ("grader", pa.string()),
            ("version", pa.string()),
            ("extract", pa.string()),  # the rule by which the answer was read off the path's text
            ("gold", pa.string()),
            ("answer", pa.string()),  # as that rule reads it; null: none
            ("verdict", pa.bool_()),
            ("status", pa.string()),  # ok / one_way / no_answer / parse_error / timeout
        ]
    ),
    "searches": pa.schema(
        [
            *COMMON,
            ("n", pa.int32()),
            ("unit_first", pa.int32()),
            ("units", pa.int32()),
            ("status", pa.string()),  # done / failed / too_long / cut
            ("reason", pa.string()),
            ("paths", pa.int32()),
            ("over_eos", pa.int32()),
            ("over_length", pa.int32()),
            ("over_blank", pa.int32()),
            ("no_answer", pa.int32()),
            ("generated_tokens", pa.int64()),
            ("prompt_computed", pa.int64()),
            ("prompt_cached", pa.int64()),
            ("prm_computed", pa.int64()),
            ("prm_cached", pa.int64()),
            ("prm_shared", pa.int64()),  # verifier calls saved by sharing
            ("steps", pa.int32()),
            ("seconds", pa.float64()),
            ("prompt_tokens", pa.int32()),  # the root's: rendered prompt of the policy
            ("prm_prompt_tokens", pa.int32()),  # the root's for the verifier
            ("policy_params", pa.int64()),
            ("policy_attention", pa.int64()),
            ("policy_rate", pa.float64()),  # computed tokens / busy second of the engine, at hand-over
            ("prm_params", pa.int64()),
            ("prm_attention", pa.int64()),
            ("prm_rate", pa.float64()),
        ]
    ),
}


@dataclass(frozen=True)
class CellRecord:
    """A point of the grid as a results folder remembers it: all that a readout needs, and no model.

    `selection` names the problems of the cell: a key of sweep.json's `selections`, whose value is a list of
    [problem_key, problem_id, level] in the dataset's order. `unit` is the strategy's prefix_unit (paths a
    unit returns; None: the whole search is one unit). `verifier` is the hash that scores/ rows carry.
    `gold`: the verifier knows the gold answers (prm=oracle): what it decides is an upper bound.
    """

    cell: str
    family: str
    strategy: str
    variant: str
    n: int
    seeds: tuple[int, ...]
    policy: str
    prm: str | None
    verifier: str | None
    dataset: str
    selection: str
    unit: int | None
    guided: bool
    width: int | None
    depth: int | None
    search_agg: str | None
    finished: str | None
    temperature: float
    top_p: float
    max_tokens: int
    prompt: str
    gold: bool = False


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
