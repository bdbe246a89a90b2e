"""`ttc optimal FOLDER`: compute-optimal scaling, the best strategy for each difficulty and budget.

Everything is a readout of stored rows. candidates.py says what is chosen among, difficulty.py what the bins
are, ttc/stats/two_fold.py how it is chosen so that no problem both chooses and measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ttc.readout import readout_config, split_choice
from ttc.readout.elections import Choice
from ttc.readout.names import Results
from ttc.readout.pools import Tables
from ttc.report.console import Console
from ttc.report.formats import count
from ttc.report.optimal import draw_optimal
from ttc.settings.build import read
from ttc.settings.schema import ReadoutConfig
from ttc.stats.arrays import Floats, Ints
from ttc.stats.paired import REPLICATES, bootstrap_weights, percentiles
from ttc.stats.two_fold import SMALL, Optimal, Prices, choose
from ttc.store import Folder
from ttc.studies.candidates import Candidate, CostReader, Study, doubtful, ordered, studies
from ttc.studies.controller import check_table, make_table
from ttc.studies.difficulty import Difficulty, measure, second_half
from ttc.studies.optimal_report import print_study
from ttc.studies.settings import OptimalSettings
from ttc.types import Faults, UserError, place_of


@dataclass(frozen=True)
class Point:
    """One budget of a study's curve. `candidates`: in the order that ties go."""

    budget: float
    optimal: Optimal
    candidates: Sequence[Candidate]
    seeds: Sequence[int]

    def chosen(self, counts: Mapping[int, int], halves: int) -> Iterator[dict[str, Any]]:
        """A row for each candidate, by how many of the half-splits chose it."""
        for c in sorted(counts, key=lambda c: (-counts[c], c)):
            one = self.candidates[c]
            names = ("cell", "strategy", "variant", "n", "vote", "agg")
            own = {name: one.reading.row[name] for name in names}
            yield {"candidate": one.name, "share": counts[c] / halves} | own


