"""Cells -> the fewest searches: what is the same is done once. Pure: no file, no clock, no model.

Of a family (jobs.py) the largest n is what runs, and only what is missing of it. See docs/design.md, "Plan".
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from ttc.data.problems import key_of
from ttc.plan.jobs import Begun, Job, JobKey, PlannedCell
from ttc.types import Ending, Path, Problem

UnscoredKey = tuple[str, str, str, int]
"""(verifier, family, problem key, seed)"""


@dataclass(frozen=True)
class Done:
    """What committed parts hold already."""

    units: Mapping[JobKey, frozenset[int]] = field(default_factory=dict)
    unscored: Mapping[UnscoredKey, tuple[Path, ...]] = field(default_factory=dict)
    """Stored paths of an unguided family that the verifier has not scored; where it compares, all that it
    has to compare."""
    ended: Mapping[JobKey, frozenset[str]] = field(default_factory=dict)
    """The endings that have had enough of a pool, by their words."""
    begun: Mapping[JobKey, Begun] = field(default_factory=dict)
    """Pools that an ending has yet to look at, as far as they are there."""


@dataclass
class Count:
    """Of one family: searches that cells want, and of what is missing the searches, their paths, the stored
    pools to score, and the paths that a verifier will score."""

    wanted: int = 0
    units: int = 0
    """The most that one of its searches has."""
    searches: int = 0
    paths: int = 0
    pools: int = 0
    scored: int = 0


@dataclass(frozen=True)
class Demand:
    """Cells of one family that want the same problems and seeds: their largest is what runs."""

    planned: PlannedCell
    problems: Mapping[str, Problem]
    units: int
    verifiers: tuple[str, ...]
    """That score its paths afterwards."""

    @property
    def ending(self) -> Ending | None:
        """They want no more than it says."""
        return self.planned.cell.ending

    def is_like(self, problems: Mapping[str, Problem], planned: PlannedCell) -> bool:
        """Does the cell want the same, but for how much of it?"""
        return self.problems is problems and self.ending == planned.cell.ending


@dataclass(frozen=True)
class Gap:
    """Units of a pool that are missing; with endings at most so many (`Job`)."""

    first: int
    units: int
    endings: tuple[Ending, ...] = ()
    least: int = 0
    before: Begun | None = None

    @property
    def expected(self) -> int:
        """What the plan says of it: where a budget decides, no more than is known."""
        priced = any(ending.budgets for ending in self.endings)
        return max(1, self.least) if priced else self.units


@dataclass(frozen=True)
class Plan:
    """What is missing for `cells`. Its jobs are made as they are asked for and kept nowhere: there may be a
    million. It goes to other processes as it is.

    Problem by problem, because strategies draw from one random tree: neighbours in time find each other's
    prefixes in the caches. `stored`: score stored paths only, and sample nothing.
    """

    cells: tuple[PlannedCell, ...]
    done: Done = Done()
    stored: bool = False

    def jobs(self, problems: Container[str] | None = None) -> Iterator[Job]:
        """The searches that are missing, each once. problems: only theirs, by key."""
        for key, demands in self._keys(problems):
            planned, problem = demands[0].planned, demands[0].problems[key[1]]
            score = _scored_by(demands)
            # paths are scored as they come, but compared only once all are there
            now = next((verifier for verifier in score if verifier not in self._comparing), None)
            for gap in self._gaps(key, demands):
                job = planned.job(problem, key, gap.first, gap.units, now)
                yield replace(job, endings=gap.endings, least=gap.least, before=gap.before)
            for verifier in score:
                if paths := self.done.unscored.get((verifier, *key)):
                    yield planned.job(problem, key, 0, 0, verifier, paths)

    @cached_property
    def counts(self) -> dict[str, Count]:
        """How much there is to do, by family."""
        counts = {planned.family: Count() for planned in self.cells}
        for key, demands in self._keys():
            count, unit = counts[key[0]], demands[0].planned.unit
            count.wanted += 1
            count.units = max(count.units, *(demand.units for demand in demands))
            gaps = self._gaps(key, demands)
            paths = sum(gap.expected for gap in gaps) * unit
            score, comparing = _scored_by(demands), self._comparing
            pools = [self.done.unscored.get((verifier, *key), ()) for verifier in score]
            # and what is compared once these gaps are filled
            among = [comparing[verifier] for verifier in score if verifier in comparing]
            later = [units * unit for units in among if any(gap.first < units for gap in gaps)]
            count.searches += len(gaps)
            count.paths += paths
            count.pools += sum(map(bool, pools)) + len(later)
            verified = demands[0].planned.cell.strategy.guided or len(score) > len(among)
            count.scored += sum(map(len, pools)) + sum(later) + (paths if verified else 0)
        return counts

    @property
    def searches(self) -> int:
        return sum(count.searches for count in self.counts.values())

    @property
    def size(self) -> int:
        """Jobs: searches, and stored pools to score."""
        return self.searches + sum(count.pools for count in self.counts.values())

    @property
    def open_problems(self) -> list[str]:
        """The problems that have a job, by key, in the order of their first."""
        found: dict[str, None] = {}
        for job in self.jobs():
            found[job.problem_key] = None
            if len(found) == len(self._order):  # mostly the first seed has them all
                break
        return list(found)

    def _keys(self, problems: Container[str] | None = None) -> Iterator[tuple[JobKey, list[Demand]]]:
        """Every search that is wanted, with what wants it: by seed, then by problem, then by family."""
        order = self._order
        for seed in sorted({seed for planned in self.cells for seed in planned.cell.seeds}):
            wanting = {family: by_seed[seed] for family, by_seed in self._demands.items() if seed in by_seed}
            for problem in order if problems is None else filter(problems.__contains__, order):
                for family, demands in wanting.items():
                    if own := [demand for demand in demands if problem in demand.problems]:
                        yield (family, problem, seed), own

    def _gaps(self, key: JobKey, demands: Sequence[Demand]) -> list[Gap]:
        if self.stored:
            return []
        have, ended = self.done.units.get(key, frozenset()), self.done.ended.get(key, frozenset())
        asked = [one for one in demands if one.ending and one.ending.word not in ended]
        fixed = max((one.units for one in demands if not one.ending), default=0)
        there = next(unit for unit in itertools.count() if unit not in have)  # without a gap
        growing = [one for one in asked if one.units > max(there, fixed)]
        if not growing:
            return [Gap(*run) for run in missing_runs(fixed, have)]
        endings = tuple(one.ending for one in growing if one.ending)
        units = max(one.units for one in growing) - there
        return [Gap(there, units, endings, max(0, fixed - there), self.done.begun.get(key))]

    @cached_property
    def _comparing(self) -> dict[str, int]:
        """Verifiers that compare -> the units that each does."""
        return {one.verifier: one.units for one in self.cells if one.verifier and one.compared}

    @cached_property
    def _order(self) -> list[str]:
        """The problems of all cells, by key: the first of each dataset, then the second ones."""
        places: dict[str, int] = {}
        for problems in {id(planned.problems): planned.problems for planned in self.cells}.values():
            for place, problem in enumerate(problems):
                places.setdefault(key_of(problem), place)
        return sorted(places, key=places.__getitem__)

    @cached_property
    def _demands(self) -> dict[str, dict[int, list[Demand]]]:
        """Family -> seed -> what wants it."""
        keyed = {
            id(planned.problems): {key_of(problem): problem for problem in planned.problems}
            for planned in self.cells
        }
        found: dict[str, dict[int, list[Demand]]] = {}
        for planned in self.cells:
            problems = keyed[id(planned.problems)]
            for seed in planned.cell.seeds:
                demands = found.setdefault(planned.family, {}).setdefault(seed, [])
                same = next((i for i, one in enumerate(demands) if one.is_like(problems, planned)), None)
                own = (planned.scored_by,) if planned.scored_by else ()
                if same is None:
                    demands.append(Demand(planned, problems, planned.units, own))
                else:
                    before = demands[same]
                    units, verifiers = max(before.units, planned.units), (*before.verifiers, *own)
                    demands[same] = Demand(before.planned, problems, units, verifiers)
        return found


def _scored_by(demands: Sequence[Demand]) -> list[str]:
    return list(dict.fromkeys(verifier for demand in demands for verifier in demand.verifiers))


def missing_runs(units: int, have: frozenset[int]) -> list[tuple[int, int]]:
    """(first, count) of the runs of missing unit indices below `units`."""
    if not have:
        return [(0, units)]
    runs = [list(run) for there, run in groupby(range(units), have.__contains__) if not there]
    return [(run[0], len(run)) for run in runs]
