"""`ttc compare FOLDER A B [C ...]`: cells side by side, every other against the first, paired.

The tests: semantics, "Intervals and comparisons".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ttc.readout.names import Reading, Results
from ttc.report.console import Console
from ttc.stats.intervals import Floats, interval
from ttc.stats.paired import CLEAR, bootstrap_weights, holm, mcnemar, percentiles, sign_flip
from ttc.store import Folder
from ttc.studies.compare_report import print_cells, print_comparison
from ttc.types import UserError

FILE = "compare"
HEAD = ("cell", "strategy", "variant", "n", "vote", "agg", "subset", "policy", "prm", "dataset", "prompt")


def compare(folder: Folder, names: Sequence[str], console: Console) -> pd.DataFrame:
    """Prints the comparison and writes compare.parquet; without names prints what there is to compare.

    Raises:
        UserError: a name that means no cell or several, or cells on different problems.
    """
    results = Results(folder)
    if not names:
        print_cells(results, console)
        return results.rows
    if len(names) == 1:
        raise UserError(f"{names[0]}: name at least two cells; `ttc compare {folder}` lists them")
    readings = [results.find(name) for name in names]
    if len({reading.key for reading in readings}) < len(readings):
        raise UserError(f"{' '.join(names)}: one of them is named twice")
    table = comparison(readings, [results.correct(reading) for reading in readings])
    folder.write(FILE, table)
    print_comparison(results, readings, table, console)
    return table


def comparison(readings: Sequence[Reading], correct: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """A row per cell; of the first, which the others are compared with, the differences are null.

    Args:
        correct: of each cell, problem_key x seed.
    Raises:
        UserError: the cells are on different problems.
    """
    first = correct[0]
    for reading, frame in zip(readings, correct, strict=True):
        if set(frame.index) != set(first.index):
            common = len(set(frame.index) & set(first.index))
            raise UserError(
                f"{readings[0].name} is on {len(first)} problems, {reading.name} on {len(frame)}, "
                f"{common} in common: compare cells of one selection"
            )
    mean_P = [frame.loc[first.index].to_numpy().mean(axis=1) for frame in correct]
    weight_RP = bootstrap_weights(len(first))
    rows = []
    for reading, frame, own_P in zip(readings, correct, mean_P, strict=True):
        row = {name: reading.row[name] for name in HEAD} | {"name": reading.name}
        row |= {"headline": reading.row["headline"], "upper_bound": reading.row["upper_bound"]}
        row["accuracy"], row["accuracy_low"], row["accuracy_high"] = interval(own_P, frame.shape[1])
        row |= {"problems": len(first), "seeds": frame.shape[1], "against": None}
        if reading is not readings[0]:
            row |= {"against": readings[0].name} | _paired(own_P, mean_P[0], weight_RP)
        rows.append(row)
    table = pd.DataFrame(rows)
    table["p_holm"] = [np.nan, *holm(table["p_sign_flip"].iloc[1:].tolist())]
    return table


def _paired(own_P: Floats, first_P: Floats, weight_RP: Floats) -> dict[str, Any]:
    difference_P = own_P - first_P
    P = len(difference_P)
    low, high = percentiles(weight_RP @ difference_P / P)
    binary = all(bool(np.isin(mean_P, (0.0, 1.0)).all()) for mean_P in (own_P, first_P))
    return {
        "difference": float(difference_P.mean()),
        "difference_low": low,
        "difference_high": high,
        "p_sign_flip": sign_flip(difference_P),
        "p_mcnemar": mcnemar(difference_P) if binary else np.nan,
        "better": int((difference_P >= CLEAR).sum()),
        "worse": int((difference_P <= -CLEAR).sum()),
    }
