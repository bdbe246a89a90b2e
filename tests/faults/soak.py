"""`make soak`: every kind of fault several times, and the table of docs/reliability.md.

python -m tests.faults.soak [--times 5] [--seed 0] [--only PATTERN]
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.faults.kinds import KINDS, Kind, Place, run_undisturbed, try_them
from tests.faults.places import can_mount


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    usual: dict[Place, tuple[dict, float]] = {}
    rows, failed = [], 0
    for kind in (one for one in KINDS if re.search(asked.only, one.name)):
        if kind.mounts and not can_mount():
            print(f"{kind.name}: not tried, nothing can be mounted here", flush=True)
            continue
        if kind.usual not in usual:
            usual[kind.usual] = _usual(kind.usual, min(asked.times, 3))
        undisturbed, seconds = usual[kind.usual]
        lost = []
        for number in range(asked.times):
            if (taken := _try(kind, asked.seed + number, undisturbed)) is not None:
                lost.append(taken - seconds)
        failed += asked.times - len(lost)
        then = "the line again" if kind.again else "it goes on"
        row = f"| {kind.name} | {then} | {len(lost)} of {asked.times} |"
        row += f" {statistics.median(lost):.0f} | {max(lost):.0f} |" if lost else " | |"
        rows.append(row)
        print(row, flush=True)
    print("\n| what is hit | then | as undisturbed | seconds lost: median | most |\n|---|---|---|---|---|")
    print("\n".join(rows))
    return 1 if failed else 0


def _usual(place: Place, times: int) -> tuple[dict, float]:
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            found.append(run_undisturbed(place, _below(folder)))
    seconds = statistics.median(seconds for _, seconds in found)
    print(f"undisturbed from its first part on: {seconds:.1f} s", flush=True)
    return found[0][0], seconds


def _try(kind: Kind, seed: int, undisturbed: dict) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            seconds, again = try_them([kind], _below(folder), seed, undisturbed)
        except Exception:
            print(f"{kind.name}, seed {seed}: FAILED", flush=True)
            traceback.print_exc(file=sys.stdout)
            return None
    print(f"{kind.name}, seed {seed}: {seconds:.1f} s, {again} times again", flush=True)
    return seconds


def _below(folder: str) -> Path:
    place = Path(folder, "place")
    place.mkdir()
    return place


if __name__ == "__main__":
    sys.exit(main())
