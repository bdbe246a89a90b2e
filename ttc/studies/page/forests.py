"""The page's search trees: as many as there is room for, packed a problem at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import pandas as pd

from ttc.report.page import pack
from ttc.store import CellRecord
from ttc.studies.page.panels import Panel
from ttc.studies.tree import Tree

ROOM = 7_500_000
"""Letters that all trees of a page may take."""
PROBLEMS = 200
"""Problems with trees."""
TRIED = 4
"""Problems by which it is judged how large trees are."""
READ = 6400
"""Paths of a line that are in memory at once."""


def plant(panels: Sequence[Panel]) -> tuple[list[list[dict[str, Any]]], dict[str, bytes]]:
    """Of each panel its trees, and the packed blocks that they stand in.

    The trees are of each line's largest n at which all problems (200 at most) have room; where there is more
    room, of further seeds. An entry is {"block", "key", "id", "level", "seed", "lines"}; a block {"trees"}.
    """
    entries: list[list[dict[str, Any]]] = [[] for _ in panels]
    blocks: dict[str, bytes] = {}
    room = ROOM // max(1, len(panels))
    for place, panel in enumerate(panels):
        left = room
        for entry, block in _grow(panel, room):
            left -= len(block)
            if left < 0:
                break
            name = f"trees-{place}-{len(entries[place])}"
            entries[place].append(entry | {"block": name})
            blocks[name] = block
    return entries, blocks


def _grow(panel: Panel, room: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Every problem's block, in the order in which they are wanted: one seed of all, then the next."""
    problems = panel.problems()
    kept = problems.iloc[_spread(len(problems), PROBLEMS)]
    budgets = sorted(set(panel.headlines["n"]), reverse=True)
    for most in budgets:
        sample = list(islice(_blocks(panel, kept.iloc[_spread(len(kept), TRIED)], most), TRIED))
        mean = sum(len(block) for _, block in sample) / max(1, len(sample))
        if mean * len(kept) <= room or most == budgets[-1]:
            yield from _blocks(panel, kept, most)
            return


def _spread(count: int, most: int) -> list[int]:
    """Evenly drawn places of so many."""
    return list(range(count)) if count <= most else [round(i * (count - 1) / (most - 1)) for i in range(most)]


def _blocks(panel: Panel, problems: pd.DataFrame, most: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    cells = list(_cells(panel, most))
    seeds = sorted({seed for _, record, _ in cells for seed in record.seeds})
    for seed in seeds:
        step = max(1, READ // most)
        for at in range(0, len(problems), step):
            some = problems.iloc[at : at + step]
            trees = _trees(panel, [one for one in cells if seed in one[1].seeds], list(some.index), seed)
            for key, one in some.iterrows():
                if own := trees.get(str(key)):
                    level = None if pd.isna(one["level"]) else int(one["level"])
                    entry = {"key": key, "id": str(one["problem_id"]), "level": level, "seed": seed}
                    yield entry | {"lines": [tree["line"] for tree in own]}, pack({"trees": own})


def _cells(panel: Panel, most: int) -> Iterator[tuple[int, CellRecord, str]]:
    """(source, cell, line) of each line's largest n that is not above `most`."""
    rows = panel.headlines[panel.headlines["n"] <= most].sort_values("n").drop_duplicates("line", keep="last")
    for row in rows.sort_index().to_dict("records"):
        record = panel.sources[row["source"]].results.records.get(row["cell"])
        if record is not None and not record.ending:  # its pools are the beginnings of others
            yield row["source"], record, row["line"]


def _trees(
    panel: Panel, cells: Iterable[tuple[int, CellRecord, str]], problems: Sequence[str], seed: int
) -> dict[str, list[dict[str, Any]]]:
    """problem_key -> its trees, a line each."""
    found: dict[str, list[dict[str, Any]]] = {}
    by_source: dict[int, list[tuple[CellRecord, str]]] = {}
    for place, record, line in cells:
        by_source.setdefault(place, []).append((record, line))
    for place, own in by_source.items():
        source = panel.sources[place]
        asked = {record.cell: set(source.asks(record)) for record, _ in own}
        named = [(record, key, line) for record, line in own for key in problems if key in asked[record.cell]]
        trees = source.forest.trees([(record, key, seed) for record, key, _ in named], aside=False)
        for (_, _, line), tree in zip(named, trees, strict=True):
            found.setdefault(tree.problem_key, []).append(_small(tree) | {"line": line})
    return found


def _small(tree: Tree) -> dict[str, Any]:
    """A tree of plain values, scores with four digits. Not by `asdict`, which copies every text."""
    nodes = [vars(one) | {"scores": list(map(_rounded, one.scores))} for one in tree.nodes]
    leaves = [
        vars(one) | {"path": None, "scores": {agg: _rounded(score) for agg, score in one.scores.items()}}
        for one in tree.leaves
    ]
    votes = [vars(one) | {"totals": list(map(_rounded, one.totals))} for one in tree.votes]
    return vars(tree) | {"nodes": nodes, "leaves": leaves, "votes": votes}


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 4)
