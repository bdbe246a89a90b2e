"""What the death of one engine among four costs: seconds lost, against a quarter of those it was away.

    uv run python benchmarks/death.py [--pairs 3] [--away 20]

Fakes in a real Ray: four policies of six calls at once each, and nothing else that holds the sweep up. Each
pair is two launches of one line: undisturbed, and with a policy killed in the middle that takes `away`
seconds to come back. What is lost without that engine, and cannot be helped, is a quarter of its absence.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from lines import say

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faults.harness import Launch, wait_for

LINE = (
    *("-m", "strategy=best_of_n", "n=4", "seed=0,1,2,3,4,5", "dataset.limit=200", "policy=fake", "prm=fake"),
    *("policy.latency=0.2", "policy.max_num_seqs=6", "policy.replicas=4"),
    *("cluster.shards=2", "cluster.paths=48"),
)
"""1,200 searches, 4,800 paths: 40 s."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--away", type=float, default=20.0)
    asked = parser.parse_args()
    shares = []
    for _ in range(asked.pairs):
        undisturbed, _ = _searching(0.0)
        disturbed, away = _searching(asked.away)
        shares.append((disturbed - undisturbed) / (away / 4))
        say("seconds undisturbed", undisturbed, "s")
        say("seconds with one death", disturbed, "s")
        say("seconds that the engine was away", away, "s")
    say("lost to one death among 4, of a quarter of its absence", statistics.median(shares), "x")


def _searching(away: float) -> tuple[float, float]:
    """Seconds that the searches take, and that a policy was away."""
    with tempfile.TemporaryDirectory() as folder:
        launch = Launch(Path(folder, "x"), line=LINE)
        try:
            wait_for(lambda: "engines ready" in launch.log.read_text(), 120)
            begun = time.monotonic()
            gone = _kill_one(launch, away) if away else 0.0
            assert launch.end() == 0, launch.log.read_text()
            return time.monotonic() - begun, gone
        finally:
            launch.kill_all()


def _kill_one(launch: Launch, away: float) -> float:
    """Kills a policy, holds up the next one in its place, and waits until that is up."""
    time.sleep(8)
    before = launch.of("policy")
    before[0].kill()
    begun = time.monotonic()
    wait_for(lambda: bool({*launch.of("policy")} - {*before}))
    [new] = {*launch.of("policy")} - {*before}
    new.suspend()
    time.sleep(max(0.0, away - (time.monotonic() - begun)))
    new.resume()
    wait_for(lambda: "is up again" in launch.log.read_text())
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
