"""Particle Gibbs: a particle filter that runs several times, each time beside a path of the run before.

Puri et al. 2502.01618, section 4.2.1 and algorithm 2: after each run one particle is drawn by its weight. In
the next run it is the reference: never replaced, but the others may branch off from its steps. The budget is
the paper's N x T: n counts the particles of all runs, n/T in each, the reference among them. Deviation: the
particles of all runs are returned (the paper returns the last run's), so that all that was paid for votes. A
reference stands there for its own run, and as a copy for the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from ttc.strategies.particle_filter import Line, ParticleFilter
from ttc.types import Context, Count, Path, Policy, Verifier


@dataclass(frozen=True)
class ParticleGibbs(ParticleFilter):
    iterations: Count = 2
    """T: runs of the filter, with n/T particles each."""

    def __post_init__(self) -> None:
        # one particle would be the reference alone; n = 1 is one plain sample whatever searches
        if self.n > 1 and (self.n % self.iterations or self.n < 2 * self.iterations):
            above = max(self.n // self.iterations + 1, 2) * self.iterations
            below = above - self.iterations
            near = f"n={below} or n={above}" if below >= 2 * self.iterations else f"n={above}"
            runs = f"iterations={self.iterations} runs of 2 particles or more"
            raise ValueError(f"n={self.n} does not make {runs}: take {near}")

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        found: list[Path] = []
        reference: Line = ()
        for run in range(self.iterations):
            free: list[Line] = [(root,)] * (self.n // self.iterations - bool(reference))
            lines = await self._filter(free, policy, verifier, context, run, reference=reference)
            lines += [reference] if reference else []
            found += [line[-1] for line in lines]
            [reference] = context.random(run).choices(lines, self._weights(lines))
        return sorted(found, key=lambda path: path.address)
