"""What each of search-and-learn's ways to read a run is worth: accuracies under our rules, with one of them
switched on alone, and with all (spec 8). Votes only: its ways to search are in the paths already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ttc.readout import readout_of
from ttc.readout.rows import SAL_PREFIX
from ttc.settings.schema import ReadoutConfig
from ttc.store import folder as store

SOUND, PREFIX, ALL = "sound", "subset=sal_prefix", "all"
QUIRKS: Mapping[str, Mapping[str, Any]] = {
    "extract=sal": {"extract": "sal"},
    "blanks=vote": {"blanks": "vote"},
    "groups=canonical": {"groups": "canonical"},
    "trailing=keep": {"trailing": "keep"},
    PREFIX: {"subset": SAL_PREFIX},
}
Line = tuple[Any, ...]
LINE = ("strategy", "variant", "policy", "prm", "dataset", "n", "vote")
VOTES = ("weighted", "best", "majority")
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


def quirks(folder: Path, sound: ReadoutConfig | None = None) -> pa.Table:
    """A row per line, n, vote and quirk; also written as quirks.parquet in the folder.

    Our rules read no part of a beam search: at an n below its own, quirks are added to `subset=sal_prefix`.

    Args:
        sound: the rules to start from, whose `headline_agg` is read where a quirk does not say otherwise.

    Raises:
        UserError: the paths are not graded by a rule that is read.
    """
    sound = sound or ReadoutConfig()
    whole = {key: value for values in QUIRKS.values() for key, value in values.items()}
    # the prefix comes before the others: they add to it where our rules have no row
    readings = {SOUND: {}, PREFIX: QUIRKS[PREFIX], **QUIRKS, ALL: {**whole, "headline_agg": "last"}}
    rows: list[dict[str, Any]] = []
    base: dict[Line, float] = {}
    for name, values in readings.items():
        config = replace(sound, **values)
        for line, row in _readings(folder, config, both=name not in (SOUND, PREFIX, ALL)).items():
            if name in (SOUND, PREFIX):
                base.setdefault(line, row["accuracy"])
            rows.append(row | {"quirk": name, "difference": row["accuracy"] - base[line]})
    table = pa.Table.from_pylist(rows, SCHEMA)
    store.write(table, folder / "quirks.parquet")
    return table


def _readings(folder: Path, config: ReadoutConfig, both: bool) -> dict[Line, dict[str, Any]]:
    """The complete rows of the declared subset; `both`: where it has none, those of `sal_prefix`."""
    read = replace(config, subset=SAL_PREFIX) if both else config
    names = [*LINE, "agg", "subset", "accuracy", "problems", "seeds"]
    found: dict[Line, dict[str, Any]] = {}
    for row in readout_of(folder, read).rows.select(names).to_pylist():
        subsets = (config.subset, SAL_PREFIX) if both else (config.subset,)
        fits = row["vote"] in VOTES and row["subset"] in subsets and row["agg"] in (None, config.headline_agg)
        line = tuple(row[key] for key in LINE)
        if fits and row["accuracy"] is not None and (line not in found or row["subset"] == config.subset):
            found[line] = row
    return found
