"""search-and-learn's own searches: held against its loops, written down again on scripted tables, and what
becomes of their paths (semantics, "search-and-learn")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hand import TREE, HandFolder, change
from tests.test_import import row, write
from tests.test_search import rows_of
from tests.worlds import Script, search
from ttc.commands.cli import main
from ttc.plan.cells import read_grid
from ttc.sal.beam import SalBeam
from ttc.sal.dvts import SalDvts
from ttc.sal.quirks import quirks
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder
from ttc.strategies.beam import Beam
from ttc.types import Faults

Address = tuple[int, ...]


@dataclass
class World(Mapping[Address, Any]):
    """A table that says something of every address, by chance: one of a few values, so that there are ties
    and equal texts."""

    seed: int
    values: tuple[Any, ...]

    def __getitem__(self, address: Address) -> Any:
        return self.values[hash((self.seed, address)) % len(self.values)]

    def __contains__(self, address: object) -> bool:
        return bool(self[address])  # type: ignore[index]

    def __iter__(self) -> Iterator[Address]:
        raise TypeError("it has no end")

    def __len__(self) -> int:
        return 1


def script_of(seed: int) -> Script:
    ends, scores = World(seed, (True, False, False)), World(seed + 1, (0.1, 0.4, 0.4, 0.8, 0.9))
    texts = World(seed + 2, ("a\n\n", "b\n\n", "boxed{1}\n\n"))
    return Script(ends, scores, texts)  # type: ignore[arg-type]


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


def test_beams_vote_in_the_order_in_which_they_were_completed() -> None:
    rows, _ = rows_of(SalBeam(8, width=4))
    assert [row["place"] for row in rows["paths"]] == [*range(8)]
    parents = [row["address"].rpartition("/")[0] for row in rows["paths"]]
    assert parents == parents[:2] * 4  # the survivors in turn
    assert {row["place"] for row in rows_of(Beam(8, width=4))[0]["paths"]} == {None}


def test_an_order_of_the_search_is_the_readouts(tmp_path) -> None:
    beam = change(TREE, cell="sal_beam-2", family="sal_beam", strategy="sal_beam", unit=None, n=2)
    folder = HandFolder(tmp_path)
    for problem, right in (("p", "1"), ("q", "7")):
        folder.search(beam, problem, [("0", [0.5], [5]), (right, [0.5], [5])])
    for path in folder.rows["paths"]:
        path["place"] = 1 - int(path["address"])
    folder.commit(beam)
    found = folder.rows_of(subset="sal_prefix")
    found = found[(found["vote"] == "majority") & (found["subset"] == "sal_prefix")]
    assert found.set_index("n")["accuracy"].to_dict() == {1: 1.0, 2: 1.0}  # a tie goes to the first


def test_a_small_n_cuts_no_beam_and_narrows_a_subtree() -> None:
    words = ["-m", "policy=fake", "prm=fake", "strategy=sal_beam,sal_dvts"]
    cells = {(cell.name, cell.n): cell for cell in read_grid([*words, "n=1,2,8"]).cells}
    assert {key: cell.strategy.width for key, cell in cells.items() if cell.n > 1} == {
        **{("sal_beam", 2): 4, ("sal_beam", 8): 4},
        **{("sal_dvts", 2): 2, ("sal_dvts", 8): 4},
    }
    assert ("best_of_n", 1) in cells
    with pytest.raises(Faults, match="n=6 is not a multiple of width=4: take n=4 or n=8"):
        read_grid([*words, "n=6"])
    assert read_grid([*words[:3], "strategy=sal_beam", "n=6"]).cells[0].n == 6


def test_own_runs_and_imported_ones_stand_in_one_folder(launch, tmp_path, capsys) -> None:
    words = ["-m", "strategy=sal_beam,sal_dvts", "n=4", "dataset.limit=2", "readout.grader=exact"]
    assert launch(*words) == 0
    folder, exact = tmp_path / "default", "readout.grader=exact"
    into = ["strategy=sal_dvts", "policy=p", "dataset=d", "name=default", f"results_dir={tmp_path}"]
    assert main(["import", "sal", str(write(tmp_path / "x.jsonl", row("a"), row("b"))), *into, exact]) == 0
    assert main(["regrade", str(folder), exact, "readout.extract=sal"]) == 0
    found = quirks(Folder(folder), ReadoutConfig(grader="exact")).select(["strategy", "policy"]).to_pylist()
    assert {tuple(line.values()) for line in found} == {
        *(("sal_beam", "fake"), ("sal_dvts", "fake"), ("sal_dvts", "p"))
    }
    capsys.readouterr()
    assert main(["compare", str(folder), "sal_beam@4", "sal_dvts+policy=fake@4"]) == 0
    assert "against sal_beam" in capsys.readouterr().out
