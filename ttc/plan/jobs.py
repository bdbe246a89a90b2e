"""Cells with their problems, and the jobs that they are made of. Pure: no file, no clock, no model.

A family is a search with n := its unit (where smaller runs are prefixes of bigger ones) and verifier := none
(where it is unguided). See docs/design.md, "Plan". Changing what goes into an id orphans stored results: bump
VERSION, on purpose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ttc.data.problems import key_of, name_of
from ttc.models import ENGINES, compares
from ttc.models.provider import Identity
from ttc.plan.cells import Cell
from ttc.settings import extensions
from ttc.store.records import CellRecord, most_units
from ttc.store.schema import column_of
from ttc.strategies import parameters
from ttc.types import Ending, Path, Problem, Sampling, Strategy

VERSION = 2
"""Of the searches' semantics and of the ids."""


def digest(*parts: object) -> str:
    """16 hex digits that name `parts` (JSON values)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def verifier_id(identity: Identity, format_: str | None, among: int | None = None) -> str:
    """What scores/ rows are keyed by: the weights, and how a text is put to them; where a score is true
    `among` so many paths only, how many they are."""
    more = [*identity.more, *([among] if among else [])]
    return digest("verifier", VERSION, identity.model, identity.context, format_, *more)


APART = 1 << 16
"""The root's children by which whole searches lie apart, where a budget pays for several of them."""


@dataclass(frozen=True, slots=True)
class PoolUnit:
    """What an ending knows of a unit: the answers of its paths, and what it cost beside the root.

    Attributes:
        costs: tokens and the sum of their contexts, of the policy and of the verifier; NaN: not known.
    """

    answers: tuple[str | None, ...]
    costs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A pool that is there in part. roots: the prompt's tokens, for the policy and for the verifier."""

    units: tuple[PoolUnit, ...]
    roots: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Job:
    """One search for one problem and one seed: units first .. first + units of its family.

    Attributes:
        family: names the searches that share work: equal but for n, problem and seed.
        strategy: with the n of this job; with `stored` paths there is nothing to search, only to score.
        unit: paths that a unit returns: a path of a pool, a subtree of dvts, a whole beam search.
        shared: columns of its rows: what shaped the search, one mapping for all of its cell's jobs.
        score: the verifier that scores an unguided search's paths.
        endings: what decides, as the units come, whether there are enough of them: of at most `units`; and
            `least` are wanted whatever they say.
        before: the pool's units before `first`, where an ending must know them.
    """

    family: str
    strategy: Strategy
    sampling: Sampling
    unit: int
    shared: Mapping[str, object]
    problem: Problem
    problem_key: str
    seed: int
    first: int
    units: int
    score: str | None = None
    stored: tuple[Path, ...] = ()
    endings: tuple[Ending, ...] = ()
    least: int = 0
    before: Begun | None = None

    @property
    def n(self) -> int:
        return self.units * self.unit

    def child_of(self, unit: int) -> int:
        """The root's first child of a unit."""
        return unit * (self.strategy.prefix_unit or APART)

    def unit_of(self, address: Sequence[int]) -> int:
        """The unit an address belongs to. The root's roll-outs are dealt out as its children are."""
        return (address[0] if address[0] >= 0 else -1 - address[0]) // (self.strategy.prefix_unit or APART)

    @property
    def title(self) -> str:
        return f"{self.shared['strategy']}, problem {self.problem.id}"

    @property
    def columns(self) -> dict[str, object]:
        """What every row of it says: how it came about, for which problem and seed."""
        own = {"problem_key": self.problem_key, "problem_id": self.problem.id}
        return {**self.shared, **own, "level": self.problem.level, "seed": self.seed}


