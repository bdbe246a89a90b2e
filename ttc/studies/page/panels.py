"""A study as panels of readings: what the page's charts, its map and its comparisons are drawn from.

A panel is what can stand in one picture: one policy, verifier, dataset and prompt. A reading is a cell and
how it is read. Shape suffixes: C readings, P problems, D pairs of readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ttc.readout.names import Reading, choice_name, plain
from ttc.report.doubts import explain
from ttc.report.figures import POOL
from ttc.report.formats import FORMATS, amount, points
from ttc.report.summary import standing
from ttc.report.view import panels, sizes, spot_of
from ttc.stats import paired
from ttc.studies.page.sources import Source

COMPARED = 120
"""Readings of a panel up to which all are compared with all; of more the headlines are."""
MAPPED = 2000
"""Problems that the map has room for: of more, evenly drawn ones."""
FEW = 30
"""Problems below which a panel is called a small sample."""
AXES = {
    "n": "n",
    "generated_tokens": "generated tokens per problem",
    "tokens": "all tokens per problem (policy and verifier, prompts included)",
    "flops": "FLOPs per problem (policy and verifier)",
    "seconds": "engine seconds per problem",
}
"""What a chart can have as its x."""


@dataclass(frozen=True)
class Panel:
    """Readings that stand in one picture.

    Attributes:
        rows: of readout.parquet, with `line` (what a reading is called but for its n), `label` (with it),
            `source` (its place in `sources`), `reading` (its full name) and `doubt`, `mark`.
    """

    title: str
    rows: pd.DataFrame
    sources: Sequence[Source]

    @property
    def complete(self) -> pd.DataFrame:
        return self.rows[self.rows["accuracy"].notna()]

    @property
    def by_n(self) -> pd.DataFrame:
        """Complete readings that stand at their n, and at no budget."""
        return self.complete[[spot.size == n for spot, n in self.complete[["spot", "n"]].to_numpy()]]

    @property
    def headlines(self) -> pd.DataFrame:
        """One reading of each cell: its first headline."""
        kept = self.complete[self.complete["headline"].astype(bool)]
        return kept.drop_duplicates(["source", "cell"])

    @cached_property
    def compared(self) -> pd.DataFrame:
        """Readings that are paired with each other; of one path all votes say the same."""
        kept = self.complete
        kept = kept[(kept["n"] > 1) | kept["headline"].astype(bool)]
        return kept if len(kept) <= COMPARED else self.headlines.head(COMPARED)

    def correct(self, rows: pd.DataFrame) -> pd.DataFrame:
        """In [0, 1], seeds averaged: a column for each of the rows (by its index), a row per problem_key;
        NaN: not among its problems."""
        columns = {place: self._mean(row) for place, row in rows.iterrows()}
        return pd.DataFrame(columns)

    def _mean(self, row: Any) -> pd.Series:
        reading = Reading(row["reading"], plain(row.to_dict()))
        return self.sources[row["source"]].results.correct(reading).mean(axis=1)

    def problems(self) -> pd.DataFrame:
        """problem_key -> problem_id, level; in the dataset's order."""
        used = sorted(set(self.rows["source"]))
        found = pd.concat([self.sources[place].results.problems() for place in used])
        return found[~found.index.duplicated()]


def make_panels(sources: Sequence[Source]) -> list[Panel]:
    """The panels of some folders together; with several a line says which folder it is of."""
    parts = []
    for place, source in enumerate(sources):
        part = source.rows().assign(source=place)
        if len(sources) > 1:
            part["variant"] = [f"{one} [{source.folder.name}]".strip() for one in part["variant"]]
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True)
    return [Panel(title, _named(part), sources) for title, part in panels(rows)]


