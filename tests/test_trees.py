"""Stored rows -> trees: decisions that are known beforehand, and what holds for every tree of a sweep."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path as File
from typing import Any

import pytest

from tests.hand import COLUMNS, HandFolder, change, pool
from tests.hand import POOL as POOL_CELL
from tests.test_search import LAUNCH
from tests.test_verbs import Lookahead
from tests.worlds import PROBLEM
from ttc.grading import make_grader
from ttc.models.fake import FakePolicy, FakeVerifier
from ttc.plan.jobs import Job
from ttc.readout import readout_config
from ttc.run.search import run_job
from ttc.run.session import address_text, seed_of
from ttc.settings.schema import ReadoutConfig
from ttc.store import CellRecord, Folder
from ttc.strategies.ab_mcts import AbMcts
from ttc.strategies.beam import Beam
from ttc.strategies.best_of_n import BestOfN
from ttc.strategies.dvts import Dvts
from ttc.studies.tree import Tree
from ttc.studies.trees import Forest
from ttc.types import Draw, Judgement, Prompt, Query, Sample, Sampling, Step, Strategy, UserError

EXACT = ReadoutConfig(grader="exact")
PLACES = [address for depth in range(1, 5) for address in product(range(5), repeat=depth)]
ADDRESS = {seed_of(0, "p", address, chat): address for address in PLACES for chat in (False, True)}


@dataclass
class Written:
    """Engines that read from tables: a step's text is its address, and a draw to the end has two of them.

    `ends`: address -> why the path is over there; the text is then an answer, the sum of the address's
    indices. `scores` are by text.
    """

    ends: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float | None] = field(default_factory=dict)

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        return [self._sample(draw, ADDRESS[draw.seed]) for draw in draws]

    def _sample(self, draw: Draw, address: tuple[int, ...]) -> Sample:
        name, answer = address_text(address), f"\\boxed{{{sum(address)}}}"
        end = self.ends.get(name, "eos" if draw.whole else "step")
        last = Step(f"{name}\n\n" if end == "step" else answer, (1, 2), end)
        return Sample((Step(f"{name} on\n\n", (3,), "step"), last) if draw.whole else (last,), 5)

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return [self._judge([step.strip() for step in query.steps], query.known) for query in queries]

    def _judge(self, steps: Sequence[str], known: int) -> Judgement:
        scores = tuple(self.scores.get(step, 0.5) for step in steps[known:])
        return Judgement(scores, (1,) * len(scores), root=1, start=known)


def grow(path: File, strategy: Strategy, engines: Any, verifier: Any = None) -> HandFolder:
    """The strategy's search in a folder, its one cell named after the family."""
    unit = strategy.prefix_unit
    shared = COLUMNS | {"family": "f", "strategy": type(strategy).__name__.lower(), "prm": "ver"}
    sampling, units = Sampling(Prompt("plain")), strategy.n // (unit or strategy.n)
    score = None if strategy.guided else "v"
    job = Job("f", strategy, sampling, unit or strategy.n, shared, PROBLEM, "p", 0, 0, units, score)
    rows, failure = asyncio.run(run_job(job, LAUNCH, engines, verifier or engines, make_grader("exact")))
    assert not failure
    folder = HandFolder(path)
    for table, own in rows.items():
        folder.rows[table] += own
    folder.commit(cell_of(strategy), problems=("p",))
    return folder


def cell_of(strategy: Strategy, **more: Any) -> CellRecord:
    name = type(strategy).__name__.lower()
    return change(
        POOL_CELL,
        cell=f"{name}-{strategy.n}",
        n=strategy.n,
        family="f",
        strategy=name,
        unit=strategy.prefix_unit,
        guided=strategy.guided,
        tree=strategy.keeps_tree,
        sequential=strategy.sequential,
    )


def tree_of(folder: HandFolder, cell: CellRecord) -> Tree:
    return Forest(folder.folder, EXACT).tree(cell, "p", 0)


def fates(tree: Tree) -> dict[str, str]:
    """Of every node, with a star where a path is returned."""
    return {node.address: node.fate + "*" * node.returned for node in tree.nodes}


# --- Decisions that are known beforehand --------------------------------------------------------------


