"""What each of search-and-learn's ways to read a run is worth: accuracies under our rules, with one of them
switched on alone, and with all (semantics, "search-and-learn"). Votes only: its ways to search are in the
paths already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from ttc.readout import make_readout, split_choice
from ttc.readout.votes import VOTES
from ttc.sal.prefix import SAL_PREFIX
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder

SOUND, PREFIX, ALL = "sound", "subset=sal_prefix", "all"
QUIRKS: Mapping[str, Mapping[str, Any]] = {
    "extract=sal": {"extract": "sal"},
    "blanks_vote": {"habits": ("blanks_vote",)},
    "canonical_groups": {"habits": ("canonical_groups",)},
    "trailing_scores": {"habits": ("trailing_scores",)},
    PREFIX: {"subset": SAL_PREFIX},
}
Line = tuple[Any, ...]
LINE = ("strategy", "variant", "policy", "prm", "dataset", "n", "vote")
SCHEMA = pa.schema(
    [
        *((name, pa.int32() if name == "n" else pa.string()) for name in LINE),
        ("quirk", pa.string()),  # sound / one of QUIRKS / all
        ("subset", pa.string()),
        ("accuracy", pa.float64()),
        ("difference", pa.float64()),  # to sound; to subset=sal_prefix where our rules have no such row
        ("problems", pa.int32()),
        ("seeds", pa.int32()),
    ]
)


def quirks(folder: Folder, sound: ReadoutConfig | None = None) -> pa.Table:
    """A row per line, n, vote and quirk; also written as quirks.parquet in the folder.

    Our rules read no part of a beam search: at an n below its own, quirks are added to `subset=sal_prefix`.

    Args:
        sound: the rules to start from; the headline's aggregation is read where a quirk does not say
            otherwise.

    Raises:
        UserError: the paths are not graded by a rule that is read.
    """
    sound = sound or ReadoutConfig()
    habits = tuple(name for values in QUIRKS.values() for name in values.get("habits", ()))
    whole = {**QUIRKS["extract=sal"], **QUIRKS[PREFIX], "habits": habits}
    # the prefix comes before the others: they add to it where our rules have no row
    readings = {SOUND: {}, PREFIX: QUIRKS[PREFIX], **QUIRKS, ALL: {**whole, "headline": "weighted/last"}}
    rows: list[dict[str, Any]] = []
    base: dict[Line, float] = {}
    for name, values in readings.items():
        config = replace(sound, **values)
        for line, row in _readings(folder, config, both=name != SOUND).items():
            if name in (SOUND, PREFIX):
                base.setdefault(line, row["accuracy"])
            rows.append(row | {"quirk": name, "difference": row["accuracy"] - base[line]})
    table = pa.Table.from_pylist(rows, SCHEMA)
    folder.write("quirks", table)
    return table


def _readings(folder: Folder, config: ReadoutConfig, both: bool) -> dict[Line, dict[str, Any]]:
    """The complete rows of the declared subset; `both`: where it has none, those of `sal_prefix`."""
    subsets = (config.subset, SAL_PREFIX) if both else (config.subset,)
    names = [*LINE, "agg", "subset", "accuracy", "problems", "seeds"]
    found: dict[Line, dict[str, Any]] = {}
    agg = split_choice(config.headline)[1] or "last"
    for row in make_readout(folder, replace(config, subset=subsets[-1]))["readout"].select(names).to_pylist():
        fits = not VOTES[row["vote"]].upper_bound and row["subset"] in subsets and row["agg"] in (None, agg)
        line = tuple(row[key] for key in LINE)
        if fits and row["accuracy"] is not None and (line not in found or row["subset"] == config.subset):
            found[line] = row
    return found
