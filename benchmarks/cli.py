"""How long the command line takes to answer: helps, a plan of 12 points, `status` and `compare` on the
README's results.

Wall time of whole processes, with byte code present, as an installed ttc has it. The results have the
README's cells; their paths are the fake engines'.

    uv run python benchmarks/cli.py
"""

from __future__ import annotations

import time
from pathlib import Path

from lines import say

from sweeps import run, scratch

TTC = ["-c", "import sys; from ttc.commands.cli import main; sys.exit(main())"]
GRID = ["-m", "strategy=best_of_n,beam,dvts", "n=1,4,16,64"]
FAKE = ["policy=fake", "prm=fake", "cluster=none"]


def commands(results: Path) -> dict[str, list[str]]:
    """By their measures."""
    folder, three = str(results / "readme"), ["best_of_n@16", "beam@16", "dvts@16"]
    return {
        "ttc --help": [*TTC, "--help"],
        "ttc run --help": [*TTC, "run", "--help"],
        "ttc plan --help": [*TTC, "plan", "--help"],
        "ttc compare --help": [*TTC, "compare", "--help"],
        "launch.py --help": ["launch.py", "--help"],
        "plan of 12 points": ["launch.py", *GRID, "plan_only=true", f"results_dir={results / 'none'}"],
        "plan of 12 points that are there": [
            *("launch.py", *GRID, *FAKE, "plan_only=true", f"results_dir={results}", "name=readme")
        ],
        "ttc status": [*TTC, "status", folder],
        "ttc compare": [*TTC, "compare", folder],
        "ttc compare, three cells": [*TTC, "compare", folder, *three],
    }


def main() -> None:
    with scratch() as results:

        def seconds(words: list[str]) -> float:
            start = time.monotonic()
            run(*words)
            return time.monotonic() - start

        seconds(["launch.py", *GRID, *FAKE, f"results_dir={results}", "name=readme"])
        for measure, words in commands(results).items():
            seconds(words)
            say(measure, seconds(words), "s")


if __name__ == "__main__":
    main()
