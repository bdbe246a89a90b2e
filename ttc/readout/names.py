"""A results folder's cells, by the names that a person types: `beam@16`, `beam+width=8@16:best/min`.

The grammar: strategy[+word...]@n[:vote[/agg]], where a word is one of the cell's variant (`width=8`), or
policy=, prm=, dataset= or prompt= where the folder has several; or the beginning of a cell id. No vote: the
headline. What is printed as a cell's name can be typed as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ttc.readout import usable
from ttc.readout.view import PANEL, rank
from ttc.readout.votes import VOTES
from ttc.store import Folder
from ttc.store.schema import CellRecord
from ttc.strategies import STRATEGIES
from ttc.strategies.aggregations import AGGREGATIONS
from ttc.types import UserError

CHOICE = r"(?::(?P<vote>\w+)(?:/(?P<agg>\w+))?)?"
FULL = re.compile(rf"(?P<words>.+)@(?P<n>\d+){CHOICE}")
ID = re.compile(rf"(?P<id>[^@:]+){CHOICE}")
ANSWER_COLUMNS = ["cell", "n", "problem_key", "level", "seed", "vote", "agg", "correct"]


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
        declared = rows.loc[rows["headline"], "subset"]
        self.folder = folder
        self.subset = str(declared.iloc[0]) if len(declared) else "resample"
        rows = rows[rows["subset"] == self.subset]
        rows = rows.assign(rank=[rank(STRATEGIES, name) for name in rows["strategy"]]).sort_values(
            ["rank", "strategy", "variant", "n"], kind="stable"
        )
        rows["prm"] = rows["prm"].fillna("none")
        rows["agg"] = rows["agg"].astype(object).where(rows["agg"].notna(), None)
        self.rows = rows.assign(words=_words(rows))
        self.records: dict[str, CellRecord] = {cell.cell: cell for cell in usable(folder.cells()[0])}
        answers = folder.frame("answers", ANSWER_COLUMNS, [("subset", "==", self.subset)])
        answers["agg"] = answers["agg"].fillna("")
        self._answers = answers
        self._places = answers.groupby(["cell", "n", "vote", "agg"], sort=False).indices

    def correct(self, reading: Reading) -> pd.DataFrame:
        """In [0, 1], for each problem_key (in the dataset's order) and seed."""
        part = self._answers.iloc[self._places[reading.key]]
        problem_N, problems = pd.factorize(part["problem_key"])
        seed_N, seeds = pd.factorize(part["seed"], sort=True)
        correct_PS = np.full((len(problems), len(seeds)), np.nan)
        correct_PS[problem_N, seed_N] = part["correct"]
        return pd.DataFrame(correct_PS, index=problems, columns=seeds)

    def levels(self) -> pd.Series:
        """problem_key -> the dataset's level, NaN for none."""
        return self._answers.drop_duplicates("problem_key").set_index("problem_key")["level"]

    def readings(self, rows: pd.DataFrame) -> list[Reading]:
        return [Reading(full_name(row), row) for row in map(plain, rows.to_dict("records"))]

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
        rows = (
            self._by_words(text, said["words"], int(said["n"]))
            if "words" in said
            else self._by_id(text, said["id"])
        )
        reading = self._read(text, rows, said["vote"], said["agg"])
        if pd.isna(reading.row["accuracy"]):
            raise UserError(f"{text}: incomplete, {reading.row['missing']} searches are missing")
        return reading

    def _by_words(self, text: str, words: str, n: int) -> pd.DataFrame:
        strategy, *given = words.split("+")
        at = self.rows[(self.rows["strategy"] == strategy) & (self.rows["n"] == n)]
        own = {cell: name.split("+")[1:] for cell, name in zip(at["cell"], at["words"], strict=True)}
        fitting = [cell for cell in own if set(given) <= {*own[cell], *_all_words(at, cell)}]
        exact = [cell for cell in fitting if set(own[cell]) == set(given)]
        return self._only(text, at[at["cell"].isin(exact or fitting)])

    def _by_id(self, text: str, beginning: str) -> pd.DataFrame:
        return self._only(text, self.rows[self.rows["cell"].str.startswith(beginning)])

    def _only(self, text: str, rows: pd.DataFrame) -> pd.DataFrame:
        """`rows` if they are of one cell at one n (SAL's prefixes: a cell is read at several)."""
        if len(rows) and len(rows.drop_duplicates(["cell", "n"])) == 1:
            return rows
        among = rows if len(rows) else self.rows
        names = ", ".join(dict.fromkeys(f"{w}@{n}" for w, n in zip(among["words"], among["n"], strict=True)))
        raise UserError(
            f"{text}: {'several cells are meant' if len(rows) else 'no such cell'}; take one of {names}"
        )

    def _read(self, text: str, rows: pd.DataFrame, vote: str | None, agg: str | None) -> Reading:
        """The row of the cell that the vote names; without a vote the headline."""
        votes = {
            f"{v}/{a}" if a else v: i for i, (v, a) in enumerate(zip(rows["vote"], rows["agg"], strict=True))
        }
        if vote is None:
            found = rows[rows["headline"]]
        else:
            agg = agg or (self.agg if f"{vote}/{self.agg}" in votes else None)
            found = rows[(rows["vote"] == vote) & (rows["agg"].isna() if agg is None else rows["agg"] == agg)]
        if len(found):
            return self.readings(found)[0]
        wrong = "it has no headline" if vote is None else f"it has no vote {vote}{f'/{agg}' if agg else ''}"
        raise UserError(f"{text}: {wrong}; take one of {', '.join(votes)}")

    @property
    def agg(self) -> str:
        """The declared aggregation."""
        aggs = self.rows.loc[self.rows["headline"], "agg"].dropna()
        return str(aggs.iloc[0]) if len(aggs) else "last"


def full_name(row: dict[str, Any]) -> str:
    """`beam+width=8@16:best/min`."""
    return f"{row['words']}@{row['n']}:{choice_name(row)}"


def choice_name(row: dict[str, Any]) -> str:
    return f"{row['vote']}/{row['agg']}" if row["agg"] else str(row["vote"])


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
        names.append(
            "+".join(dict.fromkeys([row["strategy"], *own, *(f"{key}={row[key]}" for key in several)]))
        )
    return names


def _all_words(rows: pd.DataFrame, cell: str) -> set[str]:
    """Every word that may be said of a cell, be it needed or not."""
    row = rows[rows["cell"] == cell].iloc[0]
    return {*row["variant"].split(), *(f"{key}={row[key]}" for key in PANEL)}


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of a frame, with None for what is not there."""
    return {str(key): None if value is None or value is pd.NA else value for key, value in row.items()}
