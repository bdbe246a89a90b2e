"""search-and-learn's own searches: held against its loops, written down again on scripted tables, and what
becomes of their paths (semantics, "search-and-learn")."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import stored
from tests.worlds import Script, search
from ttc.sal.beam import SalBeam
from ttc.sal.dvts import SalDvts
from ttc.store import Folder

Address = tuple[int, ...]


@dataclass
class World(Mapping[Address, Any]):
    """A table that says something of every address, by chance: one of a few values, so that there are ties
    and equal texts."""

    seed: int
    values: tuple[Any, ...]

    def __getitem__(self, address: Address) -> Any:
        return random.Random(f"{self.seed}/{self.values}/{address}").choice(self.values)

    def __contains__(self, address: object) -> bool:
        return bool(self[address])  # type: ignore[index]

    def __iter__(self) -> Iterator[Address]:
        raise TypeError("it has no end")

    def __len__(self) -> int:
        return 1


def script_of(seed: int) -> Script:
    ends, scores = World(seed, (True, False, False)), World(seed, (0.1, 0.4, 0.4, 0.8, 0.9))
    return Script(ends, scores, World(seed, ("a\n\n", "b\n\n", "boxed{1}\n\n")))  # type: ignore[arg-type]


@dataclass
class Rival:
    """Its loops on the same tables. A beam is the address of its text; the k-th continuation that is drawn of
    a text is its child number k."""

    script: Script
    last: bool = False
    drawn: Counter[Address] = field(default_factory=Counter)

    def grow(self, beam: Address) -> Address:
        self.drawn[beam] += 1
        return (*beam, self.drawn[beam] - 1)

    def text(self, beam: Address) -> str:
        return "".join(self.script.texts[beam[:depth]] for depth in range(1, len(beam) + 1))

    def over(self, beam: Address) -> bool:
        return self.last or beam in self.script.ends

    def score(self, beam: Address, ahead: int = 0) -> float:
        return float(self.script.scores[(*beam, -1) if ahead and not self.over(beam) else beam])

    def beam(self, n: int, width: int, depth: int, unique: bool, best: bool) -> list[Address]:
        active: list[Address] = [()] * n
        completed: list[Address] = []
        for round_ in range(depth):
            self.last = round_ == depth - 1
            active = (active * (n // len(active) + 1))[:n]
            active = [self.grow(beam) for beam in active]
            completed += [beam for beam in active if self.over(beam)]
            active = [beam for beam in active if not self.over(beam)]
            if not active:
                break
            if unique:
                first: dict[str, Address] = {}
                for beam in active:
                    first.setdefault(self.text(beam), beam)
                active = list(first.values())
            scores = [self.score(beam) for beam in active]
            top = np.argsort(np.array(scores), kind="stable")[-(n // width) :]
            active = [beam for index, beam in enumerate(active) if index in top]
        if best:
            scored = self.script.scores
            completed = sorted(completed, key=lambda beam: float(scored[beam]), reverse=True)
        completed = completed[:n]
        return (completed * (n // len(completed) + 1))[:n]

    def dvts(self, n: int, width: int, depth: int, lookahead: int) -> list[Address]:
        trees: list[Address] = [()] * (n // width)
        siblings: list[list[Address]] = [[] for _ in trees]
        pruned: set[int] = set()
        for round_ in range(depth):
            self.last = round_ == depth - 1
            for tree in [tree for tree in range(len(trees)) if tree not in pruned]:
                siblings[tree] = [self.grow(trees[tree]) for _ in range(width)]
                ahead = 0 if self.last else lookahead
                best = int(np.argmax([self.score(beam, ahead) for beam in siblings[tree]]))
                trees[tree] = siblings[tree][best]
                if self.over(trees[tree]) or "boxed{" in self.text(trees[tree]):
                    pruned.add(tree)
        return [beam for own in siblings for beam in own]


def drawn_by(script: Script) -> Counter[Address]:
    """Parent -> its children."""
    drawn: Counter[Address] = Counter()
    for verb, parents, counts in script.asked:
        if verb != "look":
            drawn.update(dict(zip(parents, counts, strict=True)))
    return drawn


SMALL = st.integers(1, 5)


@given(st.integers(0, 10**6), st.integers(1, 12), SMALL, SMALL, st.booleans(), st.booleans())
def test_sal_beam_is_the_rivals_loop(
    seed: int, n: int, width: int, depth: int, unique: bool, best: bool
) -> None:
    script, rival = script_of(seed), Rival(script_of(seed))
    found = search(SalBeam(n, width, depth, "last", unique, best), script)
    assert [path.address for path in found] == rival.beam(n, width, depth, unique, best)
    assert drawn_by(script) == rival.drawn


@given(st.integers(0, 10**6), st.integers(1, 3), SMALL, SMALL, st.integers(0, 1))
def test_sal_dvts_is_the_rivals_loop(seed: int, trees: int, width: int, depth: int, lookahead: int) -> None:
    script, rival = script_of(seed), Rival(script_of(seed))
    found = search(SalDvts(trees * width, width, depth, "last", lookahead), script)
    assert [path.address for path in found] == rival.dvts(trees * width, width, depth, lookahead)
    assert drawn_by(script) == rival.drawn