def _named(part: pd.DataFrame) -> pd.DataFrame:
    agg = part["agg"].astype(object).where(part["agg"].notna(), None)
    places = list(map(spot_of, part["strategy"], part["variant"], part["n"]))
    spots: list[Any] = [spot for _, spot in places]
    part = part.assign(line=[line for line, _ in places], spot=spots, agg=agg)
    rows = [plain(row) for row in part.to_dict("records")]
    choices = [choice_name(row) for row in rows]
    part["reading"] = [f"{row['words']}@{row['n']}:{one}" for row, one in zip(rows, choices, strict=True)]
    part["label"] = [
        f"{row['line']} at {row['spot']}" + (f", {one}" if row["n"] > 1 else "")
        for row, one in zip(rows, choices, strict=True)
    ]
    part["tokens"] = part["policy_tokens"] + part["prm_tokens"]
    return part


# --- For the page ----------------------------------------------------------------------------------------


def describe(panel: Panel) -> dict[str, Any]:
    """All that is drawn of a panel."""
    rows = panel.rows
    readings = [_reading(place, plain(row.to_dict())) for place, row in rows.iterrows()]
    correct = panel.correct(panel.compared)
    return {
        "title": panel.title,
        "dataset": str(rows["dataset"].iloc[0]),
        "sizes": sizes(rows),
        "subset": str(rows["subset"].iloc[0]),
        "axes": {
            key: label
            for key, label in AXES.items()
            if rows[key].notna().any() and (key != "n" or len(panel.by_n) or rows["accuracy"].isna().all())
        },
        "readings": readings,
        "aggregations": list(_aggregations(panel)),
        "levels": list(_levels(panel)),
        **_map(panel, correct),
        "pairs": make_pairs(correct),
        "warnings": [*_small(panel), *explain(rows[rows["accuracy"].notna()])],
    }


