"""`ttc optimal FOLDER`: compute-optimal scaling, the best strategy for each difficulty and budget (spec 6).

Everything is a readout of stored rows. candidates.py says what is chosen among, difficulty.py what the bins
are, ttc/stats/two_fold.py how it is chosen so that no problem both chooses and measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ttc.readout.names import Results
from ttc.readout.pools import Tables
from ttc.report.console import Console
from ttc.report.formats import count
from ttc.report.optimal import plot_optimal
from ttc.report.pictures import save
from ttc.settings.build import read
from ttc.settings.schema import ReadoutConfig
from ttc.stats.paired import REPLICATES, bootstrap_weights, percentiles
from ttc.stats.two_fold import SMALL, Optimal, Prices, choose
from ttc.store.folder import load_runs, write_frame
from ttc.studies.candidates import Candidate, Costs, Study, ordered, studies
from ttc.studies.difficulty import Difficulty, measure, reread
from ttc.studies.optimal_report import print_study
from ttc.studies.settings import OptimalSettings
from ttc.types import UserError

CURVE, CHOICES = "optimal", "optimal_choices"


@dataclass(frozen=True)
class Point:
    """One budget of a study's curve. `candidates`: in the order that ties go."""

    budget: float
    optimal: Optimal
    candidates: Sequence[Candidate]
    seeds: Sequence[int]


def optimal(folder: Path, words: Sequence[str], console: Console) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Prints and draws the curves, writes optimal.parquet and optimal_choices.parquet, and returns both.

    Raises:
        UserError: a wrong setting, or the folder lacks what the difficulty or the axis needs.
    """
    settings = read(OptimalSettings, words)
    results = Results(folder)
    config = readout_config(folder)
    tables = Tables(folder, config)
    curves, choices = [], []
    for study in studies(results):
        difficulty = measure(results, tables, study, settings.difficulty)
        if difficulty.halved:
            study = second_half(tables, study, difficulty, config)
        price = Costs(tables, settings.axis)
        points, left_out = solve(study, difficulty, settings, price)
        if not points:
            raise UserError(f"{study.title}: no budget at which candidates have a seed in common")
        rows = curve_rows(study, difficulty, settings, points, price)
        chosen = choice_rows(study, difficulty, settings, points)
        print_study(study, rows, chosen, [*difficulty.notes, *left_out, *_notes(settings, points)], console)
        curves.append(rows)
        choices.append(chosen)
    curve, choice = pd.concat(curves, ignore_index=True), pd.concat(choices, ignore_index=True)
    write_frame(curve, folder / f"{CURVE}.parquet")
    write_frame(choice, folder / f"{CHOICES}.parquet")
    save(plot_optimal(curve, choice), folder / "plots" / f"{CURVE}.png")
    return curve, choice


def readout_config(folder: Path) -> ReadoutConfig:
    """As the folder's last launch read it."""
    stored = load_runs(folder)[-1].get("config", {}).get("readout", {})
    known = {field.name for field in fields(ReadoutConfig)}
    return ReadoutConfig(**{key: value for key, value in stored.items() if key in known})


def second_half(tables: Tables, study: Study, difficulty: Difficulty, config: ReadoutConfig) -> Study:
    """The study with the pool that bins read from its other paths; an n above their number falls away."""
    pool = difficulty.pool
    assert pool, "only a pool is halved"
    left = pool.units - difficulty.halved
    mine = [one for one in study.candidates if one.record.family == pool.record.family]
    draws = sorted({one.n for one in mine if one.n <= left})
    correct = reread(tables, pool, difficulty.halved, draws, config) if draws else {}
    kept = []
    for one in study.candidates:
        if one.record.family != pool.record.family:
            kept.append(one)
        elif one.choice in correct:
            frame = pd.DataFrame({pool.seeds[0]: correct[one.choice]}, index=pd.Index(study.problems))
            kept.append(Candidate(one.reading, one.record, frame))
    return Study(study.panel, study.problems, kept)


# --- Choosing --------------------------------------------------------------------------------------------


def solve(
    study: Study, difficulty: Difficulty, settings: OptimalSettings, price: Costs
) -> tuple[list[Point], list[str]]:
    """The points of the curve, and what was left out."""
    P = len(study.problems)
    weight_RP = np.vstack([np.ones(P), bootstrap_weights(P)])
    points, left_out = [], []
    budgets = sorted({one.n for one in study.candidates}) if settings.axis == "n" else [None]
    for n in budgets:
        candidates = ordered([one for one in study.candidates if n in (None, one.n)], settings.axis)
        seeds = _common(candidates, difficulty)
        if not seeds:
            left_out.append(f"n={n}: left out, its candidates have no seed in common that can be binned.")
            continue
        more = sorted({int(s) for one in candidates for s in one.correct.columns} - set(seeds))
        if more:
            where = "" if n is None else f"n={n}: "
            left_out.append(f"{where}read on the seeds that all candidates have; without {more}.")
        correct_CPS = np.stack(
            [one.correct.loc[list(study.problems), seeds].to_numpy() for one in candidates]
        )
        bin_PS = difficulty.bins[seeds].to_numpy()
        prices = None if n is not None else make_prices(study, difficulty, candidates, seeds, price)
        found = choose(correct_CPS, bin_PS, weight_RP, settings.splits, prices)
        limits = [float(n)] if n is not None else list(prices.limits if prices else ())
        points += [Point(limit, one, candidates, seeds) for limit, one in zip(limits, found, strict=True)]
    return points, left_out


