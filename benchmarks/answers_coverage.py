"""How often a cell's interval (semantics, "Intervals and comparisons") holds a known truth, beside others.

The world: a problem's chance of a right answer is drawn from a Beta distribution of the given mean and
concentration a + b (0.2: nearly every problem is solved always or never; 10: they are much alike), a seed's
answer is a coin with that chance. So how many problems k of the seeds have right is multinomial.

    uv run python benchmarks/answers_coverage.py [quick]       # quick: a tenth of the trials

Shape suffixes: T trials, P problems, K = S + 1 counts of right seeds, N sums of P counts.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import stdtrit
from scipy.stats import betabinom

from ttc.stats.arrays import TIE, Floats, Ints
from ttc.stats.intervals import intervals, spread_size, wilson

PROBLEMS = (30, 50, 100, 200, 500)
SIZES = [
    *((problems, seeds) for problems in PROBLEMS for seeds in (1, 2, 3, 5)),
    *((problems, seeds) for problems in (30, 50) for seeds in (16, 64)),  # AIME's mean of 64
]
ACCURACIES = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Those above a half are mirror images."""
CONCENTRATIONS = (0.2, 1.0, 3.0, 10.0)
BATCH = 1000
"""Trials at once."""

Method = Callable[[Ints, int], tuple[Floats, Floats]]
"""(low_T, high_T) of trials count_TK: how many of the problems k of the seeds have right."""


def ours(count_TK: Ints, seeds: int) -> tuple[Floats, Floats]:
    return intervals(problem_means(count_TK, seeds), seeds)[1:]


def spread_alone(count_TK: Ints, seeds: int) -> tuple[Floats, Floats]:
    """Without the mixture: Wilson's with n_spec problems."""
    mean_TP = problem_means(count_TK, seeds)
    return wilson(mean_TP.mean(axis=1), spread_size(mean_TP, seeds), mean_TP.shape[1])


def student(count_TK: Ints, seeds: int) -> tuple[Floats, Floats]:
    mean_TP = problem_means(count_TK, seeds)
    P = mean_TP.shape[1]
    half_T = stdtrit(P - 1, 0.975) * mean_TP.std(axis=1, ddof=1) / P**0.5
    return mean_TP.mean(axis=1) - half_T, mean_TP.mean(axis=1) + half_T


def bootstrap(count_TK: Ints, seeds: int) -> tuple[Floats, Floats]:
    """Percentiles of the cluster bootstrap with endless replicates: a replicate's sum is one of P draws, so
    its distribution is their P-fold convolution."""
    P = int(count_TK[0].sum())
    size = next_fast_len(P * seeds + 1, real=True)
    sum_TN = np.cumsum(irfft(rfft(count_TK / P, size) ** P, size), axis=1)
    low_T, high_T = ((sum_TN < level).sum(axis=1) / (P * seeds) for level in (0.025, 0.975))
    return low_T, high_T


METHODS: dict[str, Method] = {
    "ours": ours,
    "n_spec alone": spread_alone,
    "Student-t": student,
    "percentile bootstrap": bootstrap,
}


def problem_means(count_TK: Ints, seeds: int) -> Floats:
    """mean_TP, the problems in no matter what order."""
    mean_TK = np.broadcast_to(np.arange(seeds + 1) / seeds, count_TK.shape)
    return np.repeat(mean_TK.ravel(), count_TK.ravel()).reshape(len(count_TK), -1)


@dataclass(frozen=True)
class Coverage:
    """Of one method at one size: coverage in percent at each (accuracy, concentration)."""

    points: dict[tuple[float, float], float]

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.points.values())))

    @property
    def lowest(self) -> float:
        return min(self.points.values())

    @property
    def highest(self) -> float:
        return max(self.points.values())

    def met(self, problems: int) -> bool:
        """The goals: few problems may be covered too well."""
        return 94 <= self.mean <= 97 and self.lowest >= 92.5 and (problems < 100 or self.highest <= 98)


def coverages(
    problems: int, seeds: int, trials: int, accuracies: Sequence[float] = ACCURACIES
) -> dict[str, Coverage]:
    """How often each method's 95 % interval holds the true accuracy; all see the same trials."""
    points: dict[str, dict[tuple[float, float], float]] = {name: {} for name in METHODS}
    for mean in accuracies:
        for both in CONCENTRATIONS:
            random = np.random.default_rng([problems, seeds, round(1000 * mean), round(10 * both)])
            chance_K = betabinom.pmf(np.arange(seeds + 1), seeds, both * mean, both * (1 - mean))
            drawn_TK, times_T = np.unique(
                random.multinomial(problems, chance_K, trials), axis=0, return_counts=True
            )
            hits = Counter[str]()
            for start in range(0, len(drawn_TK), BATCH):
                part = slice(start, start + BATCH)
                for name, method in METHODS.items():
                    low_T, high_T = method(drawn_TK[part], seeds)
                    hits[name] += int(((low_T <= mean + TIE) & (mean - TIE <= high_T)) @ times_T[part])
            for name in METHODS:
                points[name][mean, both] = 100 * hits[name] / trials
    return {name: Coverage(found) for name, found in points.items()}


def coverage_table(trials: int = 10_000) -> Iterator[tuple[list[str], bool]]:
    """Rows of the table COVERAGE_HEAD, and whether ours meets its goals."""
    for problems, seeds in SIZES:
        found = coverages(problems, seeds, trials)
        met = found["ours"].met(problems)
        cells = [f"{one.mean:.1f} ({one.lowest:.1f} to {one.highest:.1f})" for one in found.values()]
        yield [str(problems), str(seeds), *cells, "met" if met else "**missed**"], met


COVERAGE_HEAD = ["problems", "seeds", *METHODS, ""]
COVERAGE_GOALS = (
    "In percent, over 5 accuracies from 5 % to 50 % (those above are mirror images) in 4 worlds: mean "
    "(lowest to highest). Goals, for ours: mean 94 to 97, lowest at least 92.5, from 100 problems on highest "
    "at most 98."
)


def main(quick: bool) -> None:
    print(" | ".join(COVERAGE_HEAD))
    for cells, _ in coverage_table(1000 if quick else 10_000):
        print(" | ".join(cells), flush=True)


if __name__ == "__main__":
    main("quick" in sys.argv[1:])
