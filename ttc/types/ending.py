"""When a pool has enough before it has n: what `stop` and `budget` say of a cell."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MEASURES = ("tokens", "flops", "seconds")
"""What a budget may be in: of generation and verification together, for one problem and seed."""


@dataclass(frozen=True)
class Ending:
    """A pool ends as soon as its rule or one of its budgets says so (semantics, "Endings").

    Attributes:
        rule: a name in `ttc.readout.endings.RULES`; None: none.
        certainty: beta: how probable it must be that the leading answer is the most frequent one.
        window: paths between two looks of the rule.
        content: of the user's file that the rule is of.
        tokens, flops, seconds: what the units that count may cost; None: whatever they do.
    """

    rule: str | None = None
    certainty: float = 0.95
    window: int = 1
    tokens: int | None = None
    flops: float | None = None
    seconds: float | None = None
    content: str | None = None

    @property
    def budgets(self) -> dict[str, float]:
        """Measure -> what may be spent."""
        return {name: value for name in MEASURES if (value := getattr(self, name)) is not None}

    @property
    def word(self) -> str:
        """Names it in rows of searches/: two that differ have different ones."""
        return " ".join(f"{key}={value}" for key, value in asdict(self).items() if value is not None)
