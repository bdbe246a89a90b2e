"""What a sweep costs beside its engines: fakes that answer at once, through the whole of ttc.

Microseconds for every child path of beam searches (drawn, scored, graded, stored), in one process and through
Ray, as the slope between two sizes, so that starting is left out. Then searches by the thousand: time and
peak memory at 10^3, 10^4 and 10^5 must grow with the work, and not at all.

    uv run python benchmarks/own_cost.py [paths] [searches]
"""

from __future__ import annotations

import subprocess
import sys

from sweeps import REPO, last_run, launch, note, say, scratch
from ttc.store import Folder

FAKES = ("policy=fake", "prm=fake", "readout.grader=exact")
SIZES = (250, 1_000)
SEARCHES = (1_000, 10_000, 100_000)


def paths() -> None:
    for name, mode in (("in one process", "none"), ("through Ray", "local")):
        seconds, children = zip(*(beams(mode, problems) for problems in SIZES), strict=True)
        slope = (seconds[1] - seconds[0]) / (children[1] - children[0])
        note(f"{name}: {seconds} s for {children} children")
        say(f"own cost of a child path {name}", round(slope * 1e6), "us")


def beams(mode: str, problems: int) -> tuple[float, int]:
    with scratch() as results:
        words = (*FAKES, f"cluster={mode}", "strategy=beam", "n=16", f"dataset.limit={problems}")
        seconds = launch(results, *words)["bill"]["seconds"]
        return seconds, len(Folder(results / "default").read("steps", ["address"]))


def searches() -> None:
    took, peaks = [], []
    for count in SEARCHES:
        with scratch() as results:
            words = [*FAKES, "prm=none", "cluster=none", "n=1", f"dataset.limit={count // 10}"]
            words += [f"seeds=[{','.join(map(str, range(10)))}]", f"results_dir={results}"]
            code = f"{PROGRAM}\nmain({words!r})"
            out = subprocess.run(
                [sys.executable, "-c", code], cwd=REPO, check=True, capture_output=True, text=True
            )
            peaks.append(int(out.stdout.splitlines()[-1]) / 1024)
            took.append(last_run(results / "default")["bill"]["seconds"])
        note(f"{count} searches: {took[-1]:.1f} s, {peaks[-1]:.0f} MB")
    say("time of 10^5 searches, of 10 x 10^4", round(took[2] / took[1] / 10, 2), "x")
    say("memory of 10^5 searches, of 10^4", round(peaks[2] / peaks[1], 2), "x")


PROGRAM = """
import resource
from ttc.commands.cli import main as ttc
def main(words):
    assert ttc(["run", *words]) == 0
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


if __name__ == "__main__":
    for what in sys.argv[1:] or ["paths", "searches"]:
        {"paths": paths, "searches": searches}[what]()
