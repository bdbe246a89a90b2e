"""One search over one problem: its policy, its verifier and its context, with one bill for all three."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from ttc.run.draws import AddressedPolicy, Drawn, address_text
from ttc.run.scores import IncrementalVerifier, StepScore
from ttc.types import Bill, Budget, PolicyModel, Sampling, VerifierModel


@dataclass(frozen=True)
class SearchContext:
    """`Context` for one search over one problem."""

    budget: Budget
    spent: Bill
    seed: int
    problem_key: str

    def random(self, *place: int) -> random.Random:
        # of no strategy and no n, as the seeds of draws: searches are compared on one chance
        name = f"{self.seed}/{self.problem_key}/chance/{address_text(place)}"
        return random.Random(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


class Session:
    """What one search is given, and what is known of it afterwards.

    Args:
        policy, verifier: engines; None: nothing to sample, or to score.
        n: finished paths that the search may return.
        first_child: the root's first free child index: a pool that grows goes on where it stopped.
    """

    def __init__(
        self,
        policy: PolicyModel | None,
        verifier: VerifierModel | None,
        sampling: Sampling,
        seed: int,
        problem_key: str,
        n: int,
        first_child: int = 0,
    ) -> None:
        self.bill = Bill()
        self.policy = AddressedPolicy(policy, sampling, seed, problem_key, self.bill, first_child)
        self.verifier = IncrementalVerifier(verifier, self.bill)
        self.context = SearchContext(Budget(n), self.bill, seed, problem_key)

    @property
    def drawn(self) -> list[Drawn]:
        """Every draw, roll-outs included, in the order in which they came."""
        return self.policy.drawn

    @property
    def scored(self) -> dict[tuple[tuple[int, ...], int], StepScore]:
        """(address of the scored path, index among its steps that are not blank) -> score and cost."""
        return self.verifier.scored
