"""What the stack costs: whole sweeps against the bare engines given the same requests (floor.py).

The stack's time runs from the engines' being ready to the last commit, with Ray, searches, grading and store;
the floor's from the first request to the last answer, on the same engines without all that. Each in processes
of its own, one after the other. 1.0 = the stack costs nothing.

Of the guided sweep also what the verifier read: computed tokens against new ones (each step once, its
template included, and the question's part once a problem), and what a request computes beyond its new tokens,
in tokens; a cache block is 32 of them on a CPU and 16 on a GPU.

    uv run python benchmarks/stack.py [nano] [smollm2] [guided]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.compute as pc

from sweeps import floor, launch, note, say, scratch
from ttc.store import Folder

GUIDED = ("-m", "strategy=beam,dvts", "n=16,64", "dataset.limit=32")
CASES = {
    "nano": ("best_of_n nano, of its floor", ("n=64", "prm=none")),
    "smollm2": (
        "best_of_n smollm2, of its floor",
        ("policy=smollm2", "n=64", "prm=none", "dataset.limit=4", "max_tokens=128"),
    ),
    "guided": ("beam and dvts nano, of their floor", GUIDED),
}


def measure(name: str) -> None:
    measure_, words = CASES[name]
    with scratch() as results:
        bill = launch(results, *words)["bill"]
        bare = floor(results / "default")
        rate = bill["generated_tokens"] / bill["seconds"]
        note(f"{name}: stack {rate:,.0f} tokens/s, bare {bare['tokens'] / bare['seconds']:,.0f} ({bare})")
        say(measure_, round(rate * bare["seconds"] / bare["tokens"], 3), "x")
        if name == "guided":
            reading(results / "default")


def reading(folder: Path) -> None:
    """What the verifier computed for what was new."""
    stored = Folder(folder)
    searches = stored.read("searches", ["problem_key", "prm_computed", "prm_prompt_tokens"])
    steps = stored.read("steps", ["problem_key", "seed", "address", "step", "prm_tokens", "score"])
    steps = steps.filter(pc.is_valid(steps["score"]))
    # two cells that draw one address read it once
    once = steps.group_by(["problem_key", "seed", "address", "step"]).aggregate([("prm_tokens", "max")])
    roots = searches.group_by("problem_key").aggregate([("prm_prompt_tokens", "max")])
    new = pc.sum(once["prm_tokens_max"]).as_py() + pc.sum(roots["prm_prompt_tokens_max"]).as_py()
    computed = pc.sum(searches["prm_computed"]).as_py()
    say("verifier, computed of new", round(computed / new, 3), "x")
    say("verifier, beyond new a request", round((computed - new) / len(once), 1), "tokens")


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        measure(case)
