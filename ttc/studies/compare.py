"""`ttc compare FOLDER A B [C ...]`: cells side by side, every other against the first, paired (spec 6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from ttc.readout.names import Reading, Results, choice_name, plain
from ttc.report.looks import make_table, points, show, signed, signed_span, span
from ttc.stats.intervals import Floats, interval
from ttc.stats.paired import (
    CLEAR,
    EXACT,
    FLIPS,
    REPLICATES,
    bootstrap_weights,
    holm,
    mcnemar,
    percentiles,
    sign_flip,
)
from ttc.store.folder import write_frame
from ttc.types import UserError

FILE = "compare.parquet"
HEAD = ("cell", "strategy", "variant", "n", "vote", "agg", "subset", "policy", "prm", "dataset", "prompt")


def compare(folder: Path, names: Sequence[str], console: Console) -> pd.DataFrame:
    """Prints the comparison and writes compare.parquet; without names prints what there is to compare.

    Raises:
        UserError: a name that means no cell or several, or cells on different problems.
    """
    results = Results(folder)
    if not names:
        _print_cells(results, console)
        return results.rows
    if len(names) == 1:
        raise UserError(f"{names[0]}: name at least two cells; `ttc compare {folder}` lists them")
    readings = [results.find(name) for name in names]
    if len({reading.key for reading in readings}) < len(readings):
        raise UserError(f"{' '.join(names)}: one of them is named twice")
    table = comparison(readings, [results.correct(reading) for reading in readings])
    write_frame(table, folder / FILE)
    _print(table, readings, _notes(results, readings, table), console)
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


# --- What is printed -------------------------------------------------------------------------------------


def _print(table: pd.DataFrame, readings: Sequence[Reading], notes: Sequence[str], console: Console) -> None:
    several = len(table) > 2
    seeds = sorted(set(table["seeds"]))
    title = (
        f"{table['dataset'].iloc[0]}: {table['problems'].iloc[0]} problems, "
        f"{' or '.join(map(str, seeds))} seed{'s' * (seeds != [1])}, against {readings[0].name}"
    )
    figures = ["accuracy", "95 % interval", "difference", "95 % interval", "sign-flip p", "McNemar p"]
    figures += ["Holm p"] * several + ["better on", "worse on"]
    out = make_table(title, ["cell"], figures, [""])
    for i, row in enumerate(table.to_dict("records")):
        cells = [row["name"], points(row["accuracy"]), span(row["accuracy_low"], row["accuracy_high"])]
        if i == 0:
            cells += [""] * (len(figures) - 2)
        else:
            cells += [
                signed(row["difference"]),
                signed_span(row["difference_low"], row["difference_high"]),
            ]
            cells += [_p(row[name]) for name in ("p_sign_flip", "p_mcnemar", *["p_holm"] * several)]
            cells += [str(int(row["better"])), str(int(row["worse"]))]
        out.add_row(*cells, _mark(row))
    show(out, console, notes)


def _p(value: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _mark(row: dict[Any, Any]) -> str:
    if row["upper_bound"]:
        return "upper bound"
    return "headline" if row["headline"] else "exploratory"


def _notes(results: Results, readings: Sequence[Reading], table: pd.DataFrame) -> list[str]:
    flips = "all flips" if table["problems"].iloc[0] <= EXACT else f"{FLIPS:,} flips"
    notes = [
        "Differences in points, paired by problem, seeds averaged first; intervals by cluster bootstrap "
        f"({REPLICATES:,} replicates of the problems); sign-flip test over {flips}"
        + ("; Holm over the rows." if len(table) > 2 else "."),
        f"better, worse on: problems whose mean differs by at least {CLEAR:g}. Subset {results.subset}.",
    ]
    if table["p_mcnemar"].isna().sum() > 1:
        notes.append(
            "McNemar's test is for answers that are right or wrong; here they are means or expectations."
        )
    pools: dict[str, list[str]] = {}
    for reading in readings:
        record = results.records.get(reading.row["cell"])
        if record:
            pools.setdefault(record.family, []).append(reading.name)
    notes += [
        f"One pool of paths behind {', '.join(names)}: these points are correlated."
        for names in pools.values()
        if len(names) > 1
    ]
    if table["seeds"].nunique() > 1:
        notes.append(
            "Not all have the same seeds: "
            + ", ".join(f"{r.name} {s}" for r, s in zip(readings, table["seeds"], strict=True))
            + "."
        )
    if table["upper_bound"].any():
        notes.append("An upper bound has seen the gold answers: it is no result.")
    return notes


def _print_cells(results: Results, console: Console) -> None:
    """What can be compared: a line per cell."""
    out = make_table(f"cells of {results.folder}", ["cell"], ["accuracy", "problems", "seeds"], ["votes"])
    for _, rows in results.rows.groupby(["cell", "n"], sort=False):
        head = rows[rows["headline"]]
        accuracy = (
            f"{100 * head['accuracy'].iloc[0]:.1f}" if len(head) and head["accuracy"].notna().all() else "-"
        )
        votes = dict.fromkeys(rows["vote"])
        row = rows.iloc[0]
        headline = f" (headline {choice_name(plain(head.iloc[0].to_dict()))})" if len(head) else ""
        out.add_row(
            f"{row['words']}@{row['n']}",
            accuracy,
            str(row["problems"]),
            str(row["seeds"]),
            ", ".join(votes) + headline,
        )
    show(out, console, ["cell:vote/agg, as in beam@16:best/min; without a vote the headline is read."])
