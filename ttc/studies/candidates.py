"""What compute-optimal scaling chooses among: every reading of a folder that is a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ttc.readout import readout_config
from ttc.readout.costs import make_costs
from ttc.readout.elections import Choice
from ttc.readout.names import PANEL, Reading, Results, choice_name, registry_rank
from ttc.readout.pools import Tables
from ttc.readout.votes import VOTES
from ttc.report.doubts import add_doubts, explain
from ttc.stats.intervals import Floats
from ttc.store import Folder
from ttc.store.records import CellRecord
from ttc.types import UserError


@dataclass(frozen=True)
class Candidate:
    """A (strategy, variant, vote, agg) at one n. `correct`: problem_key x seed."""

    reading: Reading
    record: CellRecord
    correct: pd.DataFrame

    @property
    def n(self) -> int:
        return int(self.reading.row["n"])

    @property
    def name(self) -> str:
        """Without its n: `beam+width=8 best/min`."""
        return f"{self.reading.row['words']} {choice_name(self.reading.row)}"

    @property
    def choice(self) -> tuple[int, str, str | None]:
        return self.n, self.reading.row["vote"], self.reading.row["agg"]


@dataclass(frozen=True)
class Study:
    """Candidates that can be compared: one panel, one set of problems."""

    panel: dict[str, str]
    problems: Sequence[str]
    candidates: Sequence[Candidate]

    @property
    def title(self) -> str:
        return "{dataset}: policy {policy}, prm {prm}, prompt {prompt}".format_map(self.panel)

    @property
    def seeds(self) -> list[int]:
        return sorted({int(seed) for one in self.candidates for seed in one.correct.columns})


def studies(results: Results, choice: Choice | None = None) -> list[Study]:
    """The folder's studies. Upper bounds, incomplete cells, and votes that stand aside and are no headline
    are no candidates. choice: only readings by it, whatever it is (where one path is all there is, any).

    Raises:
        UserError: there is nothing to choose from.
    """
    rows = results.rows
    # all, but where a later launch did not come to its end; and pools that end by themselves have costs of
    # their own, which no n tells
    known = rows["cell"].isin([cell for cell, record in results.records.items() if not record.ending])
    usable = rows[known & rows["accuracy"].notna() & ~rows["upper_bound"].astype(bool)]
    aside = usable["vote"].isin([name for name, vote in VOTES.items() if vote.aside])
    usable = usable[~aside | usable["headline"].astype(bool) | (choice is not None)]
    if choice:
        agg = usable["agg"].isna() if choice[1] is None else usable["agg"] == choice[1]
        usable = usable[((usable["vote"] == choice[0]) & agg) | ((usable["n"] == 1) & usable["headline"])]
    groups: dict[tuple[Any, ...], list[Candidate]] = {}
    for reading in results.readings(usable):
        correct = results.correct(reading)
        panel = tuple(reading.row[key] for key in PANEL)
        candidate = Candidate(reading, results.records[reading.row["cell"]], correct)
        groups.setdefault((panel, frozenset(correct.index)), []).append(candidate)
    if not groups:
        raise UserError(f"{results.folder}: no complete cell to choose from")
    return [
        Study(dict(zip(PANEL, panel, strict=True)), list(found[0].correct.index), found)
        for (panel, _), found in groups.items()
    ]


def doubtful(folder: Folder, rows: Sequence[Mapping[Any, Any]]) -> list[str]:
    """What makes these rows of `Results` doubtful, by the shares that the folder's last launch named."""
    if not rows:
        return []
    frame = pd.DataFrame(rows)
    named = frame.assign(strategy=frame["words"], variant="")
    return explain(add_doubts(named, vars(readout_config(folder).doubts)))


def ordered(candidates: Sequence[Candidate], axis: str) -> list[Candidate]:
    """As ties go: cheaper, then registry order. On an axis of n cheaper is in FLOPs if all have them, else
    in tokens of both models."""
    if axis == "n":
        unknown = any(pd.isna(one.reading.row["flops"]) for one in candidates)
        axis = "tokens" if unknown else "flops"

    def place(one: Candidate) -> tuple[Any, ...]:
        return float(np.nan_to_num(cost(one.reading.row, axis))), *registry_rank(one.reading.row)

    return sorted(candidates, key=place)


def cost(row: Mapping[str, Any], axis: str) -> float:
    """Of a row of a readout, the mean per problem; tokens: of both models. NaN: not measured."""
    prices = ["policy_tokens", "prm_tokens"] if axis == "tokens" else [axis]
    return float(sum(np.nan if pd.isna(row[price]) else row[price] for price in prices))


@dataclass(frozen=True)
class CostReader:
    """Costs of candidates problem by problem, for the axes of cost."""

    tables: Tables
    axis: str
    problems: Sequence[str]

    def per_problem(self, one: Candidate, seeds: Sequence[int]) -> Floats:
        """cost_P: the mean over seeds.

        Raises:
            UserError: it was not measured.
        """
        unit = one.record.unit or one.n
        scored = one.reading.row["agg"] is not None  # whatever became of the vote
        return self._mean(one.record, seeds, int(one.reading.row["pool"]) // unit, one.n // unit, scored)

    def probe(self, pool: CellRecord, seeds: Sequence[int], paths: int) -> float:
        """Of `paths` scored paths of a pool: their prompt included, once per problem."""
        return float(self._mean(pool, seeds, paths, paths, scored=True).mean())

    def _mean(self, record: CellRecord, seeds: Sequence[int], units: int, m: int, scored: bool) -> Floats:
        """cost_P of m of the first `units` units."""
        keys = [(record.family, problem, seed) for problem in self.problems for seed in seeds]
        costs = make_costs(self.tables, keys, units, record)
        columns = costs.columns(costs.mean(m), scored)
        columns["tokens"] = columns["policy_tokens"] + columns["prm_tokens"]
        cost_B = columns[self.axis]
        cost_P = cost_B.reshape(-1, len(seeds)).mean(axis=1)
        if np.isnan(cost_P).any():
            raise UserError(
                f"axis={self.axis}: was not measured for {record.cell}; take n or a count of tokens"
            )
        return cost_P
