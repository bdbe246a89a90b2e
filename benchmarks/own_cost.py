"""What a sweep costs beside its engines: fakes that answer at once, through the whole of ttc.

Microseconds for every child path of beam searches (drawn, scored, graded, stored), in one process and through
Ray, as the slope between two sizes, so that starting is left out. Then searches by the thousand: time and
peak memory at 10^3, 10^4 and 10^5 must grow with the work, and not at all. The readout comes after the
search, and has a benchmark of its own: it is left out of both.

    uv run python benchmarks/own_cost.py [paths] [searches]
"""

from __future__ import annotations

import sys

from lines import say

from sweeps import bill_of, launch, made_up, note, run, scratch
from ttc.store import Folder

FAKES = ("policy=fake", "prm=fake", "readout.grader=exact")
SIZES = (100, 600)
SEARCHES = (1_000, 10_000, 100_000)
SEARCH = """
import resource, sys
from ttc.commands import cli, sweep
def told(*_):
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    sys.exit(0)
sweep.read_out = told
cli.main(["run", *sys.argv[1:]])
"""
"""A launch that ends where its readout would begin, and says how much memory (KiB) it had at most."""


def paths() -> None:
    for name, mode in (("one process", "none"), ("Ray", "local")):
        (small, few), (large, many) = (beams(mode, problems) for problems in SIZES)
        note(f"{name}: {few:,} children in {small} s, {many:,} in {large} s")
        say(f"own cost per child path, {name}", (large - small) / (many - few) * 1e6, "µs")


def beams(mode: str, problems: int) -> tuple[float, int]:
    """Seconds of beam searches, and how many children they drew."""
    with scratch() as folder:
        words = (*FAKES, f"cluster={mode}", "strategy=beam", "n=16", *made_up(folder, problems))
        seconds = launch(folder, *words)["seconds"]
        # a draw is a step or, at the end, a few: a row each
        drawn = Folder(folder / "default").read("steps", ["address"])
        return seconds, len(drawn.group_by(["problem_key", "address"]).aggregate([]))


def searches() -> None:
    took, peaks = zip(*(pools(count) for count in SEARCHES), strict=True)
    say("time of 10^5 searches, of 10 times 10^4", took[2] / took[1] / 10, "x")
    say("memory of 10^5 searches, of 10^4", peaks[2] / peaks[1], "x")
    say("memory of 10^5 searches", peaks[2], "MB")


def pools(count: int) -> tuple[float, float]:
    """Seconds and the highest memory (MB) of searches of one path."""
    with scratch() as folder:
        words = (*FAKES, "cluster=none", "n=1", *made_up(folder, count), f"results_dir={folder}")
        memory = int(run("-c", SEARCH, *words).splitlines()[-1]) / 1024
        seconds = bill_of(folder / "default")["seconds"]
    note(f"{count:,} searches: {seconds:.1f} s, {memory:.0f} MB")
    return seconds, memory


if __name__ == "__main__":
    for what in sys.argv[1:] or ["paths", "searches"]:
        {"paths": paths, "searches": searches}[what]()
