"""From Enter to the first token, and the README's line from Enter to the prompt.

The first token: one path of one problem is asked for, with both embedded models; the clock stops when its
search is committed, a little after its last token. Everything is installed; byte code is as it is.

    uv run python benchmarks/start.py [first] [readme]
"""

from __future__ import annotations

import subprocess
import sys
import time

from sweeps import REPO, launch, note, say, scratch

README = ("-m", "strategy=best_of_n,beam,dvts", "n=1,4,16,64")


def first() -> None:
    with scratch() as results:
        words = ["launch.py", "n=1", "dataset.limit=1", f"results_dir={results}"]
        start = time.monotonic()
        process = subprocess.Popen([sys.executable, *words], cwd=REPO, stdout=subprocess.DEVNULL)
        while not list((results / "default" / "searches").glob("*.parquet")) and process.poll() is None:
            time.sleep(0.05)
        say("from Enter to the first path, nano", round(time.monotonic() - start, 1), "s")
        process.wait()


def readme() -> None:
    with scratch() as results:
        start = time.monotonic()
        bill = launch(results, *README)["bill"]
        whole = time.monotonic() - start
    note(f"engines ready after {bill['start_seconds']} s, searching {bill['seconds']} s, all {whole:.1f} s")
    say("README's line", round(whole, 1), "s")


if __name__ == "__main__":
    for what in sys.argv[1:] or ["first", "readme"]:
        {"first": first, "readme": readme}[what]()
