"""Do our votes choose what search-and-learn chose? Its stored completions, imported, read with its options.

Each stored choice (`pred_naive`, `pred_weighted`, `pred_maj` at every n) is compared with ours: the same
text, or equal for the grader, or one canonical form. Accuracies stand beside derived_results_sal.csv's.

    uv run python benchmarks/answers_replay.py [../shared/data]
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ttc.grading import make_grader
from ttc.readout import read_out
from ttc.sal.canonical import Canonical
from ttc.sal.importer import read_runs, store_runs
from ttc.sal.settings import parse
from ttc.settings import extensions
from ttc.settings.schema import ReadoutConfig
from ttc.store import Folder

FILES = (
    "completions_sal_beam_llama3.2-3b-awq_n16_q100.jsonl",
    "completions_sal_beam_llama3.2-1b-awq_n2_q500.jsonl",
    "completions_sal_bon_llama3.2-3b-awq_n1_q500.jsonl",
)
VOTES = {"best": "naive", "weighted": "weighted", "majority": "maj"}
HABITS = ("blanks_vote", "canonical_groups", "trailing_scores")
SAL = ReadoutConfig(extract="sal", subset="sal_prefix", habits=HABITS, permutations=1)


def replay(
    data: Path, files: Sequence[str] = FILES, config: ReadoutConfig = SAL
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was chosen, and how right it is.

    Returns:
        figures: a row per file, n and vote: choices, same (ours equals the stored one), accuracy of ours and,
            where derived_results_sal.csv has it, of the stored one, both in per cent.
        differences: the choices that are not the same, one by one.
    """
    figures, differences = [], []
    derived = _derived(data / "derived_results_sal.csv")
    for file in files:
        choices = asyncio.run(_compared(_choices(data / file, config), config))
        differences.append(choices[~choices["same"]].assign(file=file))
        for (n, vote), part in choices.groupby(["n", "vote"], sort=False):
            figures.append(
                {"file": file, "n": n, "vote": vote, "choices": len(part), "same": int(part["same"].sum())}
                | {"accuracy": 100 * part["correct"].mean(), "stored_accuracy": derived.get((file, vote, n))}
            )
    return pd.DataFrame(figures), pd.concat(differences, ignore_index=True)


def _choices(path: Path, config: ReadoutConfig) -> pd.DataFrame:
    """problem, n, vote, ours, stored, correct: from a folder that is made for it and thrown away."""
    with tempfile.TemporaryDirectory() as scratch:
        extensions.load()
        task = parse([str(path), f"results_dir={scratch}", "name=replay"])
        task = replace(task, readout=config)
        store_runs(task, read_runs(task))
        answers = read_out(Folder(task.folder), config)["answers"].to_pandas()
    kept = answers[(answers["subset"] == "sal_prefix") & (answers["agg"].isna() | (answers["agg"] == "last"))]
    kept = kept[kept["vote"].isin(list(VOTES))]
    rows = {str(row["unique_id"]): row for row in map(json.loads, path.open())}
    stored = [
        rows[one.problem_id].get(f"pred_{VOTES[one.vote]}@{one.n}") for one in kept.itertuples(index=False)
    ]
    table = kept.assign(ours=kept["answer"].where(kept["answer"].notna(), ""), stored=stored)
    names = ["problem_id", "n", "vote", "ours", "stored", "correct"]
    return table.dropna(subset=["stored"])[names].reset_index(drop=True)


async def _compared(choices: pd.DataFrame, config: ReadoutConfig) -> pd.DataFrame:
    grader, canonical = make_grader(config.grader), Canonical(config.grade_timeout)
    try:
        same = [
            await _same(one.ours, _unboxed(one.stored), grader, canonical) for one in choices.itertuples()
        ]
    finally:
        await grader.close()
        await canonical.close()
    return choices.assign(same=same)


async def _same(ours: str, stored: str, grader: Any, canonical: Canonical) -> bool:
    if not ours.strip() or not stored.strip():
        return ours.strip() == stored.strip()
    if "".join(ours.split()) == "".join(stored.split()) or await grader.same(ours, stored):
        return True
    return await canonical.form(ours) == await canonical.form(stored)


def _unboxed(text: str) -> str:
    return text.removeprefix("\\boxed{").removesuffix("}")


def _derived(path: Path) -> dict[tuple[str, str, int], float]:
    ours = {f"pred_{name} (column in source)": vote for vote, name in VOTES.items()}
    with path.open(newline="") as file:
        return {
            (row["file"], ours[row["selector"]], int(row["n"])): float(row["accuracy_pct_math_verify_0.9.0"])
            for row in csv.DictReader(file)
            if row["selector"] in ours
        }


def main(data: str) -> None:
    figures, differences = replay(Path(data))
    print(figures.to_string(index=False))
    print(f"{figures['same'].sum()} of {figures['choices'].sum()} choices are the same; the others:")
    names = ["file", "problem_id", "ours", "stored"]  # often one path, by several votes
    print(differences.groupby(names).size().to_string())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TTC_TEST_DATA", "../shared/data"))
