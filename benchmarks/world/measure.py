"""The goal table of the embedded world, read from a results folder.

    python benchmarks/world/measure.py [folder] [--draw K]

Runs the two sweeps it reads first (the same lines again do only what is missing), or reads any folder that
holds them. The figures are the ordinary readout's; only the verifier's AUROC is worked out here, from the
pool's paths and the world's own labels.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from lessons import compared, first_error
from scipy.stats import rankdata

from ttc.nano.world import Story, test_stories

ROOT = Path(__file__).parents[2]
LEVELS = ("all", 1, 2, 3, 4, 5)


def sweep(draw: int) -> Path:
    """200 problems of a draw: three seeds up to n = 16, one at n = 64."""
    name = f"nano-{draw}"
    common = ["dataset=nano", f"dataset.draw={draw}", "dataset.limit=200", f"name={name}"]
    lines = (
        ["strategy=greedy,best_of_n,beam,dvts", "n=1,4,16", "seeds=[0,1,2]"],
        ["strategy=best_of_n,beam,dvts", "n=64", "seeds=[0]"],
    )
    for line in lines:
        subprocess.run([sys.executable, "launch.py", "-m", *line, *common], cwd=ROOT, check=True)
    return ROOT / "results" / name


class Table:
    """Accuracy in percent by strategy, vote and n; one figure for each of LEVELS."""

    def __init__(self, answers: pd.DataFrame) -> None:
        declared = answers["agg"].isna() | (answers["agg"] == "last")
        # another test set is no other way to search: width=2 and its like are
        plain = answers["variant"].str.fullmatch(r"(draw=\d+)? ?(limit=\d+)?")
        self.rows = answers[declared & plain & (answers["subset"] == "resample")]

    def __call__(self, strategy: str, vote: str, n: int) -> np.ndarray:
        rows = self.rows
        cell = rows[(rows["strategy"] == strategy) & (rows["vote"] == vote) & (rows["n"] == n)]
        if cell.empty:
            return np.full(len(LEVELS), np.nan)
        by_level = cell.groupby("level")["correct"].mean()
        return 100 * np.array([cell["correct"].mean(), *by_level.reindex(LEVELS[1:])])


def goals(read: Table) -> list[tuple[str, np.ndarray, str]]:
    """(what, figures by level, goal) in the order of the goal table."""
    pool = {
        (vote, n): read("best_of_n", vote, n)
        for vote in ("majority", "best", "weighted", "oracle")
        for n in (1, 4, 16, 64)
    }
    beam = {n: read("beam", "weighted", n) for n in (16, 64)}
    dvts = {n: read("dvts", "weighted", n) for n in (16, 64)}
    ahead = beam[16] - pool["weighted", 16]
    upper = np.full(len(LEVELS), ahead[-2:].mean())
    return [
        ("greedy", read("greedy", "majority", 1), "35..55"),
        ("a sample", pool["majority", 1], "falls with the level"),
        ("majority@16 - @1", pool["majority", 16] - pool["majority", 1], ">= 10"),
        ("majority@64 - @16", pool["majority", 64] - pool["majority", 16], "-8..4"),
        ("best@16 - majority@16", pool["best", 16] - pool["majority", 16], ">= 8"),
        ("weighted@16 - majority@16", pool["weighted", 16] - pool["majority", 16], ">= 12"),
        ("weighted@64 - majority@64", pool["weighted", 64] - pool["majority", 64], ">= 18"),
        ("weighted@64 - best@64", pool["weighted", 64] - pool["best", 64], ">= 3"),
        ("beam@16 - weighted@16", ahead, ">= 2"),
        ("the same, levels 4 and 5", upper, ">= 6"),
        ("dvts@16 - weighted@16", dvts[16] - pool["weighted", 16], ">= 3"),
        ("dvts@64 - beam@64", dvts[64] - beam[64], ">= 1"),
        ("oracle@64", pool["oracle", 64], ">= 93"),
    ]


def reached(figure: float, goal: str) -> bool:
    if ".." in goal:
        low, high = goal.split("..")
        return float(low) <= figure <= float(high)
    return not goal.startswith(">=") or figure >= float(goal[2:])


def auroc(right: list[float], wrong: list[float]) -> float:
    """Chance that a right step's score is above a wrong one's; ties count half."""
    ranks = rankdata([*right, *wrong])
    return float((ranks[: len(right)].sum() - len(right) * (len(right) + 1) / 2) / (len(right) * len(wrong)))


def judged(folder: Path) -> Iterator[tuple[Story, list[str], list[float]]]:
    """The pool's paths with their story, steps and scores."""
    keys = ["path", "problem_id", "steps"]
    paths = pd.read_parquet(folder / "paths", filters=[("strategy", "==", "best_of_n")])[keys]
    scores = pd.read_parquet(folder / "scores", columns=["path", "scores"]).drop_duplicates("path")
    rows = paths.drop_duplicates("path").merge(scores, on="path")
    stories: dict[str, list[Story]] = {}
    for problem, written, scored in zip(rows["problem_id"], rows["steps"], rows["scores"], strict=True):
        _, draw, index = problem.split("-")
        if draw not in stories:
            stories[draw] = test_stories(int(draw))
        yield stories[draw][int(index)], [step for step in written if step.strip()], list(scored)


def step_auroc(folder: Path) -> tuple[float, float]:
    """Of steps up to the first error: right against wrong; the same among siblings of one right prefix."""
    right: list[float] = []
    wrong: list[float] = []
    nodes: dict[tuple[str, ...], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for story, steps, scores in judged(folder):
        error = first_error(story, steps)
        last = len(steps) if error is None else error + 1
        for index in range(min(last, len(scores))):
            side = int(index == error)
            (wrong if side else right).append(scores[index])
            node = (story.question, *(compared(step) for step in steps[:index]))
            nodes[node][side].append(scores[index])
    pairs = [(good, bad) for good, bad in nodes.values() if good and bad]
    weights = [len(good) * len(bad) for good, bad in pairs]
    return auroc(right, wrong), float(np.average([auroc(*pair) for pair in pairs], weights=weights))


def main() -> None:
    parser = argparse.ArgumentParser(description="The goal table of the embedded world.")
    parser.add_argument("folder", nargs="?", type=Path, help="a results folder; default: run the sweeps")
    parser.add_argument("--draw", type=int, default=0)
    options = parser.parse_args()
    folder = options.folder or sweep(options.draw)
    read = Table(pd.read_parquet(folder / "answers.parquet"))
    print(f"\n{'measured':28}" + "".join(f"{level!s:>7}" for level in LEVELS) + "   goal")
    for what, figures, goal in goals(read):
        mark = "" if reached(figures[0], goal) else "   MISSED"
        print(f"{what:28}" + "".join(f"{figure:7.1f}" for figure in figures) + f"   {goal}{mark}")
    for what, figure in zip(("first errors", "siblings of one prefix"), step_auroc(folder), strict=True):
        mark = "" if figure >= 0.95 else "   MISSED"
        print(f"{'AUROC, ' + what:28}{figure:7.3f}" + " " * 35 + f"   >= .95{mark}")


if __name__ == "__main__":
    main()