def _common(candidates: Sequence[Candidate], difficulty: Difficulty) -> list[int]:
    """Seeds that all candidates have and the bins know."""
    shared = set(difficulty.bins.columns)
    for one in candidates:
        shared &= set(one.correct.columns)
    return sorted(int(seed) for seed in shared)


def make_prices(
    study: Study, difficulty: Difficulty, candidates: Sequence[Candidate], seeds: Sequence[int], price: Costs
) -> Prices:
    cost_CP = np.stack([price.per_problem(one, study.problems, seeds) for one in candidates])
    probe = probe_cost(study, difficulty, price)
    mean_C = cost_CP.mean(axis=1)
    return Prices(
        cost_CP, probe, limits_between(1.1 * float(mean_C.min()) + probe, float(mean_C.max()) + probe)
    )


def probe_cost(study: Study, difficulty: Difficulty, price: Costs) -> float:
    pool = difficulty.pool
    return (
        price.probe(pool.record, study.problems, pool.seeds, difficulty.probe)
        if pool and difficulty.probe
        else 0.0
    )


def limits_between(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... from the first that is at least `low` to the first that is at least `high`."""
    first = np.floor(np.log10(low))
    ladder = [step * 10.0**power for power in np.arange(first, first + 30) for step in (1, 2, 5)]
    above = [limit for limit in ladder if limit >= low]
    return [limit for limit, before in zip(above, [0.0, *above], strict=False) if before < high]


# --- Rows ------------------------------------------------------------------------------------------------


def curve_rows(
    study: Study, difficulty: Difficulty, settings: OptimalSettings, points: Sequence[Point], price: Costs
) -> pd.DataFrame:
    """A row per budget: the curve, the best single strategy, and their difference, each with its interval."""
    on_n = settings.axis == "n"
    probe = float(difficulty.probe) if on_n else probe_cost(study, difficulty, price)
    rows = []
    for point in points:
        one = point.optimal
        row: dict[str, Any] = study.panel | {"difficulty": settings.difficulty, "axis": settings.axis}
        row |= {"budget": point.budget, "probe": probe}
        for name, value_R in (
            ("curve", one.curve_R),
            ("best", one.best_R),
            ("difference", one.curve_R - one.best_R),
        ):
            row[name] = float(value_R[0])
            row[f"{name}_low"], row[f"{name}_high"] = percentiles(value_R[1:])
        # What is really spent: on an axis of n the budget itself, and the probe paths.
        row["curve_cost"] = probe + (point.budget if on_n else one.curve_cost)
        row["best_cost"] = point.budget if on_n else one.best_cost
        row |= {"candidates": len(one.open), "problems": len(study.problems), "seeds": len(point.seeds)}
        rows.append(row | {"splits": settings.splits, "subset": point.candidates[0].reading.row["subset"]})
    return pd.DataFrame(rows)


def choice_rows(
    study: Study, difficulty: Difficulty, settings: OptimalSettings, points: Sequence[Point]
) -> pd.DataFrame:
    """A row per budget, bin and candidate that some half-split chose; bin null: the best single strategy."""
    rows = []
    halves = 2 * settings.splits
    for point in points:
        head = study.panel | {
            "difficulty": settings.difficulty,
            "axis": settings.axis,
            "budget": point.budget,
        }
        bin_PS = difficulty.bins[list(point.seeds)].to_numpy()
        for b, label in enumerate(difficulty.labels):
            size = float((bin_PS == b).sum() / len(point.seeds))
            own = head | {"bin": b, "label": label, "problems": size}
            own["too_small"] = point.optimal.fallbacks[b] / halves
            counts = {c: count for (at, c), count in point.optimal.chosen.items() if at == b and size}
            rows += [own | _chosen(point, c, counts[c] / halves) for c in _by_count(counts)]
        own = head | {
            "bin": None,
            "label": "all bins",
            "problems": float(len(study.problems)),
            "too_small": 0.0,
        }
        single = point.optimal.single
        rows += [own | _chosen(point, c, single[c] / halves) for c in _by_count(single)]
    frame = pd.DataFrame(rows)
    return frame.assign(bin=frame["bin"].astype("Int64"))


def _by_count(counts: Mapping[int, int]) -> list[int]:
    return sorted(counts, key=lambda c: (-counts[c], c))


def _chosen(point: Point, c: int, share: float) -> dict[str, Any]:
    one = point.candidates[c]
    names = ("cell", "strategy", "variant", "n", "vote", "agg")
    return {"candidate": one.name, "share": share} | {name: one.reading.row[name] for name in names}


def _notes(settings: OptimalSettings, points: Sequence[Point]) -> list[str]:
    within = "a row at exactly this n" if settings.axis == "n" else "a mean cost within the budget"
    notes = [
        f"Candidates: every strategy, setting, vote and aggregation with {within}; nothing that has seen the "
        "gold answers.",
        f"Chosen on one half of the problems, measured on the other, over {settings.splits} splits; "
        f"intervals by cluster bootstrap ({count(REPLICATES)} replicates, each chooses anew).",
    ]
    if any(count for point in points for count in point.optimal.fallbacks.values()):
        notes.append(
            f"A bin with fewer than {SMALL} problems in the choosing half takes the choice of all bins."
        )
    return notes
