"""Stored rows -> one search tree: what was drawn, what became of each draw, what was returned, who won.

    forest = Forest(folder, readout_config(folder))
    tree = forest.tree(cell, problem_key, seed)

A search that is more than independent samples kept its tree in steps/: a node per draw. A
pool (best_of_n, greedy) and an imported run kept their paths only: a node per path, below the problem.
What the readout decides (groups of equal answers, winners) is asked of the readout, on the cell's first n
paths: the subset `prefix`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ttc.readout import make_batches, split_choice
from ttc.readout.draws import Drawn, Outcome, StoredPath, read_outcomes, read_paths, read_scores, read_steps
from ttc.readout.elections import Batch
from ttc.readout.pools import Key, Tables
from ttc.readout.rows import RowWriter, is_upper_bound
from ttc.readout.votes import VOTES
from ttc.report.view import name
from ttc.settings.schema import ReadoutConfig
from ttc.stats.arrays import Bools, Floats, Ints
from ttc.store import CellRecord, Folder
from ttc.store.problems import read_problems
from ttc.studies.tree import Fate, Leaf, Node, Tree, Vote
from ttc.types import UserError

Wanted = tuple[CellRecord, str, int]
"""(cell, problem_key, seed): names a tree."""


class Forest:
    """The trees of a results folder, read as `config` says. What is read of rows is read for the trees that
    are asked for: many at once (`trees`) cost little more than one."""

    def __init__(self, folder: Folder, config: ReadoutConfig) -> None:
        self._folder, self._config = folder, config
        self._writer = RowWriter(split_choice(config.headline), config.subset)

    @cached_property
    def _known(self) -> tuple[list[CellRecord], dict[str, dict[str, tuple[str, int | None]]]]:
        cells, selections = self._folder.cells()
        return cells, {
            name: {key: (problem_id, level) for key, problem_id, level in selection}
            for name, selection in selections.items()
        }

    @property
    def cells(self) -> list[CellRecord]:
        return self._known[0]

    def tree(self, cell: CellRecord, problem_key: str, seed: int) -> Tree:
        """Raises:
        UserError: the cell has no such problem.
        """
        return self.trees([(cell, problem_key, seed)])[0]

    def trees(self, wanted: Sequence[Wanted], aside: bool = True) -> list[Tree]:
        """In the order of `wanted`; a search that is not there is a tree without nodes.

        aside: with the votes that stand aside, too; they take most of the time.

        Raises:
            UserError: a cell has no such problem.
        """
        for cell, problem_key, _ in wanted:
            if problem_key not in self._known[1].get(cell.selection, {}):
                raise UserError(f"{cell.cell}: no problem {problem_key} is in it")
        if not wanted:
            return []
        stored = _Stored(self._folder, self._config, wanted)
        by_cell: dict[str, list[int]] = {}
        for place, (cell, _, _) in enumerate(wanted):
            by_cell.setdefault(cell.cell, []).append(place)
        asked = [
            (keys, max(stored.units(cell, key) for key in keys), cell)
            for places in by_cell.values()
            for cell, keys in [(wanted[places[0]][0], [_key(wanted[place]) for place in places])]
        ]
        batches = make_batches(stored.tables, asked, self._config)
        found: dict[int, Tree] = {}
        for places, batch in zip(by_cell.values(), batches, strict=True):
            tallies = list(self._tally(wanted[places[0]][0], batch, aside))
            for b, place in enumerate(places):
                votes = [tally.vote(b, stored.tables) for tally in tallies]
                found[place] = self._make(wanted[place], stored, batch, b, votes)
        return [found[place] for place in range(len(wanted))]

    def _make(self, wanted: Wanted, stored: _Stored, batch: Batch, b: int, votes: Sequence[Vote]) -> Tree:
        cell, problem_key, seed = wanted
        problem_id, level = self._known[1][cell.selection][problem_key]
        key = _key(wanted)
        units = stored.units(cell, key)
        leaves = tuple(_leaves(stored, batch, b))
        status, reason = stored.outcomes.get(key, Outcome({})).worst(units)
        question, gold = stored.problems.get((cell.dataset, problem_key), (None, None))
        complete = stored.tables.available(key, cell.verifier) >= units
        return Tree(
            cell=cell.cell,
            line=name(cell.strategy, cell.variant),
            strategy=cell.strategy,
            variant=cell.variant,
            n=cell.n,
            seed=seed,
            dataset=cell.dataset,
            problem_key=problem_key,
            problem_id=problem_id,
            level=level,
            question=question,
            gold=gold,
            guided=cell.guided,
            status=status,
            reason=reason,
            nodes=_nodes(stored.draws(cell, key, leaves, units), leaves),
            leaves=leaves,
            votes=tuple(votes) if complete else (),
        )

    def _tally(self, cell: CellRecord, batch: Batch, aside: bool) -> Iterator[_Tally]:
        headlines = self._writer.headlines(cell)
        pools, (B, N) = np.arange(len(batch.keys)), batch.group_BN.shape
        for (vote, agg), ballots in batch.ballots(pools, np.broadcast_to(np.arange(N), (B, 1, N)), [N]):
            rule, headline = VOTES[vote], (vote, agg) in headlines
            if rule.aside and not aside and not headline:
                continue
            winner_B, bound = rule.choose(ballots)[:, 0], is_upper_bound(cell, vote)
            total_BG = rule.totals(ballots) if rule.totals else None
            right_B = batch.correct(pools, winner_B)
            yield _Tally(batch, vote, agg, headline and not bound, bound, winner_B, right_B, total_BG)


@dataclass(frozen=True)
class _Tally:
    """What a vote came to in every pool of a batch, all paths read. total_BG: None where it has no totals."""

    batch: Batch
    name: str
    agg: str | None
    headline: bool
    upper_bound: bool
    winner_B: Ints
    right_B: Bools
    total_BG: Floats | None

    def vote(self, b: int, tables: Tables) -> Vote:
        winner, first_G = int(self.winner_B[b]), self.batch.firsts[b]
        totals = [] if self.total_BG is None else self.total_BG[b, : len(first_G)].tolist()
        return Vote(
            self.name,
            self.agg,
            headline=self.headline,
            upper_bound=self.upper_bound,
            answer=tables.answers[first_G[winner]] if winner >= 0 else None,
            right=bool(self.right_B[b]),
            totals=tuple(_or_none(one) for one in totals),
            winner=winner,
        )


class _Stored:
    """The rows behind some trees."""

    def __init__(self, folder: Folder, config: ReadoutConfig, wanted: Sequence[Wanted]) -> None:
        keys = {_key(one) for one in wanted}
        kept = {_key(one) for one in wanted if one[0].keeps_tree}
        scored = {_key(one) for one in wanted if one[0].verifier}
        self.tables = Tables(folder, config, keys)
        rows = read_problems(folder, [problem_key for _, problem_key, _ in wanted]).to_pylist()
        self.problems = {(row["dataset"], row["problem_key"]): (row["question"], row["gold"]) for row in rows}
        self.outcomes = read_outcomes(folder, keys)
        self.paths = read_paths(folder, keys)
        self.steps = read_steps(folder, kept) if kept else {}
        verifiers = [cell.verifier for cell, _, _ in wanted if cell.verifier]
        self.scores = read_scores(folder, scored, verifiers) if scored else {}

    def units(self, cell: CellRecord, key: Key) -> int:
        """Of its pool; where that ends by itself, those that are there."""
        there = self.tables.available(key, cell.verifier)
        return max(1, min(there, cell.units)) if cell.ending else cell.units

    def draws(self, cell: CellRecord, key: Key, leaves: Iterable[Leaf], units: int) -> Iterable[Drawn]:
        """Of the first `units` units: what steps/ has of the search; else its paths. Paths that were scored
        afterwards have these scores."""
        scores = {leaf.address: self.scores.get((leaf.path, cell.verifier or "")) for leaf in leaves}
        if key in self.steps:
            own = [drawn for drawn in self.steps[key] if drawn.unit < units]
            return own if cell.guided else [drawn.scored(scores.get(drawn.address)) for drawn in own]
        paths = {leaf.address: self.paths[leaf.path] for leaf in leaves}
        return [path.as_draw().scored(scores[address]) for address, path in paths.items()]


def _key(wanted: Wanted) -> Key:
    cell, problem_key, seed = wanted
    return cell.family, problem_key, seed


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _leaves(stored: _Stored, batch: Batch, b: int) -> Iterator[Leaf]:
    tables = stored.tables
    for place, row in enumerate(batch.place_BUW[b].ravel().tolist()):
        if row < 0:
            continue
        key = tables.path[row].as_py()
        path: StoredPath = stored.paths[key]
        yield Leaf(
            path=key,
            address=path.address,
            copy=path.copy,
            finish=path.finish,
            answer=tables.answers[row],
            right=bool(tables.right_N[row]) if tables.graded_N[row] else None,
            group=int(batch.group_BN[b, place]),
            scores={agg: _or_none(score_BN[b, place]) for agg, score_BN in batch.scores.items()},
            tokens=path.tokens,
        )


def _nodes(draws: Iterable[Drawn], leaves: Iterable[Leaf]) -> tuple[Node, ...]:
    in_order = sorted(draws, key=lambda drawn: _indices(drawn.address))
    returned = {leaf.address for leaf in leaves}
    paths = [address.split("/") for address in returned]
    above = {"/".join(path[:depth]) for path in paths for depth in range(1, len(path))}
    parents = above | {drawn.parent for drawn in in_order if _indices(drawn.address)[-1] >= 0}
    return tuple(
        Node(
            drawn.address,
            drawn.parent,
            drawn.first,
            drawn.texts,
            drawn.scores,
            drawn.tokens,
            _fate(drawn, parents, above | returned),
            returned=drawn.address in returned,
        )
        for drawn in in_order
    )


def _fate(drawn: Drawn, parents: set[str], leads: set[str]) -> Fate:
    """parents: addresses that were gone on from; leads: that lie on the way to a returned path."""
    if drawn.address not in leads and "-" in drawn.address:
        return "cut"
    if drawn.address in parents:
        return "kept"
    if drawn.finish in ("length", "blank", "unsure"):
        return drawn.finish  # type: ignore[return-value]
    return "over" if drawn.finish or drawn.address in leads else "cut"


def _indices(address: str) -> tuple[int, ...]:
    return tuple(map(int, address.split("/")))
