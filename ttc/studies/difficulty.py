"""How hard a problem is, for compute-optimal scaling, so that no path both bins and votes (semantics,
"Difficulty and compute-optimal").

A problem's difficulty for seed s is measured on the best_of_n pools of the OTHER seeds. With one seed the
first half of its pool bins, and only paths of the second half are read: `second_half`.
Shape suffixes: P problems, S seeds of the pool, U units (paths) of a pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ttc.readout import make_batches
from ttc.readout.elections import elect
from ttc.readout.names import Results
from ttc.readout.pools import Key, Tables, places
from ttc.report.formats import score_range, setting
from ttc.settings.schema import ReadoutConfig
from ttc.stats.intervals import Floats, Ints
from ttc.stats.two_fold import quintiles
from ttc.store.records import CellRecord
from ttc.studies.candidates import Study
from ttc.types import UserError


@dataclass(frozen=True)
class BinningPool:
    """The pools of independent paths that measure difficulty: `units` paths for every problem and seed."""

    record: CellRecord
    seeds: Sequence[int]
    units: int
    place_PSU: Ints
    """Rows of the paths in the tables; -1: none."""


@dataclass(frozen=True)
class Difficulty:
    """Every problem's bin, as each seed sees it.

    Attributes:
        bins: problem_key x seed -> 0 (easiest), 1, ...; only seeds for which another pool measures.
        labels: of the bins.
        notes: what must be said of a curve on these bins.
        probe: paths that were spent on measuring and are counted; 0: they are not.
        halved: one seed: paths of its pool that bin; only those behind them may be read.
        cuts: the least value of every bin but the hardest, easiest first.
    """

    bins: pd.DataFrame
    labels: Sequence[str]
    notes: Sequence[str]
    pool: BinningPool | None = None
    probe: int = 0
    halved: int = 0
    cuts: Sequence[float] = ()


def measure(results: Results, tables: Tables, study: Study, kind: str) -> Difficulty:
    """The bins of a study. kind: level, oracle, predicted or predicted@m.

    Raises:
        UserError: the folder lacks what they are made of.
    """
    if kind == "level":
        return _by_level(results, study)
    pool = find_pool(tables, study)
    probe = int(kind.partition("@")[2] or 0)
    value_PSU = _values(tables, pool, kind)
    single = len(pool.seeds) == 1
    halved = pool.units // 2 if single else 0
    if single and not halved:
        raise UserError(f"difficulty={kind}: one seed and one path a problem leave none to read; sample more")
    largest = halved or pool.units
    if probe > largest:
        raise UserError(f"difficulty={kind}: at most {largest} paths of a pool can measure here")
    seeds = list(pool.seeds) if single else study.seeds
    value_PR = np.stack([_seen_by(seed, pool, value_PSU[:, :, :largest], probe) for seed in seeds], axis=1)
    bin_PR = quintiles(value_PR)
    inside = [value_PR[bin_PR == b] for b in range(int(bin_PR.max()) + 1)]
    return Difficulty(
        pd.DataFrame(bin_PR, index=pd.Index(study.problems), columns=seeds),
        [f"bin {b} ({score_range(its.min(), its.max())})" for b, its in enumerate(inside, start=1)],
        _notes(kind, pool, probe, halved),
        *(pool, probe, halved),
        cuts=[float(its.min()) for its in inside[:-1]],
    )


def find_pool(tables: Tables, study: Study) -> BinningPool:
    """The pools of the study's panel and problems; of several settings the most usual ones.

    Raises:
        UserError: there is no pool.
    """
    pools = [one.record for one in study.candidates if one.record.unit == 1 and not one.record.guided]
    if not pools:
        raise UserError(
            f"{study.title}: difficulty is measured on a pool (best_of_n), there is none; take level"
        )
    first = min(pools, key=lambda record: (len(record.variant.split()), record.variant, -record.n))
    family, problems, units = first.family, study.problems, {}
    for seed in sorted({seed for record in pools if record.family == family for seed in record.seeds}):
        units[seed] = min(tables.available((family, problem, seed), first.verifier) for problem in problems)
    seeds = [seed for seed, count in units.items() if count]
    size = min(units[seed] for seed in seeds)
    keys: list[Key] = [(family, problem, seed) for problem in problems for seed in seeds]
    place_BU = places(tables, keys, size)[:, :, 0]
    return BinningPool(first, seeds, size, place_BU.reshape(-1, len(seeds), size))


def second_half(tables: Tables, study: Study, difficulty: Difficulty, config: ReadoutConfig) -> Study:
    """The study with the one-seed pool that bins read from its other paths; an n above their number falls
    away. Groups of equal answers are those of the whole pool (semantics, "Scores and votes")."""
    pool = difficulty.pool
    assert pool, "only a pool is halved"
    keys: list[Key] = [(pool.record.family, problem, pool.seeds[0]) for problem in study.problems]
    mine = {one.n for one in study.candidates if one.record.family == pool.record.family}
    draws = sorted(n for n in mine if n <= pool.units - difficulty.halved)
    (batch,) = make_batches(tables, [(keys, pool.units, pool.record)], config)
    behind_BN = np.tile(np.arange(difficulty.halved, pool.units), (len(keys), 1))
    found = elect(batch.select(behind_BN), draws, config.permutations) if draws else {}
    kept = []
    for one in study.candidates:
        n, vote, agg = one.choice
        if one.record.family != pool.record.family:
            kept.append(one)
        elif n in draws and (vote, agg) in found:
            read = found[vote, agg]
            correct_BC = read.resample_BC if config.subset == "resample" else read.prefix_BC
            columns = {pool.seeds[0]: correct_BC[:, draws.index(n)]}
            kept.append(replace(one, correct=pd.DataFrame(columns, index=pd.Index(study.problems))))
    return replace(study, candidates=kept)


def _by_level(results: Results, study: Study) -> Difficulty:
    level_P = results.problems()["level"].loc[list(study.problems)].to_numpy(dtype=np.float64)
    if np.isnan(level_P).any():
        raise UserError(f"difficulty=level: {study.panel['dataset']} has no levels; take oracle or predicted")
    levels, bin_P = np.unique(level_P, return_inverse=True)
    bins = pd.DataFrame({seed: bin_P for seed in study.seeds}, index=pd.Index(study.problems))
    labels = [f"level {setting(level)}" for level in levels]
    return Difficulty(bins, labels, ["Difficulty: the dataset's level."])


def _values(tables: Tables, pool: BinningPool, kind: str) -> Floats:
    """value_PSU: is the path right (a search without one is wrong), or its last score (NaN: none).

    Raises:
        UserError: there is no verifier.
    """
    if kind == "oracle":
        return np.append(tables.right_N, False)[pool.place_PSU].astype(np.float64)
    if pool.record.verifier is None:
        raise UserError("difficulty=predicted: prm=none has no scores to predict from; take level or oracle")
    return np.append(tables.scores(pool.record.verifier).values_N["last"], np.nan)[pool.place_PSU]


def _seen_by(seed: int, pool: BinningPool, value_PSU: Floats, probe: int) -> Floats:
    """value_P: the mean over the other seeds' pools (with a single one: over what is left of it), or over the
    first `probe` paths of the next seed's. A problem without any score is as hard as can be."""
    others = [s for s, other in enumerate(pool.seeds) if other != seed] or [0]
    others.sort(key=lambda s: pool.seeds[s] < seed)  # those that come next first
    value_PSU = value_PSU[:, others[:1], :probe] if probe else value_PSU[:, others]
    count_P = (~np.isnan(value_PSU)).sum(axis=(1, 2))
    return np.nansum(value_PSU, axis=(1, 2)) / np.maximum(count_P, 1)


def _notes(kind: str, pool: BinningPool, probe: int, halved: int) -> list[str]:
    what = "share of right paths" if kind == "oracle" else "mean last score"
    seen = " It has seen the gold answers." if kind == "oracle" else ""
    notes = [f"Difficulty: {what} of {pool.record.strategy} pools, in quintiles.{seen}"]
    if halved:
        notes.append(
            f"One seed: the first {halved} paths of each pool bin, and of that pool only the other "
            f"{pool.units - halved} are read. Searches with trees of their own begin on the same random tree."
        )
    else:
        whose = f"the first {probe} paths of the next" if probe else f"{pool.units} paths of every other"
        notes.append(f"For each seed measured on {whose} seed's pool, so that no path both bins and votes.")
    notes.append(
        f"The cost of the {probe} probe paths is added to the curve, not to the best single strategy."
        if probe
        else "The cost of the samples that bin is not counted."
    )
    return notes
