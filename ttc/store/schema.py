"""The columns of a results folder's tables, and what it remembers of a cell (docs/design.md, "Rows").

One schema per table, all columns in every file, so that pandas, polars and DuckDB read a folder as it is. The
parameters of the strategies are columns too: the registry says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_args, get_origin, get_type_hints

import pyarrow as pa

from ttc.strategies import STRATEGIES, parameters

SCHEMA_VERSION = 2

Columns = list[tuple[str, pa.DataType]]

SHAPED: Columns = [
    ("temperature", pa.float64()),
    ("top_p", pa.float64()),
    ("max_tokens", pa.int32()),
    ("prompt", pa.string()),
    ("policy", pa.string()),
    ("prm", pa.string()),  # guided searches: the PRM that guided; scores/: the one that scored; else null
    ("dataset", pa.string()),
]
"""What shapes any search, beside its strategy's parameters."""

READ: Columns = [("vote", pa.string()), ("agg", pa.string()), ("subset", pa.string())]
"""How a readout reads a cell. agg: null where the vote needs no scores."""

PROBLEM: Columns = [
    ("problem_key", pa.string()),  # hash of question and id: joins rows to a run's selection
    ("problem_id", pa.string()),
    ("level", pa.int32()),
    ("seed", pa.int64()),
]

OWN: dict[str, Columns] = {
    "paths": [
        ("path", pa.string()),  # key: hash of family, problem, seed, address
        ("n", pa.int32()),  # the n of the search that first drew it
        ("unit", pa.int32()),
        ("address", pa.string()),  # "0/3/1", ordered by its integers
        ("steps", pa.list_(pa.string())),
        ("step_tokens", pa.list_(pa.int32())),
        ("step_logprobs", pa.list_(pa.float64())),
        ("finish", pa.string()),  # eos / length / blank
        ("answer", pa.string()),  # as written by the path; null: none
        ("token_ids", pa.list_(pa.int32())),  # of all steps, cut by step_tokens; null: not known
        ("copy", pa.int32()),  # 0; a search that duplicates paths: which copy
        ("value", pa.float64()),  # what the search thinks of it, beside its scores
    ],
    "steps": [
        ("unit", pa.int32()),
        ("address", pa.string()),
        ("parent", pa.string()),
        (
            "step",
            pa.int32(),
        ),  # position in the path, 0-based: a finished path adds several with one address
        ("verb", pa.string()),  # extend / finish / roll_out
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
        ("token_ids", pa.list_(pa.int32())),
    ],
    "scores": [
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
    ],
    "grades": [
        ("path", pa.string()),
        ("grader", pa.string()),
        ("version", pa.string()),
        ("extract", pa.string()),  # the rule by which the answer was read off the path's text
        ("gold", pa.string()),
        ("answer", pa.string()),  # as that rule reads it; null: none
        ("verdict", pa.bool_()),
        ("status", pa.string()),  # ok / one_way / no_answer / parse_error / timeout
    ],
    "searches": [
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
    ],
}
"""Table -> its own columns, behind the common ones."""

TABLES = tuple(OWN)
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

TAKEN = {"cell", "family", "strategy", "variant", "n"} | {
    name for columns in (SHAPED, READ, PROBLEM, *OWN.values()) for name, _ in columns
}
KINDS = {bool: pa.bool_(), int: pa.int32(), float: pa.float64()}


def column_of(parameter: str) -> str:
    """The column of a strategy's parameter: its name, but for names that rows have columns of already."""
    return f"search_{parameter}" if parameter in TAKEN else parameter


def parameter_columns() -> Columns:
    """What shaped a search, in rows and readouts alike; null = the strategy has no such parameter."""
    found: dict[str, pa.DataType] = {}
    for strategy in STRATEGIES.values():
        hints = get_type_hints(strategy)
        for name in parameters(strategy):
            found.setdefault(column_of(name), _kind(hints[name]))
    return [*found.items(), *SHAPED]


def _kind(hint: Any) -> pa.DataType:
    """The Arrow type of a parameter; a text where it is no number."""
    kinds = {get_origin(kind) or kind for kind in (hint, *get_args(hint))}
    return next((arrow for kind, arrow in KINDS.items() if kind in kinds), pa.string())


def common_columns() -> Columns:
    return [("family", pa.string()), ("strategy", pa.string()), *parameter_columns(), *PROBLEM]


def table_schema(table: str) -> pa.Schema:
    """The columns of a table, as the registry of strategies is now."""
    return pa.schema([*common_columns(), *OWN[table]])


@dataclass(frozen=True)
class CellRecord:
    """A point of the grid as a results folder remembers it: all that a readout needs, and no model.

    Attributes:
        columns: family, strategy, its parameters and what else shaped its searches, as rows have them; `prm`
            is the one whose scores are read.
        headlines: votes that are the cell's results, declared before the run; None: the readout's own.
        verifier: the hash that scores/ rows carry.
        selection: names the problems of the cell: a key of sweep.json's `selections`, whose value is a list
            of [problem_key, problem_id, level] in the dataset's order.
        unit: the strategy's prefix_unit (paths a unit returns; None: the whole search is one unit).
        gold: the verifier knows the gold answers (prm=oracle): what it decides is an upper bound.
    """

    cell: str
    variant: str
    n: int
    seeds: tuple[int, ...]
    columns: Mapping[str, Any]
    selection: str
    headlines: tuple[str | None, ...] = (None,)
    verifier: str | None = None
    unit: int | None = None
    guided: bool = False
    gold: bool = False

    @property
    def usable(self) -> bool:
        """Units make its n, so that it can be read."""
        return self.unit is None or self.n % self.unit == 0

    @property
    def family(self) -> str:
        return str(self.columns["family"])

    @property
    def strategy(self) -> str:
        return str(self.columns["strategy"])

    @property
    def policy(self) -> str:
        return str(self.columns["policy"])

    @property
    def prm(self) -> str | None:
        return self.columns["prm"]

    @property
    def dataset(self) -> str:
        return str(self.columns["dataset"])

    @property
    def line(self) -> tuple[Any, ...]:
        """What a table shows as one line, by n."""
        return (self.strategy, self.variant, self.policy, self.prm, self.dataset)


def unite_cells(runs: Iterable[Mapping[str, Any]]) -> tuple[list[CellRecord], dict[str, list[list[Any]]]]:
    """The cells of all runs (a cell's seeds and headlines: those of all; its record: the latest), and the
    selections.

    What a cell is told apart by names it once: where a dataset's or a model's content has changed under its
    name, the later cell stands for it and the earlier one's rows stay unread.
    """
    cells: dict[tuple[object, ...], CellRecord] = {}
    selections: dict[str, list[list[Any]]] = {}
    names = {field.name for field in fields(CellRecord)}
    for run in runs:
        selections.update(run["selections"])
        for record in run["cells"]:
            known = {name: value for name, value in record.items() if name in names}
            lists = {name: tuple(known[name]) for name in ("seeds", "headlines")}
            cell = CellRecord(**known | lists)
            name = (*cell.line, cell.n)
            if name in cells and cells[name].cell == cell.cell:
                headlines = tuple(dict.fromkeys([*cells[name].headlines, *cell.headlines]))
                seeds = tuple(sorted({*cells[name].seeds, *cell.seeds}))
                cell = replace(cell, seeds=seeds, headlines=headlines)
            cells[name] = cell
    return list(cells.values()), selections
