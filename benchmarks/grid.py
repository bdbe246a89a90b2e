"""The article's grid as one sweep, against its five rows one after another.

{majority, best_of_n, weighted, beam, dvts} x n = 1, 4, 16, 64, 256 on a few problems of the embedded world.
One launch shares what rows have in common: majority, best_of_n and weighted read one pool, a smaller budget
reads a larger one's first units, the strategies share scores. Both sides count from warm engines (ready) to
the last commit; what loading them for each of the 25 cells would add is printed beside.

    uv run python benchmarks/grid.py [problems]
"""

from __future__ import annotations

import sys

from sweeps import launch, note, say, scratch

STRATEGIES = ("majority", "best_of_n", "weighted", "beam", "dvts")
BUDGETS = "n=1,4,16,64,256"


def measure(problems: int) -> None:
    limit = f"dataset.limit={problems}"
    with scratch() as folder:
        whole = launch(folder / "whole", "-m", f"strategy={','.join(STRATEGIES)}", BUDGETS, limit)["bill"]
        rows = [
            launch(folder / name, "-m", f"strategy={name}", BUDGETS, limit)["bill"] for name in STRATEGIES
        ]
    apart = sum(bill["seconds"] for bill in rows)
    paths = sum(bill["paths"] for bill in rows)
    loading = sum(bill["start_seconds"] for bill in rows) / len(rows)
    cells = len(STRATEGIES) * len(BUDGETS.split(","))
    note(f"one sweep {whole['seconds']:.1f} s and {whole['paths']} paths; rows {apart:.1f} s and {paths}")
    say("the grid's paths, of its rows'", round(whole["paths"] / paths, 3), "x")
    say("the rows' time, of the grid's", round(apart / whole["seconds"], 2), "x")
    say(
        "the same with engines loaded for every cell",
        round((apart + cells * loading) / (whole["seconds"] + loading), 2),
        "x",
    )


if __name__ == "__main__":
    measure(int(sys.argv[1]) if sys.argv[1:] else 6)