def test_a_beam_search_step_by_step(tmp_path: File) -> None:
    """Of four first steps 1 is over, and of the others 0 is best: three children. One of them is over, one
    cut by length, and the third's one child ends the search."""
    ends = {"1": "eos", "0/0": "eos", "0/1": "length", "0/2/0": "eos"}
    scores = {
        "0": 0.9,
        "2": 0.8,
        "3": None,
        "\\boxed{1}": 0.7,
        "\\boxed{0}": 0.2,
        "0/2": 0.6,
        "\\boxed{2}": 0.1,
    }
    strategy = Beam(4, width=2)
    tree = tree_of(grow(tmp_path, strategy, Written(ends, scores)), cell_of(strategy))
    assert fates(tree) == {
        **{"0": "kept", "0/0": "over*", "0/1": "length*", "0/2": "kept", "0/2/0": "over*"},
        **{"1": "over*", "2": "cut", "3": "cut"},
    }
    assert [node.parent for node in tree.nodes] == ["", "0", "0", "0", "0/2", "", "", ""]
    assert [node.first for node in tree.nodes] == [0, 1, 1, 1, 2, 0, 0, 0]
    assert [node.scores[0] for node in tree.nodes] == [0.9, 0.2, 0.7, 0.6, 0.1, 0.7, 0.8, None]
    assert (tree.nodes[0].texts, tree.nodes[0].tokens) == (("0\n\n",), 2)
    leaves = [
        (leaf.address, leaf.answer, leaf.group, leaf.scores["last"], leaf.tokens) for leaf in tree.leaves
    ]
    assert leaves == [
        *(("0/0", "0", 0, 0.2, 4), ("0/1", "1", 1, 0.7, 4)),
        *(("0/2/0", "2", 2, 0.1, 6), ("1", "1", 1, 0.7, 2)),
    ]
    votes = {(vote.vote, vote.agg): vote for vote in tree.votes}
    chosen = votes["weighted", "last"]
    assert (chosen.answer, chosen.winner, chosen.right, chosen.headline) == ("1", 1, False, True)
    assert chosen.totals == pytest.approx((0.2, 1.4, 0.1))
    assert votes["majority", None].totals == (1, 2, 1)
    assert votes["best", "min"].totals == (0.2, 0.7, 0.1)
    bound = votes["oracle", None]
    assert (bound.totals, bound.winner, bound.upper_bound, bound.headline) == ((0, 0, 0), -1, True, False)
    assert (tree.status, tree.guided, tree.question) == ("done", True, None)


def test_subtrees_of_dvts_and_the_cell_that_reads_the_first_of_them(tmp_path: File) -> None:
    """The first goes on from 0, though 1 is over; 0/0 ends it, 0/1 is finished. The second ends at once."""
    ends = {"1": "eos", "0/0": "eos", "2": "eos"}
    scores = {"0": 0.9, "\\boxed{1}": 0.1, "\\boxed{0}": 0.8, "\\boxed{2}": 0.7, "3": 0.2}
    folder = grow(tmp_path, Dvts(4, width=2), Written(ends, scores))
    first = {"0": "kept", "0/0": "over*", "0/1": "kept", "0/1/0": "over*", "1": "over"}
    tree = tree_of(folder, cell_of(Dvts(4, width=2)))
    assert fates(tree) == first | {"2": "over*", "3": "kept", "3/0": "over*"}
    finished = next(node for node in tree.nodes if node.address == "0/1/0")
    assert (finished.first, finished.texts) == (2, ("0/1/0 on\n\n", "\\boxed{1}"))
    assert finished.scores == (0.5, 0.1)
    small = cell_of(Dvts(2, width=2))
    folder.commit(small, problems=("p",))
    tree = tree_of(folder, small)
    assert fates(tree) == first
    assert [leaf.address for leaf in tree.leaves] == ["0/0", "0/1/0"]
    assert {vote.totals for vote in tree.votes if vote.vote == "majority"} == {(1, 1)}


def test_a_pool_is_a_node_per_path_and_a_smaller_n_its_first_ones(tmp_path: File) -> None:
    folder = grow(tmp_path, BestOfN(3), Written({"1": "length"}, {"0 on": 0.3, "\\boxed{2}": None}))
    tree = tree_of(folder, cell_of(BestOfN(3)))
    assert fates(tree) == {"0": "over*", "1": "length*", "2": "over*"}
    assert tree.nodes[0].texts == ("0 on\n\n", "\\boxed{0}")
    assert [node.scores for node in tree.nodes] == [(0.3, 0.5), (0.5, 0.5), (0.5, None)]
    assert tree.leaves[2].scores == dict.fromkeys(("last", "min", "prod", "mean"))
    folder.commit(cell_of(BestOfN(1)), problems=("p",))
    assert fates(tree_of(folder, cell_of(BestOfN(1)))) == {"0": "over*"}


def test_a_roll_out_is_cut_and_does_not_keep_what_it_looked_from(tmp_path: File) -> None:
    strategy = Lookahead(8)
    tree = tree_of(grow(tmp_path, strategy, FakePolicy(), FakeVerifier()), cell_of(strategy))
    looks = [node for node in tree.nodes if "-" in node.address]
    assert len(looks) > 8
    assert {node.fate for node in looks} == {"cut"}
    parents = {node.parent for node in tree.nodes if "-" not in node.address}
    assert {node.fate for node in tree.nodes if node.address in parents} == {"kept"}
    looked_from = {node.parent for node in looks} - parents
    assert "cut" in {node.fate for node in tree.nodes if node.address in looked_from}


