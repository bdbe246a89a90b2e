"""A results folder's cells, by the names that a person types: `beam@16`, `beam+width=8@16:best/min`.

The grammar: strategy[+word...]@n[:vote[/agg]], where a word is one of the cell's variant (`width=8`), or
policy=, prm=, dataset= or prompt= where the folder has several; or the beginning of a cell id. No vote: the
headline. What is printed as a cell's name can be typed as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ttc.readout.votes import VOTES
from ttc.store import Folder
from ttc.store.records import CellRecord
from ttc.strategies import STRATEGIES
from ttc.strategies.aggregations import AGGREGATIONS
from ttc.types import UserError

CHOICE = r"(?::(?P<vote>\w+)(?:/(?P<agg>\w+))?)?"
FULL = re.compile(rf"(?P<words>.+)@(?P<n>\d+){CHOICE}")
ID = re.compile(rf"(?P<id>[^@:]+){CHOICE}")
PANEL = ["policy", "prm", "dataset", "prompt"]
"""What must be equal for two lines to stand in one picture."""
ANSWER_COLUMNS = ["cell", "n", "problem_key", "problem_id", "level", "seed", "vote", "agg", "correct"]


@dataclass(frozen=True)
class Reading:
    """A cell and how it is read: a row of readout.parquet, with its name."""

    name: str
    row: dict[str, Any]

    @property
    def key(self) -> tuple[str, int, str, str]:
        return self.row["cell"], self.row["n"], self.row["vote"], self.row["agg"] or ""


class Results:
    """A folder's readout in its declared subset, and the answers behind it.

    Raises:
        UserError: there is no readout in the folder.
    """

    def __init__(self, folder: Folder) -> None:
        if not all(folder.has(f"{name}.parquet") for name in ("readout", "answers")):
            raise UserError(
                f"{folder}: no readout here (readout.parquet, answers.parquet); a launch writes it"
            )
        rows = folder.frame("readout")
        self.folder = folder
        self.subset, self.agg = declared(rows)
        rows = rows[rows["subset"] == self.subset]
        rows = rows.assign(rank=[rank(STRATEGIES, name) for name in rows["strategy"]]).sort_values(
            ["rank", "strategy", "variant", "n"], kind="stable"
        )
        rows["prm"] = rows["prm"].fillna("none")
        rows["agg"] = rows["agg"].astype(object).where(rows["agg"].notna(), None)
        self.rows = rows.assign(words=_words(rows))
        self.records: dict[str, CellRecord] = {cell.cell: cell for cell in folder.cells()[0] if cell.usable}

    @cached_property
    def _answers(self) -> pd.DataFrame:
        """Who only asks for names does without them: they are most of a readout."""
        answers = self.folder.frame("answers", ANSWER_COLUMNS, [("subset", "==", self.subset)])
        return answers.assign(agg=answers["agg"].fillna(""))

    @cached_property
    def _places(self) -> Mapping[Any, Any]:
        return self._answers.groupby(["cell", "n", "vote", "agg"], sort=False).indices

    def correct(self, reading: Reading) -> pd.DataFrame:
        """In [0, 1], for each problem_key (in the dataset's order) and seed."""
        part = self._answers.iloc[self._places[reading.key]]
        problem_N, problems = pd.factorize(part["problem_key"])
        seed_N, seeds = pd.factorize(part["seed"], sort=True)
        correct_PS = np.full((len(problems), len(seeds)), np.nan)
        correct_PS[problem_N, seed_N] = part["correct"]
        return pd.DataFrame(correct_PS, index=problems, columns=seeds)

    def problems(self) -> pd.DataFrame:
        """problem_key -> problem_id, and the dataset's `level`, NaN for none."""
        answers = self._answers.drop_duplicates("problem_key")
        return answers.set_index("problem_key")[["problem_id", "level"]]

    def readings(self, rows: pd.DataFrame) -> list[Reading]:
        found = map(plain, rows.to_dict("records"))
        return [Reading(f"{row['words']}@{row['n']}:{choice_name(row)}", row) for row in found]

    def find(self, text: str) -> Reading:
        """The one reading that a name means.

        Raises:
            UserError: it means none or several; the line says what there is.
        """
        match = FULL.fullmatch(text) or ID.fullmatch(text)
        if not match:
            raise UserError(
                f"{text}: not a cell; write strategy[+word]@n[:vote[/agg]], as in beam@16:best/last"
            )
        said = match.groupdict()
        if "words" in said:
            rows = self._by_words(said["words"], int(said["n"]))
        else:
            rows = self.rows[self.rows["cell"].str.startswith(said["id"])]
        if len(rows.drop_duplicates(["cell", "n"])) != 1:  # SAL's prefixes: a cell is read at several n
            among = rows if len(rows) else self.rows
            names = dict.fromkeys(f"{w}@{n}" for w, n in zip(among["words"], among["n"], strict=True))
            wrong = "several cells are meant" if len(rows) else "no such cell"
            raise UserError(f"{text}: {wrong}; take one of {', '.join(names)}")
        reading = self._read(text, rows, said["vote"], said["agg"])
        if pd.isna(reading.row["accuracy"]):
            raise UserError(f"{text}: incomplete, {reading.row['missing']} searches are missing")
        return reading

    def find_line(self, text: str) -> list[Reading]:
        """The complete readings that a name without its @n means, by n: `best_of_n:majority`.

        Raises:
            UserError: it has an n, means no line, or several at an n.
        """
        words, colon, choice = text.partition(":")
        if "@" in text:
            raise UserError(f"{text}: here a line is meant, at whichever n: leave the @n out")
        done = self.rows["accuracy"].notna() & (self.rows["strategy"] == words.split("+")[0])
        sizes = sorted({int(n) for n in self.rows.loc[done, "n"]})
        sizes = [n for n in sizes if self._by_words(words, n)["accuracy"].notna().any()]
        if not sizes:
            known = ", ".join(dict.fromkeys(self.rows["words"]))
            raise UserError(f"{text}: no such line; take one of {known}")
        return [self.find(f"{words}@{n}{colon}{choice}") for n in sizes]

    def headlines(self, besides: Iterable[Reading]) -> list[Reading]:
        """Of every other complete cell on these ones' problems."""
        rows = self.rows[self.rows["headline"].astype(bool) & self.rows["accuracy"].notna()]
        own = {reading.row["cell"] for reading in besides}
        asked = {self.records[cell].selection for cell in own if cell in self.records}
        fits = [cell for cell, record in self.records.items() if record.selection in asked]
        others = rows["cell"].isin(fits) & ~rows["cell"].isin(own) & ~rows["upper_bound"].astype(bool)
        return self.readings(rows[others])

    def _by_words(self, words: str, n: int) -> pd.DataFrame:
        """The rows of the cells that have all these words; where some have no others, theirs."""
        strategy, *given = words.split("+")
        at = self.rows[(self.rows["strategy"] == strategy) & (self.rows["n"] == n)]
        fitting, exact = set(), set()
        for row in at.drop_duplicates("cell").to_dict("records"):
            own = set(row["words"].split("+")[1:])
            if set(given) <= {*own, *row["variant"].split(), *(f"{key}={row[key]}" for key in PANEL)}:
                fitting.add(row["cell"])
                if own == set(given):
                    exact.add(row["cell"])
        return at[at["cell"].isin(exact or fitting)]

    def _read(self, text: str, rows: pd.DataFrame, vote: str | None, agg: str | None) -> Reading:
        """The row of the cell that the vote names; without a vote the headline."""
        readings = {choice_name(one.row): one for one in self.readings(rows)}
        if vote is None:
            found = [one for one in readings.values() if one.row["headline"]]
            wrong = "it has no headline"
        else:
            agg = agg or (self.agg if f"{vote}/{self.agg}" in readings else None)
            name = f"{vote}/{agg}" if agg else vote
            found = [readings[name]] if name in readings else []
            wrong = f"it has no vote {name}"
            if vote in VOTES and (key := VOTES[vote].key):
                wrong += f" (its paths lack what {key} keeps; sample with it, under another name=)"
        if not found:
            raise UserError(f"{text}: {wrong}; take one of {', '.join(readings)}")
        return found[0]


def declared(rows: pd.DataFrame) -> tuple[str, str]:
    """The subset and the aggregation of the headlines among rows of readout.parquet."""
    headlines = rows[rows["headline"]]
    subsets, aggs = headlines["subset"], headlines["agg"].dropna()
    return next(iter(subsets), "resample"), next(iter(aggs), "last")


def choice_name(row: dict[str, Any]) -> str:
    return f"{row['vote']}/{row['agg']}" if row["agg"] else str(row["vote"])


def rank(names: Iterable[str], name: str) -> int:
    """Where a name stands in a registry; others come last."""
    return [*names, name].index(name)


def registry_rank(row: dict[str, Any]) -> tuple[Any, ...]:
    """The order in which equals are taken: strategy, settings, vote, aggregation, n."""
    agg = rank(AGGREGATIONS, row["agg"]) if row["agg"] else 0
    strategy, vote = rank(STRATEGIES, row["strategy"]), rank(VOTES, row["vote"])
    return strategy, row["strategy"], row["variant"], vote, agg, row["n"]


def _words(rows: pd.DataFrame) -> list[str]:
    """For each row strategy+word+...: words of the variant that not all cells share, and the policy, prm,
    dataset or prompt where the folder has several."""
    variants = [variant.split() for variant in rows["variant"]]
    shared = set.intersection(*map(set, variants)) if variants else set()
    several = [key for key in PANEL if rows[key].nunique() > 1]
    names = []
    for row, variant in zip(rows.to_dict("records"), variants, strict=True):
        own = [word for word in variant if word not in shared]
        own += [f"{key}={row[key]}" for key in several]
        names.append("+".join(dict.fromkeys([row["strategy"], *own])))
    return names


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of a frame, with None for what is not there."""
    return {str(key): None if value is None or value is pd.NA else value for key, value in row.items()}
