"""What a plan will cost, from what the folder has seen: tokens per path, and the rate of its last launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ttc.plan.plan import Plan
from ttc.store import Folder
from ttc.strategies import STRATEGIES


@dataclass(frozen=True)
class Expected:
    """Tokens that the missing searches will take, about; `seconds` is None where the folder knows no rate."""

    searches: int
    scorings: int
    policy_tokens: int
    prm_tokens: int
    seconds: float | None


def estimate(folder: Folder, plan: Plan) -> Expected:
    """The cost of `plan`'s jobs; where no search of the kind is stored, by the dataset's
    `solution_tokens`."""
    typical = {one.record.dataset: one.cell.dataset.solution_tokens for one in plan.cells}
    kind = ["strategy", "policy", "dataset"]
    seen = {} if folder.empty else _seen(folder, kind, ["paths", "generated_tokens", "prm_computed"])

    def per_path(family: str, column: str) -> float:
        columns = shared[family]
        row = seen.get(tuple(columns[name] for name in kind))
        if row is None:
            return float(typical[str(columns["dataset"])])
        return (row[f"{column}_sum"] or 0) / row["paths_sum"]

    shared = {one.family: one.columns for one in plan.cells}
    counts = plan.counts
    policy = round(sum(one.paths * per_path(family, "generated_tokens") for family, one in counts.items()))
    prm = round(sum(one.scored * per_path(family, "prm_computed") for family, one in counts.items()))
    rate = _rate(folder.runs(), plan)
    seconds = (policy + prm) / rate if rate else None
    return Expected(plan.searches, plan.size - plan.searches, policy, prm, seconds)


def _seen(folder: Folder, kind: list[str], counts: list[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The sums of `counts` for each kind of search."""
    # a search whose tokens nobody counted says nothing of the next one's
    rows = folder.read("searches", [*kind, "n", *counts]).filter(pc.field("generated_tokens").is_valid())
    # these write n and return those that they are sure of
    choosy = [name for name, one in STRATEGIES.items() if one.confident is True]
    written = pc.if_else(pc.is_in(rows["strategy"], pa.array(choosy)), rows["n"], rows["paths"])
    rows = rows.set_column(rows.column_names.index("paths"), "paths", written)
    summed = rows.group_by(kind).aggregate([(name, "sum") for name in counts]).to_pylist()
    return {tuple(row[name] for name in kind): row for row in summed if row["paths_sum"]}


def _rate(runs: Sequence[Mapping[str, Any]], plan: Plan) -> float | None:
    """Tokens per second, both engines together, of the last launch here with the same models."""
    models = {(planned.record.policy, planned.record.prm) for planned in plan.cells}
    for run in reversed(runs):
        bill = run.get("bill") or {}
        ran = {(cell["columns"]["policy"], cell["columns"]["prm"]) for cell in run["cells"]}
        if bill.get("seconds") and ran & models:
            tokens = sum(bill.get(name) or 0 for name in ("generated_tokens", "prm_computed"))
            return tokens / bill["seconds"] or None
    return None
