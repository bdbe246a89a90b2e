"""What the stack costs: whole sweeps against the bare engines given the same requests (floor.py).

The stack's time runs from the engines' being ready to the last commit, with Ray, searches, grading and store;
the floor's from the first request to the last answer, on the same engines without all that. Each in processes
of its own, one after the other. 1.0 = the stack costs nothing.

Of guided sweeps also what the verifier computed, against what is new: each text's last step once, with the
template that a request has behind it, and each problem's question once. A request may compute a cache block
more: 32 tokens on a CPU, 16 on a GPU. The embedded world's steps are of 5 to 10 tokens; `steps` has them as
long as language models write them.

    uv run python benchmarks/stack.py [nano] [smollm2] [guided] [steps]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lines import say

from sweeps import launch, note, run, scratch, worded
from ttc.store import Folder


@dataclass(frozen=True)
class Case:
    """A sweep: its line, whether it stands beside its floor under this name, and how many of QUESTIONS it
    asks (0: the embedded world)."""

    words: tuple[str, ...]
    measure: str | None = None
    questions: int = 0


CASES = {
    "nano": Case(("n=64", "prm=none"), "best_of_n against bare vLLM, nano"),
    "smollm2": Case(
        ("policy=smollm2", "n=64", "prm=none", "max_tokens=200"), "best_of_n against bare vLLM, smollm2", 4
    ),
    "guided": Case(
        ("-m", "strategy=beam,dvts", "n=16,64", "dataset.limit=32"), "beam and dvts against their floor"
    ),
    # what the verifier computes for steps as long as language models write them; nobody reads its scores
    "steps": Case(
        (
            *("policy=smollm2", "prm=judge", "prm.model=smollm2", "prm.context=4096", "strategy=beam", "n=8"),
            "max_tokens=300",
        ),
        questions=4,
    ),
}


def measure(name: str) -> None:
    case = CASES[name]
    with scratch() as folder:
        bill = launch(folder, *case.words, *(worded(folder, case.questions) if case.questions else ()))
        if case.measure:
            bare = json.loads(run("benchmarks/floor.py", str(folder / "default")).splitlines()[-1])
            rate, best = bill["generated_tokens"] / bill["seconds"], bare["tokens"] / bare["seconds"]
            note(f"{name}: stack {rate:,.0f} tokens/s in {bill['seconds']} s, bare {best:,.0f}; {bare}")
            say(case.measure, rate / best, "x")
        if bill["prm_computed"]:
            reading(name, folder / "default")


def reading(name: str, folder: Path) -> None:
    """What the verifier computed for what was new."""
    stored = Folder(folder)
    searches = stored.read("searches", ["problem_key", "prm_computed", "prm_prompt_tokens"]).to_pylist()
    roots = {row["problem_key"]: row["prm_prompt_tokens"] for row in searches}
    once = dict(scored(stored))
    computed = sum(row["prm_computed"] for row in searches)
    new, requests = sum(once.values()) + sum(roots.values()), len(once)
    size = new / requests
    note(f"{name}: {computed:,} computed, {new:,} new; {requests:,} requests of {size:.0f} new tokens")
    of = "" if name == "steps" else f", {name}"
    say(f"verifier tokens per new token{of}", computed / new, "x")
    say(f"verifier tokens beyond new ones a request{of}", (computed - new) / requests, "tokens")


def scored(stored: Folder) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Every (problem, text) that was scored, and the tokens of its last step. Two searches may have drawn
    one text, and two addresses may have: it is read once."""
    columns = ["family", "problem_key", "seed", "address", "step", "text", "score", "prm_tokens"]
    texts: dict[tuple[Any, ...], str] = {}
    rows = stored.read("steps", columns).to_pylist()
    for row in sorted(rows, key=lambda row: (row["address"].count("/"), row["address"], row["step"])):
        tree = row["family"], row["problem_key"], row["seed"]
        above = row["address"].rpartition("/")[0]
        before = texts.get((*tree, row["address"]), texts.get((*tree, above), ""))
        texts[*tree, row["address"]] = before + row["text"]
        if row["score"] is not None:
            yield (row["problem_key"], texts[*tree, row["address"]].strip()), row["prm_tokens"]


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        measure(case)
