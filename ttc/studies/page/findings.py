"""What a study found, in words: the page's first sentences, and never more than the comparisons support.

Headlines only. Every line is compared with best_of_n at the same n (or budget), paired by problem, and
best_of_n with itself at its smallest n; "beats" means a sign-flip test below 0.05 after Holm over all of
these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ttc.report.figures import POOL
from ttc.report.formats import counted, points, signed
from ttc.report.view import Spot
from ttc.stats import paired
from ttc.studies.page.panels import Panel

SURE = 0.05


@dataclass(frozen=True)
class Finding:
    """One comparison: `line` at a spot against another reading on the same problems."""

    line: str
    spot: Spot
    difference: float
    low: float
    high: float
    p: float

    @property
    def sure(self) -> bool:
        return self.p < SURE

    @property
    def gap(self) -> str:
        """`10.6 points (6.4 to 15.2)`: how far apart, either way."""
        if self.low * self.high < 0:  # sure by its test, hardly by its interval
            return f"{points(abs(self.difference))} points ({signed(self.low)} to {signed(self.high)})"
        low, high = sorted((abs(self.low), abs(self.high)))
        return f"{points(abs(self.difference))} points ({points(low)} to {points(high)})"

    @property
    def open(self) -> str:
        """`+1.2, -3.0 to +5.4`."""
        return f"{signed(self.difference)}, {signed(self.low)} to {signed(self.high)}"


def find(panel: Panel) -> list[str]:
    """Sentences, the strongest finding first; at least one."""
    rows = panel.headlines
    if not len(panel.complete):
        missing = panel.rows.drop_duplicates(["source", "cell"])["missing"].sum()
        return [f"Nothing is complete yet: {counted(int(missing), 'search(es)')} missing."]
    if not len(rows):
        return ["Every reading has seen the gold answers: these are upper bounds, and no result."]
    base = next(iter(rows.loc[rows["strategy"].str.endswith(POOL), "line"]), rows["line"].iloc[0])
    at = {(row["line"], row["spot"]): place for place, row in rows.iterrows()}
    spots = sorted(spot for line, spot in at if line == base)
    wanted = [
        (place, at[base, spot], line, spot)
        for (line, spot), place in at.items()
        if line != base and spot in spots and spot.size > 1
    ]
    if len(spots) > 1:
        wanted.append((at[base, spots[-1]], at[base, spots[0]], base, spots[-1]))
    found = _compare(panel.correct(rows), wanted)
    growth = [one for one in found if one.line == base]
    others = [one for one in found if one.line != base]
    lines = sorted({one.line for one in others}, key=lambda line: _strength(others, line))
    said = [_against(base, [one for one in others if one.line == line]) for line in lines]
    said += [_growth(rows, base, spots[0], one) for one in growth]
    return [*(said or [_alone(rows.iloc[-1])]), *_gap(panel, base)]


def _compare(correct: pd.DataFrame, wanted: Sequence[tuple[Any, Any, str, Spot]]) -> list[Finding]:
    """Pairs on different problems are left out."""
    kept, figures = [], []
    for first, second, line, spot in wanted:
        pair = correct[[first, second]]
        if bool((pair[first].isna() == pair[second].isna()).all()):
            kept.append((line, spot))
            figures.append(paired.compare(pair.dropna().to_numpy().T, [0], [1]))
    p_values = paired.holm([float(one["p_sign_flip"][0]) for one in figures])
    return [
        Finding(
            line,
            spot,
            float(one["difference"][0]),
            float(one["difference_low"][0]),
            float(one["difference_high"][0]),
            p,
        )
        for (line, spot), one, p in zip(kept, figures, p_values, strict=True)
    ]


def _strength(found: Sequence[Finding], line: str) -> tuple[bool, float]:
    own = [one for one in found if one.line == line]
    sure = [abs(one.difference) for one in own if one.sure]
    return not sure, -max(sure or [abs(one.difference) for one in own])


def _against(base: str, found: Sequence[Finding]) -> str:
    """One line against the base, over all budgets."""
    line = found[0].line
    ahead = [one for one in found if one.sure and one.difference > 0]
    behind = [one for one in found if one.sure and one.difference < 0]
    unsure = [one for one in found if not one.sure]
    parts = []
    for verb, those in (("beats", ahead), ("falls behind", behind)):
        told = _listed([f"at {one.spot} by {one.gap}" for one in those])
        parts += [f"{verb} {base} {told}"] if those else []
    if not parts:
        last = unsure[-1]
        where = _listed([str(one.spot) for one in found])
        return f"No difference between {line} and {base} is shown at {where} (at {last.spot}: {last.open})."
    open_ = _listed([f"{one.spot} ({one.open})" for one in unsure])
    return f"{line} {' and '.join(parts)}" + (f"; no difference is shown at {open_}." if unsure else ".")


def _growth(rows: pd.DataFrame, base: str, first: Spot, found: Finding) -> str:
    its = rows[rows["line"] == base]
    own = dict(zip(its["spot"], its["accuracy"], strict=True))
    ends = f"{points(own[first])} to {points(own[found.spot])} %"
    if found.sure:
        verb = "gains" if found.difference > 0 else "loses"
        return f"From {first} to {found.spot}, {base} {verb} {found.gap}: {ends}."
    return f"From {first} to {found.spot}, no change of {base} is shown ({found.open}): {ends}."


def _gap(panel: Panel, base: str) -> list[str]:
    """What selection leaves lying: pass@n against what was chosen."""
    rows = panel.complete[panel.complete["line"] == base]
    spot = max(rows["spot"])
    there = rows["spot"] == spot
    bound = rows[there & (rows["vote"] == "oracle")]["accuracy"]
    chosen = rows[there & rows["headline"].astype(bool)]
    if spot.size == 1 or not len(bound) or not len(chosen):
        return []
    vote, missed = chosen["vote"].iloc[0], float(bound.iloc[0]) - float(chosen["accuracy"].iloc[0])
    said = f"Of {base} at {spot}, {points(bound.iloc[0])} % of the problems have a right path among theirs"
    told = f"{vote} misses {points(missed)} points of that" if missed > 0.0005 else f"{vote} selects it"
    return [f"{said}; {told}."]


def _alone(row: Any) -> str:
    low, high = points(row["accuracy_low"]), points(row["accuracy_high"])
    return f"{row['line']} at {row['spot']} solves {points(row['accuracy'])} % ({low} to {high})."


def _listed(words: Sequence[str]) -> str:
    """`4`, `4 and 16`, `4, 16 and 64`."""
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last
