"""What is added to a finished sweep is the only work: fakes, and what a second line plans and does.

Seeds, a larger n, a verifier's vote and aggregations are asked for in turn of one folder. Each must plan and
draw what is new and nothing else; votes and aggregations are a matter of the readout, which loads no model.

    uv run python benchmarks/adding.py
"""

from __future__ import annotations

from pathlib import Path

from lines import say

from sweeps import bill_of, note, run, scratch

PROBLEMS = 5
SWEEP = (
    *("-m", "policy=fake", "prm=fake", "cluster=none", f"dataset.limit={PROBLEMS}"),
    "strategy=best_of_n,beam,dvts",
)
LAUNCH = """
import sys
from ttc.commands import cli
from ttc.run import local
start, loaded = local.start, []
async def counted(config):
    loaded.append(config.name)
    return await start(config)
local.start = counted
assert cli.main(["run", *sys.argv[1:]]) == 0
print("models loaded:", len(loaded))
"""
"""A launch that counts the engines which it starts."""


def measure() -> None:
    with scratch() as results:
        ask(results, "n=4,16", "seeds=[0]")
        three, pool, beam, subtrees = 3 * PROBLEMS, PROBLEMS * 48, PROBLEMS * 64, PROBLEMS * 48
        # at n=4 and n=16 beam has searches of its own; best_of_n and dvts serve both from the larger
        added("seeds", ask(results, "n=4,16", "seeds=[0,1]"), three + PROBLEMS, PROBLEMS * (16 + 4 + 16 + 16))
        added("n", ask(results, "n=4,16,64", "seeds=[0]"), three, pool + beam + subtrees)
        for what, words in {
            "votes": ("strategy=majority,weighted,beam,dvts",),
            "aggregations": ("readout.headline=best/prod",),
        }.items():
            told = ask(results, "n=4,16", "seeds=[0,1]", *words)
            added(what, told, 0, 0)
            say(f"adding {what}: models loaded", told[2])


def ask(results: Path, *words: str) -> tuple[int, int, int]:
    """Searches and paths of one more launch, and the models that it loaded."""
    said = run("-c", LAUNCH, *SWEEP, *words, f"results_dir={results}").splitlines()[-1]
    bill = bill_of(results / "default")
    return bill["searches"], bill["paths"], int(said.rpartition(" ")[2])


def added(what: str, told: tuple[int, int, int], searches: int, paths: int) -> None:
    """How far the work is from what is new."""
    note(f"adding {what}: {told[0]} searches with {told[1]} paths; new are {searches} with {paths}")
    say(
        f"adding {what}: searches and paths too many or too few",
        abs(told[0] - searches) + abs(told[1] - paths),
    )


if __name__ == "__main__":
    measure()
