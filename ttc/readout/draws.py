"""What pools.py leaves out: the texts behind pools, draw by draw, of those that somebody wants to look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ttc.readout.pools import SETTLED, UNIT, Key, among
from ttc.store import Folder
from ttc.store.schema import STATES
from ttc.types import total

STEP_COLUMNS = (*UNIT, "address", "parent", "step", "text", "finish", "tokens", "score")
PATH_COLUMNS = (*UNIT, "path", "address", "copy", "steps", "step_tokens", "finish")


@dataclass(frozen=True)
class Drawn:
    """One draw: what one call to the policy added to a tree.

    Attributes:
        address, parent: as stored, "0/3/1"; "": the problem.
        first: the place in the path of its first step, 0-based.
        scores: of each text; None: it has none (blank, too long, not asked for).
        finish: why the path ended here; None: it did not, or nobody says.
    """

    unit: int
    address: str
    parent: str
    first: int
    texts: tuple[str, ...]
    scores: tuple[float | None, ...]
    tokens: int | None
    finish: str | None

    def scored(self, scores: Iterable[float | None] | None) -> Drawn:
        """With these scores of its steps that are not blank; None: it has none."""
        left = iter(scores or ())
        return replace(self, scores=tuple(next(left, None) if text.strip() else None for text in self.texts))


def read_steps(folder: Folder, keys: Collection[Key]) -> dict[Key, list[Drawn]]:
    """The draws of searches that kept their trees, each by its rows in steps/."""
    rows = _read(folder, "steps", STEP_COLUMNS, among(keys))
    rows.sort(key=itemgetter(0, 1, 2, 4, 6))
    found: dict[Key, list[Drawn]] = {}
    for (*key, unit, address), own in groupby(rows, key=itemgetter(0, 1, 2, 3, 4)):
        _, _, _, _, _, parents, steps, texts, ends, tokens, scores = zip(*own, strict=True)
        one = Drawn(unit, address, parents[0], steps[0], texts, scores, total(tokens), ends[-1])
        found.setdefault((key[0], key[1], key[2]), []).append(one)
    return found


@dataclass(frozen=True)
class StoredPath:
    """A returned path as its search wrote it."""

    unit: int
    address: str
    copy: int
    texts: tuple[str, ...]
    tokens: int | None
    finish: str | None

    def as_draw(self) -> Drawn:
        """Of a pool: the whole path is one draw."""
        none = (None,) * len(self.texts)
        return Drawn(self.unit, self.address, "", 0, self.texts, none, self.tokens, self.finish)


def read_paths(folder: Folder, keys: Collection[Key]) -> dict[str, StoredPath]:
    """By path, the key of its row."""
    return {
        path: StoredPath(unit, address, copy or 0, tuple(steps or ()), total(tokens or ()), finish)
        for _, _, _, unit, path, address, copy, steps, tokens, finish in _read(
            folder, "paths", PATH_COLUMNS, among(keys)
        )
    }


def read_scores(
    folder: Folder, keys: Collection[Key], verifiers: Iterable[str]
) -> dict[tuple[str, str], list[float | None] | None]:
    """(path, verifier) -> a score for each step that is not blank."""
    where = among(keys) & pc.field("verifier").isin(pa.array(sorted(set(verifiers)), pa.string()))
    rows = _read(folder, "scores", ("path", "verifier", "scores"), where)
    return {(path, verifier): scores for path, verifier, scores in rows}


@dataclass
class Outcome:
    """Of one pool's searches. units: unit -> (status, reason); what failed and was made again is what it
    became."""

    units: dict[int, tuple[str, str | None]]

    def worst(self, units: int) -> tuple[str, str | None]:
        """Of the first `units`: missing before failed before cut or too_long before done."""
        return max((self.units.get(unit, ("missing", None)) for unit in range(units)), key=_badness)


def _badness(outcome: tuple[str, str | None]) -> int:
    return STATES.index(outcome[0])


def read_outcomes(folder: Folder, keys: Collection[Key]) -> Mapping[Key, Outcome]:
    names = (*UNIT[:3], "unit_first", "units", "status", "reason")
    found: dict[Key, Outcome] = {}
    for *key, first, units, status, reason in _read(folder, "searches", names, among(keys)):
        own = found.setdefault((key[0], key[1], key[2]), Outcome({})).units
        for unit in range(first, first + units):
            if status in SETTLED or unit not in own:
                own[unit] = status, reason
    return found


def _read(
    folder: Folder, table: str, columns: Collection[str], where: pc.Expression
) -> list[tuple[Any, ...]]:
    rows = folder.read(table, [*columns], where=where)
    return list(_tuples(rows, columns))


def _tuples(rows: pa.Table, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name].to_pylist() for name in names), strict=True)