@dataclass(frozen=True)
class PlannedCell:
    """A cell with its problems, and which weights answer them."""

    cell: Cell
    problems: tuple[Problem, ...]
    policy: Identity
    verifier: str | None
    """The hash that its scores are keyed by."""

    @property
    def scored_by(self) -> str | None:
        """The verifier that scores the paths afterwards; None where there is none, or where it guides."""
        return None if self.cell.strategy.guided else self.verifier

    @property
    def compared(self) -> bool:
        """Its verifier scores its paths against each other: exactly these, once all are there."""
        return self.verifier is not None and compares(self.cell.prm)

    @property
    def unit(self) -> int:
        return self.cell.strategy.prefix_unit or self.cell.n

    @property
    def units(self) -> int:
        """Of a pool, at most."""
        return most_units(self.cell.n, self.cell.strategy.prefix_unit, self.cell.ending)

    @cached_property
    def family(self) -> str:
        """The searches that share work with this cell's: without its n where smaller runs are prefixes,
        without a verifier where it is unguided (design, "Plan": what its hash holds)."""
        cell, sampling = self.cell, self.cell.sampling
        own = self._said() if cell.strategy.prefix_unit else self._said() | {"n": cell.n}
        hashed = digest(
            *(VERSION, cell.name, own, self.policy.model, self.policy.context),
            *(sampling.prompt.identity(), name_of(cell.dataset)),
            *(sampling.temperature, sampling.top_p, sampling.max_tokens),
            self.verifier if cell.strategy.guided else None,
            # not one pool with samples that can be had again
            *(["unseeded"] if cell.policy.unseeded else []),
            # a user's own files, as they are
            *extensions.content_of("strategy", cell.name),
            *extensions.content_of("aggregation", str(own.get("agg"))),
        )
        return f"{cell.name}-{hashed}" if cell.strategy.prefix_unit else f"{cell.name}-n{cell.n}-{hashed}"

    @cached_property
    def columns(self) -> dict[str, object]:
        """What its rows say of how they came about."""
        cell, sampling = self.cell, self.cell.sampling
        return {
            "family": self.family,
            "strategy": cell.name,
            **{column_of(key): value for key, value in self._parameters().items()},
            "temperature": float(sampling.temperature),
            "top_p": float(sampling.top_p),
            "max_tokens": sampling.max_tokens,
            "prompt": sampling.prompt.name,
            "policy": cell.policy.name,
            "prm": cell.prm.name if cell.strategy.guided and cell.prm else None,
            "dataset": name_of(cell.dataset),
        }

    @cached_property
    def record(self) -> CellRecord:
        """What the folder keeps of it."""
        cell = self.cell
        selection = digest([key_of(problem) for problem in self.problems])
        said = (cell.ending.word,) if cell.ending else ()
        hashed = digest(self.family, cell.n, self.verifier, selection, *said)
        return CellRecord(
            cell=f"{cell.name}-n{cell.n}-{hashed[:8]}",
            variant=cell.variant,
            n=cell.n,
            seeds=cell.seeds,
            headlines=cell.headlines,
            columns=self.columns | {"prm": cell.prm.name if cell.prm else None},
            verifier=self.verifier,
            selection=selection,
            unit=cell.strategy.prefix_unit,
            guided=cell.strategy.guided,
            gold=cell.prm is not None and ENGINES[cell.prm.engine].knows_gold,
            ending=cell.ending,
            tree=cell.strategy.keeps_tree,
            sequential=cell.strategy.sequential,
        )

    def job(
        self,
        problem: Problem,
        key: JobKey,
        first: int,
        units: int,
        score: str | None = None,
        stored: tuple[Path, ...] = (),
    ) -> Job:
        shared = (self.family, self.sized(units), self.cell.sampling, self.unit, self.columns)
        return Job(*shared, problem, *key[1:], first, units, score, stored)

    def sized(self, units: int) -> Strategy:
        """The strategy for so many units at once; a whole search is one."""
        units = (units or 1) if self.cell.strategy.prefix_unit else 1
        if units not in self._sized:
            self._sized[units] = replace(self.cell.strategy, n=units * self.unit)  # type: ignore[type-var]
        return self._sized[units]

    @cached_property
    def _sized(self) -> dict[int, Strategy]:
        """The strategy by units: one object for all jobs of a size."""
        return {}

    def _parameters(self) -> dict[str, object]:
        return {key: getattr(self.cell.strategy, key) for key in parameters(type(self.cell.strategy))}

    def _said(self) -> dict[str, object]:
        """The parameters that count in an id: all, but younger ones that are as if there were none."""
        strategy = self.cell.strategy
        usual = {key: parameter.default for key, parameter in parameters(type(strategy)).items()}
        own = self._parameters().items()
        return {key: value for key, value in own if key not in strategy.younger or value != usual[key]}


JobKey = tuple[str, str, int]
"""(family, problem key, seed)"""
