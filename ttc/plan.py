"""Cells -> the fewest searches: what is the same is done once. Pure: no file, no clock, no model.

A family is a search with n := its unit (where smaller runs are prefixes of bigger ones) and verifier := none
(where it is unguided); its largest n is what runs. See docs/design.md, "Plan". Changing what goes into an id
orphans stored results: bump VERSION, on purpose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from ttc.grid import Cell
from ttc.problems import key_of, name_of
from ttc.schema import CellRecord
from ttc.types import Path, Problem, Sampling, Strategy

VERSION = 1
"""Of the searches' semantics and of the ids."""


def digest(*parts: object) -> str:
    """16 hex digits that name `parts` (JSON values)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Identity:
    """Which weights answer: for the ids. `context` bounds every text, so it is part of it."""

    model: str
    context: int | None


@dataclass(frozen=True)
class Family:
    """Searches that share work. `strategy` holds n := unit where it has one."""

    id: str
    label: str
    strategy: Strategy
    sampling: Sampling
    policy: str
    prm: str | None
    verifier: str | None
    dataset: str

    @property
    def unit(self) -> int:
        """Paths that a unit returns: a path of a pool, a subtree of dvts, a whole beam search."""
        return self.strategy.prefix_unit or self.strategy.n

    def columns(self) -> dict[str, object]:
        """The parameter columns of its rows."""
        parameters = asdict(self.strategy)  # type: ignore[call-overload]
        return {
            "family": self.id,
            "strategy": self.label,
            "width": parameters.get("width"),
            "depth": parameters.get("depth"),
            "search_agg": parameters.get("agg"),
            "finished": parameters.get("finished"),
            "temperature": float(self.sampling.temperature),
            "top_p": float(self.sampling.top_p),
            "max_tokens": self.sampling.max_tokens,
            "prompt": self.sampling.prompt.name,
            "policy": self.policy,
            "prm": self.prm,
            "dataset": self.dataset,
        }


@dataclass(frozen=True)
class Job:
    """One search for one problem and one seed: units first .. first + units of its family.

    `score` is the verifier that scores an unguided search's paths; with `stored` paths there is nothing to
    search, only to score.
    """

    family: Family
    problem: Problem
    seed: int
    first: int
    units: int
    score: str | None = None
    stored: tuple[Path, ...] = ()

    @property
    def n(self) -> int:
        return self.units * self.family.unit

    @property
    def strategy(self) -> Strategy:
        return replace(self.family.strategy, n=self.n)  # type: ignore[type-var]

    @property
    def columns(self) -> dict[str, object]:
        return self.family.columns() | {
            "problem_key": key_of(self.problem),
            "problem_id": self.problem.id,
            "level": self.problem.level,
            "seed": self.seed,
        }


WorkKey = tuple[str, str, int]
"""(family, problem key, seed)"""


@dataclass(frozen=True)
class Done:
    """What committed parts hold already."""

    units: Mapping[WorkKey, frozenset[int]] = field(default_factory=dict)
    unscored: Mapping[tuple[str, str, str, int], tuple[Path, ...]] = field(default_factory=dict)
    """(verifier, family, problem key, seed) -> stored paths of an unguided family it has not scored."""


@dataclass(frozen=True)
class Work:
    """A cell, placed: its family, its problems and the record that the results folder keeps."""

    cell: Cell
    family: Family
    problems: tuple[Problem, ...]
    record: CellRecord


@dataclass(frozen=True)
class Plan:
    """What to run now, and of what whole. `wanted` counts units, done ones included."""

    works: tuple[Work, ...]
    jobs: tuple[Job, ...]
    wanted: Mapping[WorkKey, int]


def verifier_id(identity: Identity, format_: str | None) -> str:
    """What scores/ rows are keyed by: the weights, and how a text is put to them."""
    return digest("verifier", VERSION, identity.model, identity.context, format_)


def family_of(cell: Cell, policy: Identity, verifier: str | None, dataset: str) -> Family:
    """The family of a cell (design, "Plan": what its hash holds and what it leaves out)."""
    unit = cell.strategy.prefix_unit
    strategy = replace(cell.strategy, n=unit) if unit else cell.strategy  # type: ignore[type-var]
    guided = cell.strategy.guided
    parameters = asdict(strategy)  # type: ignore[call-overload]
    if unit:
        parameters.pop("n")
    sampling = cell.sampling
    prompt = asdict(sampling.prompt) | {"name": None}
    hashed = digest(
        *(VERSION, cell.label, parameters, policy.model, policy.context, prompt, dataset),
        *(sampling.temperature, sampling.top_p, sampling.max_tokens, verifier if guided else None),
    )
    readable = cell.label if unit else f"{cell.label}-n{strategy.n}"
    return Family(
        id=f"{readable}-{hashed}",
        label=cell.label,
        strategy=strategy,
        sampling=sampling,
        policy=cell.policy.name,
        prm=cell.prm.name if guided and cell.prm else None,
        verifier=verifier if guided else None,
        dataset=dataset,
    )


def place(cell: Cell, problems: Sequence[Problem], policy: Identity, prm: Identity | None) -> Work:
    """The cell with its family, and what the folder keeps of it."""
    dataset = name_of(cell.dataset)
    verifier = verifier_id(prm, cell.prm.format) if prm and cell.prm else None
    family = family_of(cell, policy, verifier, dataset)
    selection = digest([key_of(problem) for problem in problems])
    columns = family.columns() | {"prm": cell.prm.name if cell.prm else None}
    hashed = digest(family.id, cell.strategy.n, verifier, selection)
    record = CellRecord(
        **columns,  # type: ignore[arg-type]
        cell=f"{cell.label}-n{cell.strategy.n}-{hashed[:8]}",
        variant=cell.variant,
        n=cell.strategy.n,
        seeds=cell.seeds,
        verifier=verifier,
        selection=selection,
        unit=cell.strategy.prefix_unit,
        guided=cell.strategy.guided,
        gold=cell.prm is not None and cell.prm.engine == "oracle",
    )
    return Work(cell, family, tuple(problems), record)


def plan(works: Iterable[Work], done: Done) -> Plan:
    """The searches that are missing for `works`, each once, problem by problem.

    Problem by problem, because strategies draw from one random tree: neighbours in time find each other's
    prefixes in the caches.
    """
    works = tuple(works)
    wanted: dict[WorkKey, int] = {}
    owners: dict[WorkKey, tuple[Family, Problem]] = {}
    verifiers: dict[WorkKey, dict[str, None]] = {}
    for work in works:
        for problem in work.problems:
            for seed in work.cell.seeds:
                key = (work.family.id, key_of(problem), seed)
                wanted[key] = max(wanted.get(key, 0), work.cell.strategy.n // work.family.unit)
                owners.setdefault(key, (work.family, problem))
                if work.record.verifier and not work.record.guided:
                    verifiers.setdefault(key, {})[work.record.verifier] = None
    jobs: list[Job] = []
    for key, units in wanted.items():
        family, problem = owners[key]
        score = list(verifiers.get(key, ()))
        for first, count in _gaps(units, done.units.get(key, frozenset())):
            jobs.append(Job(family, problem, key[2], first, count, score[0] if score else None))
        for verifier in score:
            if stored := done.unscored.get((verifier, *key)):
                jobs.append(Job(family, problem, key[2], 0, 0, verifier, stored))
    order = {key_of(problem): i for work in works for i, problem in enumerate(work.problems)}
    jobs.sort(key=lambda job: (job.seed, order[key_of(job.problem)]))
    return Plan(works, tuple(jobs), wanted)


def _gaps(units: int, have: frozenset[int]) -> list[tuple[int, int]]:
    """(first, count) of the runs of missing unit indices below `units`."""
    gaps: list[tuple[int, int]] = []
    for index in range(units):
        if index in have:
            continue
        if gaps and sum(gaps[-1]) == index:
            gaps[-1] = (gaps[-1][0], gaps[-1][1] + 1)
        else:
            gaps.append((index, 1))
    return gaps
