"""What a plan will cost, from what the folder has seen: tokens per path, and the rate of its last launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from ttc.plan.jobs import Job, Plan
from ttc.store.folder import load_runs, read


@dataclass(frozen=True)
class Expected:
    """Tokens that the missing searches will take, about; `seconds` is None where the folder knows no rate."""

    searches: int
    scorings: int
    policy_tokens: int
    prm_tokens: int
    seconds: float | None


def estimate(folder: File, plan: Plan, solution_tokens: Mapping[str, int]) -> Expected:
    """The cost of `plan`'s jobs; `solution_tokens` (by dataset) where no search of the kind is stored."""
    columns = ["strategy", "policy", "dataset", "paths", "generated_tokens", "prm_computed"]
    rows = read(folder, "searches", columns).to_pandas()
    sums = rows.groupby(["strategy", "policy", "dataset"])[columns[3:]].sum() if len(rows) else None

    def per_path(job: Job, column: str) -> float:
        key = (job.columns["strategy"], job.columns["policy"], job.columns["dataset"])
        if sums is not None and key in sums.index and sums.loc[key, "paths"] > 0:
            return float(sums.loc[key, column] / sums.loc[key, "paths"])
        return float(solution_tokens[str(job.columns["dataset"])])

    searches = [job for job in plan.jobs if not job.stored]
    verified = [job for job in plan.jobs if job.score or job.columns["prm"]]
    policy = round(sum(job.n * per_path(job, "generated_tokens") for job in searches))
    prm = round(sum((job.n or len(job.stored)) * per_path(job, "prm_computed") for job in verified))
    rate = _rate(load_runs(folder), plan)
    seconds = (policy + prm) / rate if rate else None
    return Expected(len(searches), len(plan.jobs) - len(searches), policy, prm, seconds)


def _rate(runs: Sequence[Mapping[str, Any]], plan: Plan) -> float | None:
    """Tokens per second, both engines together, of the last launch here with the same models."""
    models = {(planned.record.policy, planned.record.prm) for planned in plan.cells}
    for run in reversed(runs):
        bill = run.get("bill") or {}
        if (
            bill.get("seconds")
            and {(cell["columns"]["policy"], cell["columns"]["prm"]) for cell in run["cells"]} & models
        ):
            return ((bill["generated_tokens"] or 0) + (bill["prm_computed"] or 0)) / bill["seconds"] or None
    return None
