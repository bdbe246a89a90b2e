"""From Enter to the first token, and the README's line from Enter to the prompt.

The first token: one path of one problem is asked for, with both embedded models; the clock stops when its
search is committed, a little after its last token. What was never run before is slower once (byte code,
files that are not in memory): so the first of two launches is a note, and the second one counts.

    uv run python benchmarks/start.py [first] [readme]
"""

from __future__ import annotations

import subprocess
import sys
import time

from lines import say

from sweeps import REPO, bill_of, environment, launch, note, scratch

README = ("-m", "strategy=best_of_n,beam,dvts", "n=1,4,16,64")
LIMIT = 300.0
"""Seconds after which nothing comes any more."""


def first() -> None:
    again = [_first() for _ in range(2)]
    note(f"Enter to the first path: {again[0]:.1f} s, then {again[1]:.1f} s")
    say("Enter to first token, nano on CPU", again[1], "s")


def _first() -> float:
    with scratch() as results:
        words = ["launch.py", "n=1", "dataset.limit=1", f"results_dir={results}"]
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *words], cwd=REPO, env=environment(), stdout=subprocess.DEVNULL
        )
        committed = results / "default" / "searches"
        while not list(committed.glob("*.parquet")):
            if process.poll() is not None or time.monotonic() - start > LIMIT:
                process.terminate()
                raise RuntimeError("a launch of one path committed nothing")
            time.sleep(0.05)
        seconds = time.monotonic() - start
        process.wait()
        note(f"engines ready {bill_of(results / 'default')['start_seconds']} s after they were asked for")
    return seconds


def readme() -> None:
    with scratch() as results:
        start = time.monotonic()
        bill = launch(results, *README)
        whole = time.monotonic() - start
    say("README's line", whole, "s")
    say("README's line: until the engines are ready", bill["start_seconds"], "s")
    say("README's line: searching", bill["seconds"], "s")
    rest = whole - bill["start_seconds"] - bill["seconds"]
    say("README's line: imports, plan, engines' end, readout, plots", rest, "s")


if __name__ == "__main__":
    for what in sys.argv[1:] or ["first", "readme"]:
        {"first": first, "readme": readme}[what]()
