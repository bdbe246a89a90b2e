"""What a search tree is, once it stands still: its draws, the paths that were returned, the votes over them.

Plain data, so that tables.as_json makes JSON of it as it is: names stay, None is null. trees.py makes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["kept", "cut", "over", "length", "blank", "unsure"]


@dataclass(frozen=True)
class Node:
    """One draw of the search.

    Attributes:
        address: the child index taken at every node from the problem, "0/3/1"; -1, -2, ... are roll-outs,
            which a search takes to look ahead.
        parent: its parent's address; "": the problem.
        first: the place of its first step in the path, 0-based.
        texts: the steps that it added: one, or several where it went on to the end of the text.
        scores: of each text, by the verifier that guided (a pool: by the cell's, afterwards); None: it has
            none (blank, too long for the verifier, no verifier).
        tokens: of its texts; None: not known (an imported run).
        fate: kept: the search went on from here. over: its text ended (`eos`, or an import that does not
            say), or it was returned unfinished; length, blank, unsure: its path ended so. cut: it was neither
            over nor gone on from, or is a roll-out that leads to no returned path.
        returned: a path that the search returned ends here. One that is over and was not returned had lost
            its place.
    """

    address: str
    parent: str
    first: int
    texts: tuple[str, ...]
    scores: tuple[float | None, ...]
    tokens: int | None
    fate: Fate
    returned: bool


@dataclass(frozen=True)
class Leaf:
    """A path that the search returned, in the order in which they vote.

    Attributes:
        path: the key of its row in paths/.
        address: of the node at which it ends.
        copy: 0, or which copy of that path it is.
        finish: eos, length, blank or unsure; None: it is not over, or nobody says (an imported run).
        answer: as the readout's rule reads it; None: none.
        right: by the readout's grader; None: it is not graded.
        group: the number of its group of equal answers, in order of first sight; -1: no answer.
        scores: aggregation -> the path's score; None: it has none. Empty: no verifier.
        tokens: of the whole path; None: not known.
    """

    path: str
    address: str
    copy: int
    finish: str | None
    answer: str | None
    right: bool | None
    group: int
    scores: dict[str, float | None]
    tokens: int | None


@dataclass(frozen=True)
class Vote:
    """How one vote chose among the leaves.

    Attributes:
        agg: how a path's step scores became one; None: the vote reads no scores.
        headline: declared as the cell's result before the run.
        upper_bound: somebody saw the gold answer: no result.
        answer: what was chosen; None: nothing.
        right: is it?
        totals: by group, what it got: the number of its paths (majority), the sum of their scores
            (weighted), the highest one (best; None: none has one), 1 where it is right (oracle); empty: the
            vote has no such figure.
        winner: the group; -1: no path has an answer, -2: no answered path has a score.
    """

    vote: str
    agg: str | None
    headline: bool
    upper_bound: bool
    answer: str | None
    right: bool
    totals: tuple[float | None, ...]
    winner: int


@dataclass(frozen=True)
class Tree:
    """One search for one problem and seed, as the cell reads it: of a pool its first n paths, of dvts its
    first n / width subtrees.

    Attributes:
        cell: its id, as in readout.parquet.
        line: the strategy with the words of its variant, as tables write it.
        question, gold: None: the folder does not tell (one from before problems.parquet).
        guided: a verifier guided the search; False: it only scored the paths, if at all.
        status: of its searches, the worst: done; too_long, cut (a result, and no path); failed; missing.
        reason: why it failed or was cut.
        nodes: in the order of their addresses, parents before children.
        leaves: in the order of their addresses.
        votes: in the order of the registry; none where something is missing yet (a search, a grade, a score).
    """

    cell: str
    line: str
    strategy: str
    variant: str
    n: int
    seed: int
    dataset: str
    problem_key: str
    problem_id: str
    level: int | None
    question: str | None
    gold: str | None
    guided: bool
    status: str
    reason: str | None
    nodes: tuple[Node, ...] = field(repr=False)
    leaves: tuple[Leaf, ...] = field(repr=False)
    votes: tuple[Vote, ...] = field(repr=False)