def _reading(number: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    x = {axis: _number(row[axis]) for axis in AXES}
    x["n"] = x["n"] if row["spot"].size == row["n"] else None  # which a budget ended sooner
    own = {"id": int(number), "x": x, "spot": str(row["spot"]), "size": row["spot"].size}
    own |= {key: row[key] for key in ("line", "label", "reading", "strategy", "n", "vote", "agg", "mark")}
    own |= {key: _number(row[key]) for key in ("accuracy", "accuracy_low", "accuracy_high")}
    own |= {key: int(row[key]) for key in ("problems", "seeds", "missing", "failed")}
    own |= {"headline": bool(row["headline"]), "upper_bound": bool(row["upper_bound"])}
    return own | {"tip": _tip(row)}


def _tip(row: Mapping[str, Any]) -> list[str]:
    """What hovering says."""
    if row["accuracy"] is None or np.isnan(row["accuracy"]):
        return [row["label"], f"incomplete: {row['missing']} searches missing, {row['failed']} failed"]
    costs = [
        f"{amount(row[key])} {noun}"
        for key, noun in (("policy_tokens", "policy tokens"), ("prm_tokens", "verifier tokens"))
        if _number(row[key])
    ]
    more = [f"{FORMATS['giga'](row['flops'])} GFLOP"] if _number(row["flops"]) else []
    more += [f"{amount(row['seconds'])} s"] if _number(row["seconds"]) else []
    return [
        row["label"],
        f"{points(row['accuracy'])} % ({points(row['accuracy_low'])} to {points(row['accuracy_high'])})",
        ", ".join([*costs, *more]) + " per problem",
        standing(bool(row["upper_bound"]), bool(row["headline"]))
        + (f"; {row['mark']}" if row["mark"] else ""),
    ]


def _number(value: Any) -> float | None:
    """None for what was not measured."""
    return None if value is None or value is pd.NA or np.isnan(value) else float(value)


def _aggregations(panel: Panel) -> Iterator[dict[str, Any]]:
    """best_of_n by every aggregation of its scores."""
    for place in sorted(set(panel.complete["source"])):
        results = panel.sources[place].results
        known = panel.by_n[panel.by_n["source"] == place]
        of_panel = known.drop_duplicates("cell").set_index("cell")
        rows = results.rows
        rows = rows[rows["cell"].isin(of_panel.index) & rows["strategy"].str.endswith(POOL)]
        for row in map(plain, rows[rows["agg"].notna() & rows["accuracy"].notna()].to_dict("records")):
            own = {key: row[key] for key in ("n", "vote", "agg")}
            own |= {key: float(row[key]) for key in ("accuracy", "accuracy_low", "accuracy_high")}
            yield own | {"line": of_panel.loc[row["cell"], "line"]}


def _levels(panel: Panel) -> Iterator[dict[str, Any]]:
    """The headlines by the dataset's level."""
    headlines = panel.headlines[panel.headlines.index.isin(panel.by_n.index)]
    for place, own in headlines.groupby("source"):
        by = panel.sources[int(str(place))].folder.frame("readout_by")
        by = by[by["level"].notna() & by["headline"]].set_index(["cell", "vote"])
        for row in own.to_dict("records"):
            if (row["cell"], row["vote"]) in by.index:
                for part in by.loc[[(row["cell"], row["vote"])]].to_dict("records"):
                    figures = ("accuracy", "accuracy_low", "accuracy_high")
                    yield {
                        "line": row["line"],
                        "n": row["n"],
                        "level": int(part["level"]),
                        "problems": int(part["problems"]),
                        **{key: float(part[key]) for key in figures},
                    }


def _map(panel: Panel, correct: pd.DataFrame) -> dict[str, Any]:
    """The problems, and for each compared reading its share of right answers, in thousandths."""
    problems = panel.problems().loc[correct.index] if len(correct) else panel.problems().iloc[:0]
    kept = np.unique(np.linspace(0, max(0, len(problems) - 1), MAPPED).astype(int))[: len(problems)]
    shares = (correct.iloc[kept] * 1000).round().astype(object).where(correct.iloc[kept].notna(), None)
    some = problems.iloc[kept]
    return {
        "problems": [
            {"key": key, "id": str(one["problem_id"]), "level": _number(one["level"])}
            for key, one in some.iterrows()
        ],
        "left_out": len(problems) - len(kept),
        "solved": {
            int(str(place)): [None if one is None else int(one) for one in shares[place]] for place in shares
        },
    }


def make_pairs(correct: pd.DataFrame) -> dict[str, list[Any]]:
    """Every two columns that are on the same problems, compared as `ttc compare` does: figures by column.

    Differences are of the first against the second, in points.
    """
    groups: dict[frozenset[Any], list[Any]] = {}
    for place in correct:
        groups.setdefault(frozenset(correct.index[correct[place].notna()]), []).append(place)
    found: dict[str, list[Any]] = {"a": [], "b": []}
    for problems, places in groups.items():
        mean_CP = correct.loc[correct.index.isin(problems), places].to_numpy().T
        first_D, second_D = np.triu_indices(len(places), 1)
        found["a"] += [int(places[c]) for c in first_D]
        found["b"] += [int(places[c]) for c in second_D]
        for key, value_D in paired.compare(mean_CP, first_D.tolist(), second_D.tolist()).items():
            share = key.startswith("difference")
            rounded = np.round(100 * value_D, 2) if share else np.round(value_D, 5)
            found.setdefault(key, []).extend(None if one != one else one for one in rounded.tolist())
    return found


def _small(panel: Panel) -> Iterator[str]:
    sizes_of = panel.complete["problems"]
    if len(sizes_of) and int(sizes_of.min()) < FEW:
        yield f"a small sample: {int(sizes_of.min())} problems; the intervals say how little that tells"
    yield from _zeros(panel.headlines)
    if len(panel.complete) and panel.complete["upper_bound"].all():
        yield "every reading here has seen the gold answers: upper bounds, no result"
    incomplete = int(panel.rows["accuracy"].isna().groupby(panel.rows["cell"]).all().sum())
    if incomplete:
        yield f"{incomplete} of the cells are incomplete: `ttc status` says what is missing"


def _zeros(rows: pd.DataFrame) -> Iterator[str]:
    """What is 0 or not there, and should not pass in silence."""
    nothing = list(rows.loc[rows["accuracy"] == 0, "label"])
    if nothing:
        yield f"{', '.join(nothing[:3])} solved nothing: is the prompt made for this policy?"
    unknown = [label for key, label in (("flops", "FLOPs"), ("seconds", "seconds")) if rows[key].isna().all()]
    if len(rows) and unknown:
        yield f"{' and '.join(unknown)} were not measured: the engines did not tell"
