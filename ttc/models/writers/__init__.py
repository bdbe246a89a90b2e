"""Verifiers that write before they decide (semantics, "Verifiers"): a prompt, and how its answer is read.

A way to write is one small class in a file here and one line of WRITERS. Its engine is a policy's: what it
writes counts as the verifier's tokens.
"""

from __future__ import annotations

from typing import Any

from ttc.models.writers.common import Writer, WritingModel
from ttc.models.writers.critic import Critic
from ttc.models.writers.select import Select
from ttc.settings.schema import PrmConfig

WRITERS: dict[str, type[Writer]] = {"critic": Critic, "select": Select}
"""By the name that conf/prm/ gives as `format`."""

OWN = ("votes", "temperature", "max_tokens")
"""Settings of verifiers that write; `shown` is of those that compare."""


def writer(config: Any) -> type[Writer] | None:
    """What a verifier's configuration writes as; None: it writes nothing, or is a policy's."""
    return WRITERS.get(getattr(config, "format", None) or "")


def compares(config: PrmConfig | None) -> bool:
    """Does it score the paths of a pool together (`ComparingModel`)?"""
    kind = writer(config)
    return kind is not None and kind.compares


def shape(config: Any) -> tuple[object, ...]:
    """What decides a verdict besides the weights: for `Identity.more`."""
    kind = writer(config)
    if kind is None:
        return ()
    own = tuple(getattr(config, name) for name in OWN)
    return (kind.prompt.user, *own, *([config.shown] if kind.compares else []))


def faults(config: PrmConfig) -> list[str]:
    """What is said of writing and does not go together, a line each."""
    kind = writer(config)
    unread = [*(OWN if kind is None else ()), *(["shown"] if kind is None or not kind.compares else [])]
    lines = [
        f"prm.{name}={getattr(config, name)}: prm.format={config.format} "
        + ("writes nothing; prm=critic does" if kind is None else "compares nothing; prm=genselect does")
        for name in unread
        if getattr(config, name) != getattr(PrmConfig, name)
    ]
    if kind and config.votes > 1 and not config.temperature:
        lines.append(f"prm.votes={config.votes}: all alike at prm.temperature=0; give it a temperature")
    return lines