def optimal(folder: Folder, words: Sequence[str], console: Console) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Prints and draws the curves, writes optimal.parquet and optimal_choices.parquet, and returns both.

    Raises:
        UserError: a wrong setting, or the folder lacks what the difficulty or the axis needs.
    """
    settings, results, config = read(OptimalSettings, words), Results(folder), readout_config(folder)
    tables = Tables(folder, config)
    curves, choices = [], []
    if settings.table and (faults := check_table(settings.difficulty, settings.axis)):
        raise Faults(faults)
    for study in studies(results, _choice(settings, config)):
        solved = solve(study, results, tables, config, settings)
        curves.append(solved.curve())
        choices.append(solved.choices())
        notes = [*solved.notes(), *doubtful(folder, [one.reading.row for one in solved.study.candidates])]
        print_study(solved.study, curves[-1], choices[-1], notes, console)
        if settings.table:
            place_of(settings.table).write_text(solved.table(), "utf-8")
            console.print(f"table: {settings.table}, for strategy=optimal strategy.table={settings.table}")
    curve, choice = pd.concat(curves, ignore_index=True), pd.concat(choices, ignore_index=True)
    folder.write("optimal", curve)
    folder.write("optimal_choices", choice)
    draw_optimal(folder, curve, choice)
    return curve, choice


def _choice(settings: OptimalSettings, config: ReadoutConfig) -> Choice | None:
    said = settings.choice or (config.headline if settings.table else None)
    return split_choice(said) if said else None


def solve(
    study: Study, results: Results, tables: Tables, config: ReadoutConfig, settings: OptimalSettings
) -> Solved:
    """One study of a folder.

    Raises:
        UserError: the folder lacks what the difficulty or the axis needs.
    """
    difficulty = measure(results, tables, study, settings.difficulty)
    if difficulty.halved:
        study = second_half(tables, study, difficulty, config)
    return Solved(study, difficulty, settings, CostReader(tables, settings.axis, study.problems))


class Solved:
    """What is chosen for a study at every budget.

    Raises:
        UserError: no budget can be looked at, or the axis was not measured.
    """

    def __init__(
        self, study: Study, difficulty: Difficulty, settings: OptimalSettings, costs: CostReader
    ) -> None:
        self.study, self._difficulty, self._settings, self._costs = study, difficulty, settings, costs
        self._on_n = settings.axis == "n"
        self._head: dict[str, Any] = {**study.panel, "difficulty": settings.difficulty, "axis": settings.axis}
        self._left_out: list[str] = []
        self._points: list[Point] = []
        self._priced: list[tuple[Floats, Ints, Prices | None, Sequence[Candidate]]] = []
        P = len(study.problems)
        self._weight_RP = np.vstack([np.ones(P), bootstrap_weights(P)])
        for n in sorted({one.n for one in study.candidates}) if self._on_n else [None]:
            self._points += self._solve(n)
        if not self._points:
            raise UserError(f"{study.title}: no budget at which candidates have a seed in common")

    def _solve(self, n: int | None) -> Iterator[Point]:
        """The points among the candidates of this n; None: of all."""
        fitting = [one for one in self.study.candidates if n in (None, one.n)]
        candidates = ordered(fitting, self._settings.axis)
        seen = [set(self._difficulty.bins.columns), *(set(one.correct.columns) for one in candidates)]
        seeds = sorted(int(seed) for seed in set.intersection(*seen))
        if not seeds:
            why = "left out, its candidates have no seed in common that can be binned."
            self._left_out.append(f"n={n}: {why}")
            return
        if more := sorted({int(seed) for its in seen[1:] for seed in its} - set(seeds)):
            where = "" if n is None else f"n={n}: "
            self._left_out.append(f"{where}read on the seeds that all candidates have; without {more}.")
        problems, bin_PS = list(self.study.problems), self._difficulty.bins[seeds].to_numpy()
        correct_CPS = np.stack([one.correct.loc[problems, seeds].to_numpy() for one in candidates])
        prices = None
        if n is None:
            cost_CP = np.stack([self._costs.per_problem(one, seeds) for one in candidates])
            mean_C, probe = cost_CP.mean(axis=1), self._probe
            prices = Prices(cost_CP, probe, limits_between(1.1 * mean_C.min() + probe, mean_C.max() + probe))
        self._priced.append((correct_CPS, bin_PS, prices, candidates))
        found = choose(correct_CPS, bin_PS, self._weight_RP, self._settings.splits, prices)
        limits = prices.limits if prices else [float(n or 0)]
        for limit, one in zip(limits, found, strict=True):
            yield Point(limit, one, candidates, seeds)

    @cached_property
    def _probe(self) -> float:
        """What measuring the difficulty costs a problem."""
        pool, paths = self._difficulty.pool, self._difficulty.probe
        if self._on_n or not pool or not paths:
            return float(paths)
        return self._costs.probe(pool.record, pool.seeds, paths)

    def table(self) -> str:
        """For `strategy=optimal`."""
        [(correct_CPS, bin_PS, prices, candidates)] = self._priced
        assert prices, "an axis of cost"
        source = {**self._head, "problems": len(self.study.problems)}
        inputs = (correct_CPS, bin_PS, prices, candidates)
        return make_table(self._difficulty, self._settings.axis, *inputs, source)

    def curve(self) -> pd.DataFrame:
        """A row per budget: the curve, the best single strategy, and their difference, each with its
        interval."""
        rows = []
        for point in self._points:
            one = point.optimal
            row = self._head | {"budget": point.budget, "probe": self._probe}
            values = {"curve": one.curve_R, "best": one.best_R, "difference": one.curve_R - one.best_R}
            for name, value_R in values.items():
                row[name] = float(value_R[0])
                row[f"{name}_low"], row[f"{name}_high"] = percentiles(value_R[1:])
            # What is really spent: on an axis of n the budget itself, and the probe paths.
            row["curve_cost"] = self._probe + (point.budget if self._on_n else one.curve_cost)
            row["best_cost"] = point.budget if self._on_n else one.best_cost
            row |= {"candidates": len(one.open), "problems": len(self.study.problems)}
            row |= {"seeds": len(point.seeds), "splits": self._settings.splits}
            rows.append(row | {"subset": point.candidates[0].reading.row["subset"]})
        return pd.DataFrame(rows)

    def choices(self) -> pd.DataFrame:
        """A row per budget, bin and candidate that some half-split chose; bin null: the best single one."""
        rows = []
        halves = 2 * self._settings.splits
        for point in self._points:
            head = self._head | {"budget": point.budget}
            bin_PS = self._difficulty.bins[list(point.seeds)].to_numpy()
            for b, label in enumerate(self._difficulty.labels):
                size = float((bin_PS == b).sum() / len(point.seeds))
                own = head | {"bin": b, "label": label, "problems": size}
                own["too_small"] = point.optimal.fallbacks[b] / halves
                counts = {c: count for (at, c), count in point.optimal.chosen.items() if at == b and size}
                rows += [own | row for row in point.chosen(counts, halves)]
            own = head | {"bin": None, "label": "all bins", "problems": float(len(self.study.problems))}
            rows += [own | {"too_small": 0.0} | row for row in point.chosen(point.optimal.single, halves)]
        frame = pd.DataFrame(rows)
        return frame.assign(bin=frame["bin"].astype("Int64"))

    def notes(self) -> list[str]:
        within = "a row at exactly this n" if self._on_n else "a mean cost within the budget"
        notes = [
            *(*self._difficulty.notes, *self._left_out),
            f"Candidates: every strategy, setting, vote and aggregation with {within}; nothing that has seen "
            "the gold answers.",
            "Chosen on one half of the problems, measured on the other, over "
            f"{self._settings.splits} splits; intervals by cluster bootstrap ({count(REPLICATES)} "
            "replicates, each chooses anew).",
        ]
        if any(small for point in self._points for small in point.optimal.fallbacks.values()):
            notes.append(
                f"A bin with fewer than {SMALL} problems in the choosing half takes the choice of all bins."
            )
        return notes


def limits_between(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... from the first that is at least `low` to the first that is at least `high`."""
    first = np.floor(np.log10(low))
    ladder = [step * 10.0**power for power in np.arange(first, first + 30) for step in (1, 2, 5)]
    above = [limit for limit in ladder if limit >= low]
    return [limit for limit, before in zip(above, [0.0, *above], strict=False) if before < high]
