"""What a mutation is: a command line that must be refused, and where it may write."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

USUAL = {"policy": "fake", "prm": "fake", "cluster": "none", "n": "2", "dataset.limit": "3"}
"""What a launch is told beside its mutation: were that taken, it would be over in a second."""


@dataclass(frozen=True)
class Mutation:
    """Wrong by construction: to end with exit code 0 is a fault.

    Attributes:
        words: the command line.
        names: the message has one of these: the key, or the file.
        codes: the exit codes that are documented for it.
    """

    words: tuple[str, ...]
    names: tuple[str, ...]
    codes: tuple[int, ...] = (2,)


@dataclass(frozen=True)
class Place:
    """`here`: an empty folder of the mutation's own. `whole`: a results folder that fakes have filled."""

    here: Path
    whole: Path

    def copied(self) -> Path:
        """A results folder to be broken."""
        return shutil.copytree(self.whole, self.here / "broken")

    def run(self, *words: str, without: str = "") -> tuple[str, ...]:
        """A launch with these words, and what is usual of what they leave unsaid; but for one key."""
        given = {without, *(word.lstrip("+~").partition("=")[0] for word in words)}
        usual = USUAL | {"results_dir": str(self.here / "results")}
        return ("run", *words, *(f"{key}={value}" for key, value in usual.items() if key not in given))


Kind = Callable[[Random, Place], Mutation]
