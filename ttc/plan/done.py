"""What a results folder holds of a plan already: done = the key stands in a committed part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise
from pathlib import Path as File
from typing import Any

from ttc.data.problems import key_of
from ttc.plan.jobs import Done, JobKey, PlannedCell
from ttc.store.folder import read
from ttc.types import Path, Problem, Step, StepEnd, UserError


def find_done(folder: File, cells: Iterable[PlannedCell]) -> Done:
    """The units that committed searches cover, and the stored pool paths that a verifier has yet to score."""
    cells = tuple(cells)
    units: dict[JobKey, set[int]] = {}
    for row in _rows(folder, "searches", ["family", "problem_key", "seed", "status", "unit_first", "units"]):
        if row["status"] != "failed":
            covered = range(row["unit_first"], row["unit_first"] + row["units"])
            units.setdefault((row["family"], row["problem_key"], row["seed"]), set()).update(covered)
    return Done({key: frozenset(have) for key, have in units.items()}, _unscored(folder, cells))


def check_gold(folder: File, cells: Iterable[PlannedCell]) -> None:
    """Raises:
    UserError: the folder's verdicts were made with another gold answer than a problem has now.
    """
    golds = {(planned.family, key_of(p)): p for planned in cells for p in planned.problems}
    names = ["family", "problem_key", "gold"]
    # one row per problem, not one per path: a folder may hold a million paths
    for row in read(folder, "grades", names).group_by(names).aggregate([]).to_pylist():
        problem = golds.get((row["family"], row["problem_key"]))
        if problem and row["gold"] is not None and row["gold"] != problem.answer:
            raise UserError(
                f"problem {problem.id}: {folder} was graded with the gold answer {row['gold']!r}, and the "
                f"dataset says {problem.answer!r} now; take another name=, so that both can be told apart"
            )


def _unscored(
    folder: File, cells: tuple[PlannedCell, ...]
) -> dict[tuple[str, str, str, int], tuple[Path, ...]]:
    pools = {(planned.family, planned.scored_by) for planned in cells if planned.scored_by}
    if not pools:
        return {}
    problems = {key_of(problem): problem for planned in cells for problem in planned.problems}
    scored = {(row["path"], row["verifier"]) for row in _rows(folder, "scores", ["path", "verifier"])}
    families = {family for family, _ in pools}
    found: dict[tuple[str, str, str, int], list[Path]] = {}
    columns = ["family", "problem_key", "seed", "path", "address", "steps", "step_tokens", "step_logprobs"]
    columns += ["finish", "copy"]
    for row in _rows(folder, "paths", columns):
        if row["family"] not in families or row["problem_key"] not in problems:
            continue
        for family, verifier in pools:
            if family == row["family"] and verifier and (row["path"], verifier) not in scored:
                key = (verifier, family, row["problem_key"], row["seed"])
                found.setdefault(key, []).append(stored_path(row, problems[row["problem_key"]]))
    return {key: tuple(sorted(paths, key=lambda path: path.address)) for key, paths in found.items()}


def stored_path(row: Mapping[str, Any], problem: Problem) -> Path:
    """A path as its row tells it, without its scores. Where the row has token ids, a search can go on from
    it, or from any of its prefixes; else it can only be scored."""
    end: StepEnd = row["finish"] if row["finish"] in ("eos", "length") else "step"
    texts, sizes = row["steps"] or [""], row["step_tokens"] or [0]
    logprobs = row["step_logprobs"] or [None] * len(texts)
    ends: list[StepEnd] = [*["step"] * (len(texts) - 1), end]  # type: ignore[list-item]
    ids, bounds = row.get("token_ids"), [0, *accumulate(size or 0 for size in sizes)]
    tokens = [() if ids is None else tuple(ids[start:stop]) for start, stop in pairwise(bounds)]
    unknown = [(size or 0) if ids is None else None for size in sizes]
    steps = tuple(Step(*parts) for parts in zip(texts, tokens, ends, logprobs, unknown, strict=True))
    address = tuple(int(index) for index in row["address"].split("/"))
    return Path(problem, steps, (), address, row.get("value"), row.get("copy") or 0)


def _rows(folder: File, table: str, columns: list[str]) -> list[dict[str, Any]]:
    return read(folder, table, columns).to_pylist()
