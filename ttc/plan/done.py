"""What a results folder holds of a plan already: done = the key stands in a committed part.

Found in Arrow, since a folder may hold a million paths: only texts that are to be scored become Python.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ttc.data.files import kind_of
from ttc.data.problems import key_of
from ttc.plan.begun import stored_units
from ttc.plan.jobs import Begun, JobKey, PlannedCell
from ttc.plan.plan import Done, Plan, UnscoredKey
from ttc.readout import headline_votes
from ttc.readout.ballots import CONFIDENCE
from ttc.readout.votes import VOTES
from ttc.settings import extensions
from ttc.settings.schema import DatasetConfig, ReadoutConfig
from ttc.store import Folder
from ttc.types import Path, Problem, Step, StepEnd, UserError

PATH = (
    *("family", "problem_key", "seed", "address", "copy"),
    *("steps", "step_tokens", "step_logprobs", "finish"),
)
"""The columns that a path to be scored is made of."""


def plan_missing(folder: Folder, cells: Sequence[PlannedCell], stored: bool) -> Plan:
    """What the folder lacks."""
    done = Done() if folder.empty else find_done(folder, cells)  # nothing heavy is loaded for a new folder
    return Plan(tuple(cells), done, stored)


def find_done(folder: Folder, cells: Iterable[PlannedCell]) -> Done:
    """The units that committed searches cover, and the stored pool paths that a verifier has yet to score."""
    cells = tuple(cells)
    where = _is_one("family", (planned.family for planned in cells))
    names = ["family", "problem_key", "seed", "unit_first", "units", "ended"]
    rows = folder.read("searches", [*names, "status"], where=where)
    spans = functools.cache(
        lambda first, count: frozenset(range(first, first + count))
    )  # nearly all are alike
    units: dict[JobKey, frozenset[int]] = {}
    ended: dict[JobKey, frozenset[str]] = {}
    settled = rows.filter(pc.field("status") != "failed")
    for family, problem, seed, first, count, words in _tuples(settled, names):
        # a million keys share a few thousand texts
        key, span = (sys.intern(family), sys.intern(problem), seed), spans(first, count)
        units[key] = units[key] | span if key in units else span
        if words:
            ended[key] = ended.get(key, frozenset()) | frozenset(words)
    done = Done(units, _unscored(folder, cells, units), ended)
    return replace(done, begun=_begun(folder, cells, done))


def _begun(folder: Folder, cells: Iterable[PlannedCell], done: Done) -> dict[JobKey, Begun]:
    """Of pools that an ending has not had enough of: what it must know of the units that are there."""
    found: dict[JobKey, Begun] = {}
    for planned in (one for one in cells if one.cell.ending):
        word = planned.cell.ending.word if planned.cell.ending else ""
        keys = [
            key
            for key, units in done.units.items()
            if key[0] == planned.family and units and word not in done.ended.get(key, ()) and key not in found
        ]
        if keys:
            found |= stored_units(folder, keys, planned.record)
    return found


def tell_edits(folder: Folder) -> Iterator[str]:
    """A note for each of the user's files that earlier launches of the folder had with another content only,
    where that is in the ids."""
    runs = [] if folder.empty else folder.runs()
    for own in extensions.records():
        same = [
            (one["content"], run["started"])
            for run in runs
            for one in run.get("extend", ())
            if one["name"] == own["name"]
        ]
        if not same or own["content"] in dict(same):
            continue
        kinds = {
            "searches": ("strategy", "aggregation", "engine"),
            "scores": ("heuristic", "format", "engine"),
        }
        new = [what for what, of in kinds.items() if any(kind in own["adds"] for kind in of)]
        if new:
            since, what = same[-1][1], " and ".join(new)
            yield f"{own['name']} has changed since the launch of {since}: its {what} are new"


def check_gold(folder: Folder, cells: Iterable[PlannedCell]) -> None:
    """Raises:
    UserError: the folder's verdicts were made with other gold answers than problems have now.
    """
    if folder.empty:
        return
    datasets: dict[DatasetConfig, list[PlannedCell]] = {}
    for planned in cells:
        datasets.setdefault(planned.cell.dataset, []).append(planned)
    for dataset, own in datasets.items():
        problems = {key_of(problem): problem for problem in own[0].problems}
        file = dataset.path if kind_of(dataset.path or "") else None
        check_answers(folder, problems, {planned.family for planned in own}, file or "FILE")


def check_kept(folder: Folder, cells: Iterable[PlannedCell], config: ReadoutConfig) -> None:
    """Raises:
    UserError: a headline reads the policy's confidence, and stored paths have none.
    """
    if folder.empty:
        return
    reading: dict[str, dict[str, None]] = {}
    for planned in cells:
        for vote in headline_votes(planned.cell.headlines, config):
            if not VOTES[vote].columns.isdisjoint(CONFIDENCE):
                reading.setdefault(vote, {})[planned.family] = None
    for vote, families in reading.items():
        lacking = _is_one("family", families) & pc.field("confidences").is_null()
        if some := len(folder.read_all("paths", ["seed"], where=lacking)):
            raise UserError(
                f"readout.headline={vote}: {some} stored paths of {folder} were sampled without "
                "policy.confidence=true, and what is stored is not sampled again: take another name="
            )


def check_answers(
    folder: Folder, problems: Mapping[str, Problem], families: Iterable[str], file: str
) -> None:
    """As `check_gold`, of problems by their keys. file: which has the gold answers, for the message."""
    names = ["problem_key", "gold"]
    rows = outdated(folder, {key: one.answer for key, one in problems.items()}, names, families)
    # one row per problem, not one per path: a folder may hold a million paths
    found = list(_tuples(rows.group_by(names).aggregate([]), names))
    if found:
        key, gold = found[0]
        more = f" (and {len(found) - 1} more problems)" if found[1:] else ""
        raise UserError(
            f"problem {problems[key].id}{more}: {folder} was graded with the gold answer {gold!r}, and "
            f"the dataset says {problems[key].answer!r} now; `ttc regrade {folder} golds={file}` grades "
            "anew and samples nothing, or take another name="
        )


def outdated(
    folder: Folder,
    golds: Mapping[str, str],
    columns: Sequence[str] | None = None,
    families: Iterable[str] | None = None,
) -> pa.Table:
    """The rows of grades/ whose verdict was made with another gold answer than problems have.

    Args:
        golds: by problem_key.
        columns: only these (and the table's key).
        families: only theirs; None: all.
    """
    where = _is_one("problem_key", golds)
    where = where if families is None else where & _is_one("family", families)
    asked = ["problem_key", "gold"]
    names = None if columns is None else [*columns, *asked]
    # mostly there are none: which rows of a key are the latest is found out only of problems that have some
    seen = folder.read_all("grades", asked, where=where).group_by(asked).aggregate([])
    suspects = _other_gold(seen, golds)["problem_key"].to_pylist()
    return _other_gold(folder.read("grades", names, where=where & _is_one("problem_key", suspects)), golds)


def _other_gold(rows: pa.Table, golds: Mapping[str, str]) -> pa.Table:
    place = pc.index_in(rows["problem_key"], value_set=pa.array(list(golds), pa.string()))
    now = pc.take(pa.chunked_array([pa.array(list(golds.values()), pa.string())]), place)
    return rows.filter(pc.not_equal(rows["gold"], now))


def _unscored(
    folder: Folder, cells: Iterable[PlannedCell], units: Mapping[JobKey, frozenset[int]]
) -> dict[UnscoredKey, tuple[Path, ...]]:
    families: dict[str, set[str]] = {}
    among: dict[str, int] = {}
    problems: dict[str, Problem] = {}
    for planned in cells:
        if planned.scored_by:
            families.setdefault(planned.scored_by, set()).add(planned.family)
            problems |= {key_of(problem): problem for problem in planned.problems}
            among |= {planned.scored_by: planned.units} if planned.compared else {}
    if not families:
        return {}
    found: dict[UnscoredKey, list[Path]] = {}
    for verifier, own in families.items():
        pools = _is_one("family", own) & _is_one("problem_key", problems)
        if verifier in among:
            pools &= pc.field("unit") < among[verifier]
        paths = folder.read_all("paths", ["path"], where=pools)
        scored = folder.read_all("scores", ["path"], where=pc.field("verifier") == verifier)
        lacking = paths.filter(pc.invert(pc.is_in(paths["path"], value_set=scored["path"])))
        if not len(lacking):
            continue
        for row in folder.read("paths", PATH, where=_is_one("path", lacking["path"])).to_pylist():
            key = (verifier, row["family"], row["problem_key"], row["seed"])
            found.setdefault(key, []).append(stored_path(row, problems[row["problem_key"]]))
    whole = {verifier: frozenset(range(count)) for verifier, count in among.items()}
    # paths that are compared get their scores together, and so they lack them together
    return {
        key: _sorted(paths)
        for key, paths in found.items()
        if whole.get(key[0], frozenset()) <= units.get(key[1:], frozenset())
    }


def stored_path(row: Mapping[str, Any], problem: Problem) -> Path:
    """A path as its row tells it, without its scores. Where the row has token ids, a search can go on from
    it, or from any of its prefixes; else it can only be scored."""
    end: StepEnd = row["finish"] if row["finish"] in ("eos", "length", "unsure") else "step"
    texts, sizes = row["steps"] or [""], row["step_tokens"] or [0]
    logprobs = row["step_logprobs"] or [None] * len(texts)
    ends: list[StepEnd] = [*["step"] * (len(texts) - 1), end]  # type: ignore[list-item]
    ids, bounds = row.get("token_ids"), [0, *accumulate(size or 0 for size in sizes)]
    tokens = [() if ids is None else tuple(ids[start:stop]) for start, stop in pairwise(bounds)]
    counts = [size if ids is None else None for size in sizes]
    steps = tuple(Step(*parts) for parts in zip(texts, tokens, ends, logprobs, counts, strict=True))
    address = tuple(int(index) for index in row["address"].split("/"))
    return Path(problem, steps, (), address, row.get("value"), row.get("copy") or 0)


def _sorted(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(paths, key=lambda path: (path.address, path.copy)))


def _is_one(column: str, values: Iterable[str] | pa.ChunkedArray) -> pc.Expression:
    """The column's value is one of `values`."""
    if isinstance(values, pa.ChunkedArray):
        return pc.field(column).isin(values.combine_chunks())
    return pc.field(column).isin(pa.array(sorted(set(values)), pa.string()))


def _tuples(rows: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name].to_pylist() for name in names), strict=True)
