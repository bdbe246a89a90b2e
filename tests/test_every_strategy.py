"""What holds for every strategy of the registry: what it declares is true, its budget is kept, its bill is
the engines', and nothing that it finds depends on the order of answers or on where a launch was cut.

A new strategy is tested here without a line of test.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import pandas as pd
import pytest

from tests.conftest import stored
from tests.grids import run
from tests.test_search import LAUNCH
from ttc.grading import make_grader
from ttc.models.fake import FakePolicy, FakeVerifier
from ttc.plan.cells import read_grid
from ttc.plan.inputs import Inputs, look_up_all
from ttc.plan.jobs import Job, PlannedCell
from ttc.run.search import Rows, run_job
from ttc.run.session import Session
from ttc.store import Folder
from ttc.store.schema import KEYS
from ttc.strategies import STRATEGIES
from ttc.types import Draw, Interrupted, Judgement, Path, Query, Sample, Sampling

FEW, MANY = 4, 8
TABLE = File(__file__).with_name("controller.json")
"""What `optimal` follows."""
LINE = (
    *("-m", f"strategy={','.join(STRATEGIES)}", f"n={FEW},{MANY}", "seed=0,1", "dataset.limit=4"),
    f"strategy.optimal.table={TABLE}",
    *("policy=fake", "prm=fake", "cluster=none", "cluster.paths=8", "readout.grader=exact"),
)
TIMED = ("seconds", "policy_rate", "prm_rate")

every_strategy = pytest.mark.parametrize("name", STRATEGIES)


@functools.cache
def inputs() -> Inputs:
    return look_up_all(read_grid(LINE))


def cells_of(name: str) -> list[PlannedCell]:
    """With its defaults, as a launch plans it, the largest n last; greedy has one path whatever n is."""
    cells = (planned for planned in inputs().cells if planned.cell.name == name)
    return sorted(cells, key=lambda planned: planned.cell.n)


def job_of(cell: PlannedCell, n: int | None = None, seed: int = 0, first: int = 0) -> Job:
    """Its search for the first problem; of another n, or from a unit on, where smaller runs are prefixes."""
    units = (n or cell.cell.n) // cell.unit
    key = (cell.family, cell.problems[0].id, seed)
    return cell.job(cell.problems[0], key, first, units, cell.scored_by)


class Engines:
    """Both fakes, counted. late: their answers come in an order of their own, which it seeds."""

    def __init__(self, late: int | None = None) -> None:
        self._policy, self._verifier = FakePolicy(), FakeVerifier()
        self._late = None if late is None else random.Random(late)
        self.asked: Counter[str] = Counter()

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        await self._wait("draws")
        return await self._policy.generate(sampling, draws)

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        await self._wait("queries")
        return await self._verifier.judge(queries)

    async def _wait(self, what: str) -> None:
        self.asked[what] += 1
        for _ in range(self._late.randrange(20) if self._late else 0):
            await asyncio.sleep(0)

    def computed(self) -> list[int | None]:
        """Tokens, as the policy and the verifier have counted them."""
        return [asyncio.run(engine.stats()).computed_tokens for engine in (self._policy, self._verifier)]


def rows_of(job: Job, engines: Engines | None = None) -> Rows:
    """What the search becomes but for its seconds; the steps in an order of their own."""
    both: Any = engines or Engines()
    rows, failure = asyncio.run(run_job(job, LAUNCH, both, both, make_grader("exact")))
    assert failure is None, failure
    rows["steps"].sort(key=lambda row: (row["address"], row["step"]))
    return {table: [row | {"seconds": None} for row in found] for table, found in rows.items()}


@functools.cache
def undisturbed(name: str) -> Rows:
    return rows_of(job_of(cells_of(name)[-1]))


@every_strategy
def test_its_budget_is_kept_and_every_path_has_a_place_of_its_own(name: str) -> None:
    for cell in cells_of(name):  # a path that is not over, or another problem's, would be a failure
        paths = rows_of(job_of(cell))["paths"]
        assert 0 < len({row["path"] for row in paths}) == len(paths) <= cell.cell.n


@every_strategy
def test_nothing_depends_on_the_order_of_answers(name: str) -> None:
    for late in (1, 2):
        assert rows_of(job_of(cells_of(name)[-1]), Engines(late)) == undisturbed(name)


@every_strategy
def test_another_seed_finds_other_paths(name: str) -> None:
    [*_, cell] = cells_of(name)
    texts = [
        [row["steps"] for row in rows["paths"]] for rows in (undisturbed(name), rows_of(job_of(cell, seed=1)))
    ]
    assert (texts[0] == texts[1]) == (cell.cell.strategy.temperature == 0)


@every_strategy
def test_its_bill_is_what_the_engines_have_counted(name: str) -> None:
    engines = Engines()
    rows = rows_of(job_of(cells_of(name)[-1]), engines)
    [search] = rows["searches"]
    assert [search["generated_tokens"], search["prm_computed"]] == engines.computed()
    if rows["steps"]:  # the tree has every draw, once
        assert sum(row["tokens"] for row in rows["steps"]) == search["generated_tokens"]
        assert len({(row["address"], row["step"]) for row in rows["steps"]}) == len(rows["steps"])


@every_strategy
def test_it_asks_the_verifier_if_and_only_if_it_is_guided(name: str) -> None:
    engines = Engines()
    job = job_of(cells_of(name)[-1])
    rows_of(replace(job, score=None), engines)
    assert (engines.asked["queries"] > 0) == job.strategy.guided


@every_strategy
def test_every_child_is_scored_and_scored_once_where_it_says_so(name: str) -> None:
    if not STRATEGIES[name].scores_children:
        return
    rows = undisturbed(name)
    children = [row for row in rows["steps"] if row["verb"] in ("extend", "finish") and row["text"].strip()]
    assert children
    assert all(row["score"] is not None for row in children)
    assert sum(row["prm_tokens"] or 0 for row in rows["steps"]) == rows["searches"][0]["prm_computed"]


@every_strategy
def test_nothing_is_asked_for_in_vain_or_after_the_end(name: str) -> None:
    engines: Any = Engines(late=3)
    job = job_of(cells_of(name)[-1])

    async def searched() -> None:
        names = (job.sampling, job.seed, job.problem_key, job.n, job.first, job.strategy.scores_children)
        session = Session(engines, engines, *names)
        await job.strategy.search(Path(job.problem), session.policy, session.verifier, session.context)
        assert not session.verifier.begun
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(searched())


@every_strategy
def test_a_big_run_contains_the_small_one_and_a_run_that_grows_is_the_big_one(name: str) -> None:
    [*_, cell] = cells_of(name)
    if not (unit := cell.cell.strategy.prefix_unit):
        return
    n = 2 * max(MANY, unit)
    big = found(rows_of(job_of(cell, n)))
    for units in (1, n // unit // 2):
        small = found(rows_of(job_of(cell, units * unit)))
        rest = found(rows_of(job_of(cell, n - units * unit, first=units)))
        assert small["paths"] == big["paths"][: units * unit]
        for table, rows in big.items():
            assert sorted([*small[table], *rest[table]]) == sorted(rows), table


def found(rows: Rows) -> dict[str, list[str]]:
    """Without what tells of the run that they come of."""
    return {
        table: [str(row | {"n": None}) for row in one] for table, one in rows.items() if table != "searches"
    }


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[File, File, pd.DataFrame]:
    """Of an undisturbed launch; of one that was cut and begun again, and what had been searched by then."""
    whole, cut = (tmp_path_factory.mktemp(name) for name in ("whole", "cut"))
    draw, draws, last = FakePolicy.generate, 0, 0

    async def generate(self: FakePolicy, sampling: Sampling, asked: Sequence[Draw]) -> list[Sample]:
        nonlocal draws
        draws += 1
        if last and draws >= last:  # from then on every call, as where a launch is told to end
            raise Interrupted
        return await draw(self, sampling, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTC_CACHE", "off")
        patch.setattr(FakePolicy, "generate", generate)
        run(Folder(whole), inputs())
        draws, last = 0, draws // 2
        run(Folder(cut), inputs())
        last = 0
        before = stored(cut, "searches")
        run(Folder(cut), inputs())
    return whole, cut, before


@every_strategy
def test_a_launch_that_was_cut_ends_as_an_undisturbed_one(
    name: str, folders: tuple[File, File, pd.DataFrame]
) -> None:
    whole, cut, before = folders
    searches = of(name, whole, "searches")
    assert 0 < len(before[before["strategy"] == name]) < len(searches)
    for table in KEYS:
        pd.testing.assert_frame_equal(of(name, cut, table), of(name, whole, table), obj=table)


def of(name: str, folder: File, table: str) -> pd.DataFrame:
    rows = stored(folder, table)
    own = rows[rows["strategy"] == name]
    return own.drop(columns=[one for one in TIMED if one in own]).reset_index(drop=True)
