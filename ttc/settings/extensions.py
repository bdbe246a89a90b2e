"""Rooms that add entries to registries: imported by name wherever ttc runs, so that nothing below knows
them."""

from __future__ import annotations

import importlib

EXTENSIONS = ("ttc.sal.plug",)


def load() -> None:
    """Imports them; at the door, in every shard, before a readout. A second time costs nothing."""
    for name in EXTENSIONS:
        importlib.import_module(name)
