"""One job -> rows: what a search may return, copies, token ids, discarded leaves, prefixes that go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pytest

from tests.conftest import stored
from tests.test_verbs import Lookahead, Particles
from tests.worlds import TINY, session_of
from ttc.grading import make_grader
from ttc.models.fake import FakePolicy, FakeVerifier
from ttc.plan.done import stored_path
from ttc.plan.jobs import Job
from ttc.run.launch import Failure, Launch
from ttc.run.rows import path_name
from ttc.run.search import run_job
from ttc.settings.schema import ClusterConfig, PrmConfig, ReadoutConfig
from ttc.store import Folder
from ttc.store.schema import table_schema
from ttc.strategies import STRATEGIES
from ttc.strategies.beam import Beam
from ttc.types import Context, ModelFacts, Path, Policy, Prompt, Sampling, Strategy, Verifier

LAUNCH = Launch(
    policy=None,
    prm=PrmConfig("fake"),
    verifier_id="v",
    facts=(ModelFacts(), ModelFacts()),
    readout=ReadoutConfig(grader="exact"),
    cluster=ClusterConfig(),
    folder=Folder("nowhere"),
)


def job_of(strategy: Strategy) -> Job:
    sampling, shared = Sampling(Prompt("plain")), {"strategy": "mine", "prm": "fake"}
    return Job("mine-n4", strategy, sampling, strategy.n, shared, TINY, "p", seed=0, first=0, units=1)


def rows_of(
    strategy: Strategy, launch: Launch = LAUNCH
) -> tuple[dict[str, list[dict[str, Any]]], str | None]:
    engines = (FakePolicy(), FakeVerifier())
    return asyncio.run(run_job(job_of(strategy), launch, *engines, make_grader("exact")))


@dataclass(frozen=True)
class Odd(Strategy):
    """Returns what a strategy should not, or less than it may."""

    n: int = 4
    how: str = "none"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        [paths] = await policy.finish([root], 5)
        [[live]] = await policy.extend([root], 1)
        other = replace(paths[0], problem=replace(TINY, id="other"))
        odd = {"none": [], "fewer": paths[:3], "more": paths, "unfinished": [live], "other": [other]}
        return await verifier.score(odd[self.how])


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("more", "mine returned 5 paths, more than n=4"),
        ("unfinished", "mine returned a path that is not over: address '5'"),
        ("other", "mine returned a path of problem other"),
    ],
)
def test_a_search_that_returns_what_it_must_not_fails_and_says_what(how: str, said: str) -> None:
    rows, failure = rows_of(Odd(how=how))
    assert failure == Failure("mine, problem p", f"ValueError: {said}")
    assert rows.keys() == {"searches"}
    assert [(row["status"], row["reason"]) for row in rows["searches"]] == [("failed", f"ValueError: {said}")]


@dataclass(frozen=True)
class Unfinished(Odd):
    finishes: ClassVar[bool] = False


def test_a_path_that_is_not_over_is_a_row_without_a_finish_where_the_strategy_says_so() -> None:
    rows, failure = rows_of(Unfinished(how="unfinished"))
    assert failure is None
    assert [(row["finish"], row["answer"]) for row in rows["paths"]] == [(None, None)]
    assert [len(row["scores"]) for row in rows["scores"]] == [1]


@dataclass(frozen=True)
class NoList(Strategy):
    """Returns no list of paths."""

    n: int = 4
    how: str = "None"

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> Any:
        [paths] = await policy.finish([root], 2)
        odd = {
            "None": None,
            "generator": (path for path in paths),
            "hole": [*paths, None],
            "text": paths[0].text,
        }
        return odd[self.how]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("None", "mine returned None, and no list of paths"),
        ("generator", "mine returned a generator, and no list of paths"),
        ("text", "mine returned a str, and no list of paths"),
        ("hole", "mine returned None among its paths"),
    ],
)
def test_a_search_that_returns_no_list_of_paths_is_named(how: str, said: str) -> None:
    _, failure = rows_of(NoList(how=how))
    assert failure == Failure("mine, problem p", f"ValueError: {said}")


@dataclass(frozen=True)
class Circle(Strategy):
    n: int = 4

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        live = [root]
        while len(live) < 2:
            live = [child for family in await policy.extend([], self.n) for child in family]
        return live


def test_a_search_that_goes_round_and_asks_for_nothing_is_found_out() -> None:
    _, failure = rows_of(Circle())
    assert failure is not None
    assert "asked the policy for nothing 1,000 times in a row" in failure.reason


@pytest.mark.parametrize(("how", "count"), [("none", 0), ("fewer", 3)])
def test_a_search_may_return_fewer_than_n_or_nothing(how: str, count: int) -> None:
    rows, failure = rows_of(Odd(how=how))
    assert failure is None
    assert [len(rows[table]) for table in ("paths", "grades", "scores")] == [count] * 3
    assert [(row["status"], row["paths"]) for row in rows["searches"]] == [("done", count)]


def test_a_copy_of_a_path_is_a_row_of_its_own_in_every_table() -> None:
    rows, _ = rows_of(Particles(16, tau=0.05))
    keys = [row["path"] for row in rows["paths"]]
    assert len(set(keys)) == len(keys) == 16
    assert keys == [row["path"] for row in rows["grades"]] == [row["path"] for row in rows["scores"]]
    first = [row for row in rows["paths"] if row["copy"] == 0]
    assert {path_name("mine-n4", "p", 0, row["address"]) for row in first} == {row["path"] for row in first}
    assert len({row["address"] for row in rows["paths"]}) == len(first) < 16
    assert all(row["value"] > 0 for row in rows["paths"])


def test_the_steps_of_a_search_that_looks_ahead_add_up_to_its_bill() -> None:
    rows, _ = rows_of(Lookahead(16))
    [search], steps = rows["searches"], rows["steps"]
    assert {row["verb"] for row in steps} == {"extend", "roll_out"}
    assert sum(row["tokens"] for row in steps) == search["generated_tokens"]
    # a step that was first scored at the end of a roll-out has its score and its cost where it was drawn
    assert all(row["score"] is not None and row["prm_tokens"] > 0 for row in steps)
    assert len({(row["address"], row["step"]) for row in steps}) == len(steps)


@pytest.mark.parametrize("strategy", [Particles(16, tau=0.05), Lookahead(16)])
def test_the_leaves_that_a_search_drops_are_graded_on_request_and_its_roll_outs_never(
    strategy: Strategy,
) -> None:
    plain, _ = rows_of(strategy)
    rows, _ = rows_of(strategy, replace(LAUNCH, discarded=True))
    assert rows["paths"] == plain["paths"]
    assert rows["grades"][:16] == plain["grades"]
    leaves = {row["address"] for row in rows["steps"] if row["finish"] and row["verb"] != "roll_out"}
    dropped = leaves - {row["address"] for row in rows["paths"]}
    assert bool(dropped) == isinstance(strategy, Particles)
    keys = {path_name("mine-n4", "p", 0, address) for address in dropped}
    assert keys == {row["path"] for row in rows["grades"][16:]}


def test_a_stored_prefix_goes_on_as_the_undisturbed_search_did() -> None:
    session = session_of()
    job = job_of(Beam(16, width=2))
    parts = (session.policy, session.verifier, session.context)
    paths = asyncio.run(job.strategy.search(Path(TINY), *parts))
    rows, _ = rows_of(job.strategy)
    table = pa.Table.from_pylist(rows["paths"], schema=table_schema("paths"))
    read = [stored_path(row, TINY) for row in table.to_pylist()]
    assert read == [replace(path, scores=()) for path in paths]
    cut = {
        path.address[:k]: replace(path, steps=path.steps[:k], address=path.address[:k])
        for path in read
        for k in range(1, len(path.steps))
    }
    for address, prefix in cut.items():
        drawn = [one.child for one in session.drawn if one.parent.address == address]
        [children] = asyncio.run(session_of().policy.extend([prefix], len(drawn)))
        assert children == [replace(child, scores=()) for child in drawn]
    assert len(cut) > 4


def test_what_a_search_returns_reaches_the_readout(
    launch: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: File
) -> None:
    monkeypatch.setitem(STRATEGIES, "particles", Particles)
    monkeypatch.setitem(STRATEGIES, "odd", Odd)
    assert launch("-m", "strategy=particles,odd", "n=4", "dataset.limit=6") == 0
    paths = stored(tmp_path / "default", "paths")
    assert paths["strategy"].value_counts().to_dict() == {"particles": 24}
    assert paths["copy"].max() > 0
    answers = pd.read_parquet(tmp_path / "default" / "answers.parquet")
    nothing = answers[answers["strategy"] == "odd"]
    assert set(zip(nothing["correct"], nothing["reason"], strict=True)) == {(0.0, "empty")}


def test_graded_leaves_do_not_disturb_a_readout(
    launch: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: File
) -> None:
    monkeypatch.setitem(STRATEGIES, "particles", Particles)
    line = ("strategy=particles", "n=8", "dataset.limit=5")
    assert launch(*line, name="plain") == launch(*line, "grade_discarded=true", name="graded") == 0
    grades = [stored(tmp_path / name, "grades") for name in ("plain", "graded")]
    assert len(grades[0]) < len(grades[1])
    for name in ("answers", "readout", "readout_by"):
        plain, graded = (pd.read_parquet(tmp_path / run / f"{name}.parquet") for run in ("plain", "graded"))
        pd.testing.assert_frame_equal(plain, graded)
