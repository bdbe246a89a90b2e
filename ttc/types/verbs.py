"""The verbs of a search: what a strategy sees, and nothing else. Read this after the nouns in paths.py."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ttc.types.floor import Floor
from ttc.types.paths import Path


class Policy(Protocol):
    """Writes steps. Children come back in the order of the draws; a parent's children are new each call."""

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        """n children of every path (n: one int, or one per path), each one step longer.

        Raises:
            ValueError: a path is over.
        """
        ...

    async def finish(
        self, paths: Sequence[Path], n: int | Sequence[int], *, floor: Floor | None = None
    ) -> list[list[Path]]:
        """n samples from every path to the end of the text; an over path comes back as it is.

        floor: how sure the policy has to stay; a sample ends where it does not (`unsure`). For strategies
            that are `confident` only.
        """
        ...

    async def roll_out(
        self,
        paths: Sequence[Path],
        n: int | Sequence[int] = 1,
        *,
        steps: int | None = None,
        temperature: float | None = None,
    ) -> list[list[Path]]:
        """n looks ahead from every path: `steps` steps (None: to the end) at `temperature` (None: its own).

        They are no children: their tokens count, but the tree stays as it is, and so do the draws of all
        that is sampled from it. An over path comes back as it is. A roll-out is a path like any other: it
        may be scored, gone on from and returned.
        """
        ...

    async def chat(self, paths: Sequence[Path], words: Sequence[str]) -> list[Path]:
        """To every path's text the user says his `words`, one text per path, and the policy answers to the
        end of the text: a path of its own steps, the node's next child, whose `turns` were said before it.

        Raises:
            ValueError: a path is not over.
            TooLong: a conversation has filled the context, and there is no room for an answer.
        """
        ...


class Verifier(Protocol):
    """Scores steps. Incremental: steps that already have a score are not scored again."""

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        """The same paths, in the same order, every step scored."""
        ...


@dataclass(frozen=True)
class Budget:
    """What a search may spend. `n`: finished paths it may return, at most."""

    n: int


@dataclass
class Bill:
    """What a search has cost its engines so far, in tokens. None = the engine does not tell.

    Attributes:
        generated_tokens: sampled, discarded children and roll-outs included.
        prompt_tokens, prm_prompt_tokens: of the root, for the policy and for the verifier.
        prm_shared: steps that were answered from another search's call.
        retries: calls that had failed and were made again; their tokens count where the engine tells them.
    """

    generated_tokens: int | None = 0
    prompt_computed: int | None = None
    prompt_cached: int | None = None
    prm_computed: int | None = None
    prm_cached: int | None = None
    prm_shared: int | None = None
    prompt_tokens: int | None = None
    prm_prompt_tokens: int | None = None
    retries: int = 0


class Context(Protocol):
    """What a search knows of itself: its budget, what it has spent, and chance of its own."""

    @property
    def budget(self) -> Budget: ...

    @property
    def spent(self) -> Bill: ...

    def random(self, *place: int) -> random.Random:
        """Chance for one decision, named by its place (a round, an address). Equal places give equal
        numbers: seeded by (sweep seed, problem, place), never by what came before."""
        ...


class Strategy(ABC):
    """A search over ONE problem: a frozen dataclass of `n` and the paper's parameters.

    Its fields are its configuration (`strategy.width=8`), its columns, its words in `variant` and its part
    of the id; their types say what is valid. It knows the verbs and nothing of Ray, vLLM, prompts, seeds or
    files.
    """

    n: int

    guided: ClassVar[bool] = True
    """False: never calls the verifier, so any verifier can score its paths afterwards."""

    sequential: ClassVar[bool] = False
    """True: its paths are versions of one answer, each made of those before it: the last one is what became
    of it (the vote `final`)."""

    scores_children: ClassVar[bool] = False
    """True: every child that it draws it has scored, before it looks at any. So each may be scored as soon as
    it is drawn, while its siblings are still being written."""

    finishes: ClassVar[bool] = True
    """False: it may return paths that are not over, as they are; they vote by what they state."""

    narrows: ClassVar[bool] = True
    """Its `width` above n becomes n (semantics, "Small n"); False: it runs as it is said."""

    confident: ClassVar[bool] = False
    """It reads how sure the policy was (`Step.confidences`), and may give its draws a floor: the policy has
    to tell."""

    temperature: ClassVar[float | None] = None
    """The sampling temperature that the strategy insists on (greedy: 0); None: the policy's own."""

    spends: ClassVar[bool] = False
    """It is told its budget (`budget.tokens=`, ...) by fields of these names and keeps to it by itself; of
    others whole units are read until it is used up."""

    younger: ClassVar[frozenset[str]] = frozenset()
    """Parameters that stored results may not know: at their defaults they count in no id, so that theirs
    stay."""

    headline: ClassVar[str | None] = None
    """The vote that the method's paper reads its result off; None: the one that the readout declares."""

    @property
    def prefix_unit(self) -> int | None:
        """The first k*unit paths of a big run ARE the run at k*unit (None: they are not): unit k comes of the
        root's children k*unit .. (k+1)*unit - 1, and of as many roll-outs of the root."""
        return None

    @property
    def says(self) -> tuple[str, ...]:
        """What it tells the policy (`chat`), as far as that is known beforehand: it needs one that takes a
        conversation. (): it has none."""
        return ()

    @property
    def keeps_tree(self) -> bool:
        """Its draws are stored, all of them: the paths that it returns do not tell what it cost."""
        return self.guided or self.sequential or self.confident or bool(self.says)

    @abstractmethod
    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        """At most n finished paths, in the order in which they vote: that of their addresses, where the
        method has none of its own. The same one may stand there several times."""