def test_a_step_whose_roll_out_is_returned_is_kept(tmp_path: File) -> None:
    strategy = AbMcts(4)
    tree = tree_of(grow(tmp_path, strategy, FakePolicy(), FakeVerifier()), cell_of(strategy))
    assert {(node.fate, node.returned) for node in tree.nodes if "-" in node.address} == {("over", True)}
    assert {node.fate for node in tree.nodes if "-" not in node.address} == {"kept"}


def test_what_is_missing_is_said_and_nobody_votes(tmp_path: File) -> None:
    folder = HandFolder(tmp_path)
    pool(folder)
    missing, unscored = change(POOL_CELL, n=8), change(POOL_CELL, verifier="other")
    folder.search(POOL_CELL, "p", [], seed=1, status="cut")
    folder.rows["searches"][-1] |= {"units": 4, "reason": "past search_steps=3"}
    folder.search(POOL_CELL, "p", [], seed=2, status="failed")
    folder.rows["searches"][-1] |= {"units": 4, "reason": "ValueError: no"}
    folder.commit(POOL_CELL)
    forest = Forest(folder.folder, ReadoutConfig())
    told = [(POOL_CELL, 0), (missing, 0), (unscored, 0), (POOL_CELL, 1), (POOL_CELL, 2), (POOL_CELL, 3)]
    trees = forest.trees([(cell, "p", seed) for cell, seed in told])
    assert [(tree.status, tree.reason, len(tree.leaves), bool(tree.votes)) for tree in trees] == [
        *(("done", None, 4, True), ("missing", None, 4, False), ("done", None, 4, False)),
        *(("cut", "past search_steps=3", 0, True), ("failed", "ValueError: no", 0, False)),
        ("missing", None, 0, False),
    ]
    with pytest.raises(UserError, match="bon-4: no problem x is in it"):
        forest.tree(POOL_CELL, "x", 0)


# --- What holds for every tree of a sweep -------------------------------------------------------------


@pytest.fixture
def folder(launch: Callable[..., int], tmp_path: File) -> Folder:
    words = ("strategy=greedy,best_of_n,beam,dvts", "n=1,4,16", "seeds=[0,1]", "dataset.limit=6")
    assert launch("-m", *words, "max_tokens=90", "readout.grader=exact", name="x") == 0
    return Folder(tmp_path / "x")


def test_trees_tell_what_is_stored_and_no_more(folder: Folder) -> None:
    forest, selections = Forest(folder, readout_config(folder)), folder.cells()[1]
    wanted = [
        (cell, key, seed)
        for cell in forest.cells
        for key, _, _ in selections[cell.selection]
        for seed in cell.seeds
    ]
    trees = forest.trees(wanted)
    assert trees[7] == forest.tree(*wanted[7])
    paths = {row["path"]: row for row in folder.read("paths").to_pylist()}
    scores = {row["path"]: row["scores"] for row in folder.read("scores").to_pylist()}
    steps = folder.read("steps").to_pylist()
    problems = {row["problem_key"]: row for row in folder.frame("problems").to_dict("records")}
    chosen = folder.frame("answers", filters=[("subset", "==", "prefix")]).astype(object)
    chosen = chosen.where(chosen.notna(), None)
    rows = {
        (row.cell, row.problem_key, row.seed, row.vote, row.agg): (row.answer, bool(row.correct))
        for row in chosen.itertuples()
    }
    seen = Counter[tuple[Any, ...]]()
    for (cell, key, seed), tree in zip(wanted, trees, strict=True):
        nodes = {node.address: node for node in tree.nodes}
        assert (tree.question, tree.gold) == (problems[key]["question"], problems[key]["gold"])
        for leaf in tree.leaves:
            assert nodes[leaf.address].returned
            path, at = [nodes[leaf.address]], leaf.address
            while at := nodes[at].parent:
                path.insert(0, nodes[at])
            texts = [text for node in path for text in node.texts]
            assert texts == paths[leaf.path]["steps"]
            assert [node.first for node in path] == [0, *(node.first + len(node.texts) for node in path[:-1])]
            worded = [
                score
                for node in path
                for text, score in zip(node.texts, node.scores, strict=True)
                if text.strip()
            ]
            assert worded == (scores[leaf.path] if cell.verifier else [None] * len(worded))
        told = {(tree.cell, key, seed, vote.vote, vote.agg): (vote.answer, vote.right) for vote in tree.votes}
        assert told.items() <= rows.items()
        seen.update(told.keys())
        if cell.guided and cell.n == 16:
            own = [(cell.family, key, seed, node.address) for node in tree.nodes]
            seen.update(
                (*name, node.first + i, text)
                for name, node in zip(own, tree.nodes, strict=True)
                for i, text in enumerate(node.texts)
            )
    names = ("family", "problem_key", "seed", "address", "step", "text")
    large = {cell.family for cell in forest.cells if cell.n == 16}
    drawn = {tuple(row[name] for name in names) for row in steps if row["family"] in large}
    assert len(drawn) > 500
    assert "length" in {node.fate for tree in trees for node in tree.nodes}
    assert seen == Counter(dict.fromkeys([*rows, *drawn], 1))
