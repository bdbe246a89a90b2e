"""A pool that is sampled until its endings have enough (semantics, "Endings"): a few units at a time, each
time asking what a readout will ask of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ttc.grading import Grader, extract, group
from ttc.plan.jobs import Job, PoolUnit
from ttc.readout.ballots import Ballots
from ttc.readout.costs import Costs, Side, context_sum
from ttc.readout.endings import has_enough
from ttc.readout.pools import STEP_COSTS
from ttc.run.launch import Launch
from ttc.run.rows import step_rows
from ttc.run.session import Session
from ttc.types import Ending, Path, PolicyModel, VerifierModel

UNKNOWN = (float("nan"), float("nan"))


@dataclass
class Growing:
    """One pool on its way."""

    job: Job
    session: Session
    engines: tuple[PolicyModel | None, VerifierModel | None]
    grader: Grader
    launch: Launch

    def __post_init__(self) -> None:
        before = self.job.before
        self.units = list(before.units) if before else []
        self.paths: list[Path] = []
        self._roots = before.roots if before else UNKNOWN

    async def run(self) -> tuple[list[Path], Job]:
        """The paths, and the job with as many units as they are."""
        job, most = self.job, self.job.first + self.job.units
        while True:
            ballots, costs = await self._ballots(), await self._costs()
            there = len(self.units)
            open_ = [one for one in job.endings if not has_enough(one, ballots, costs, there, most)]
            drawn = there - job.first
            if drawn >= job.least and not open_:
                return self.paths, replace(job, units=drawn)
            wave = min((self._wave(ending, costs) for ending in open_), default=1)
            await self._draw(min(max(job.least - drawn, wave), job.units - drawn))

    def _wave(self, ending: Ending, costs: Costs) -> int:
        """Units until there is something new to decide: the rest of a window, or what the budgets may still
        pay if the next units cost what the others did."""
        there = len(self.units)
        waves = [ending.window - there % ending.window] if ending.rule else []
        for measure, limit in ending.budgets.items() if there else ():
            root_B, price_BU = costs.prices(scored=False)[measure]
            waves.append(int((limit - root_B[0] - price_BU.sum()) / max(price_BU.mean(), 1e-9)))
        return max(1, min(waves, default=1))

    async def _draw(self, count: int) -> None:
        job, session, first = self.job, self.session, len(self.units)
        whole = job.strategy.prefix_unit is None  # a search is one unit, and the next one a tree of its own
        count = 1 if whole else count
        if whole:
            session.start_at(job.child_of(first), first)
        strategy = replace(job.strategy, n=count * job.unit)  # type: ignore[type-var]
        parts = (session.policy, session.verifier, session.context)
        found = list(await strategy.search(Path(job.problem), *parts))
        self.paths += found
        costs = self._drawn_costs(found, first)
        reading = self.launch.readout.reading
        for unit in range(first, first + count):
            own = [path for path in found if job.unit_of(path.address) == unit]
            answers = tuple(extract(path.text, reading) for path in own)
            self.units.append(PoolUnit(answers, costs.get(unit, (0.0, 0.0, 0.0, 0.0))))

    def _drawn_costs(self, found: Sequence[Path], first: int) -> dict[int, tuple[float, ...]]:
        """Unit, from `first` on -> what its rows will say of its costs (readout/costs.py)."""
        job, root = self.job, self.session.bill.prompt_tokens
        sums: dict[int, np.ndarray] = {}
        if job.strategy.keeps_tree:
            for row in step_rows(job, self.session, first):
                known = np.nan_to_num(np.array([row[name] for name in STEP_COSTS], dtype=np.float64))
                cost = np.array([known[0] + known[1], *known[2:]])  # it reads what it is told, too
                sums[row["unit"]] = sums.get(row["unit"], 0.0) + cost  # type: ignore[index, call-overload]
        else:
            for path in found:
                tokens = np.array(path.tokens, dtype=np.float64)
                contexts = context_sum(np.array(root, dtype=np.float64), tokens)
                own = sums.get(job.unit_of(path.address), 0.0)
                sums[job.unit_of(path.address)] = own + np.array([tokens, contexts, 0.0, 0.0])
        return {unit: tuple(cost.tolist()) for unit, cost in sums.items()}

    async def _ballots(self) -> Ballots:
        """Of all paths so far; a budget alone asks nobody which answers are equal."""
        ruled = any(ending.rule for ending in self.job.endings)
        answers = [answer for unit in self.units for answer in unit.answers] if ruled else []
        groups = await group(answers, self.grader)
        return Ballots(np.array([groups], dtype=np.int64), [len(groups)])

    async def _costs(self) -> Costs:
        """Of the one pool; the verifier's only where it guides."""
        bill, facts = self.session.bill, self.launch.facts
        roots = [
            own if own is not None else before
            for own, before in zip((bill.prompt_tokens, bill.prm_prompt_tokens), self._roots, strict=True)
        ]
        cost_4U = np.array([unit.costs for unit in self.units], dtype=np.float64).reshape(-1, 4).T
        sides = []
        for i, engine in enumerate(self.engines):
            rate = (await engine.stats()).rate if engine else None
            numbers = (roots[i], facts[i].params, facts[i].attention, rate)
            root_B, *others = (np.array([number], dtype=np.float64) for number in numbers)
            sides.append(Side(root_B, cost_4U[None, 2 * i], cost_4U[None, 2 * i + 1], *others))
        guided = self.job.strategy.guided
        return Costs(sides[0], sides[1] if guided else None, guided, sides[0].token_BU)
