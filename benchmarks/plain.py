"""What vLLM brings over the plain engine: whole samples of the nano policy through both.

Both get the same draws through `PolicyModel.generate` (64 samples of each of a few nano problems), in
processes of their own, alternating; start-up and a first small call are left out of both. Prints the tokens
per second of every round and the ratio of the medians. The texts are alike, not equal: each engine rounds in
its own way and has its own random numbers.

    uv run python benchmarks/plain.py [rounds]
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

N, PROBLEMS = 64, 4
REPO = Path(__file__).parents[1]


async def rate(engine: str) -> float:
    """Tokens per second of `engine` on the draws."""
    from ttc.config import PolicyConfig
    from ttc.meter import seed_of
    from ttc.models import POLICIES
    from ttc.models.checkpoint import resolve
    from ttc.nano.world import test_problems
    from ttc.problems import key_of
    from ttc.types import Draw, Prompt, Sampling

    context = resolve("nano:policy").context
    config = PolicyConfig("nano", engine=engine, model="nano:policy", context=context, dtype="float32")
    policy = POLICIES[engine](config)
    draws = [
        Draw(problem.question, (), seed_of(0, key_of(problem), (index,)), whole=True)
        for problem in test_problems(0)[:PROBLEMS]
        for index in range(N)
    ]
    sampling = Sampling(Prompt("plain"))
    await policy.generate(sampling, draws[:4])
    start = time.monotonic()
    samples = await policy.generate(sampling, draws)
    seconds = time.monotonic() - start
    policy.shutdown()
    return sum(step.count for sample in samples for step in sample.steps) / seconds


def in_a_process(engine: str) -> float:
    done = subprocess.run(
        [sys.executable, __file__, f"--{engine}"], cwd=REPO, check=True, capture_output=True, text=True
    )
    [found] = re.findall(r"^rate (.*)$", done.stdout, re.M)
    return float(found)


def main(rounds: int) -> None:
    rates: dict[str, list[float]] = {"vllm": [], "transformers": []}
    for _ in range(rounds):
        for engine, seen in rates.items():
            seen.append(in_a_process(engine))
            print(f"{engine:12} {seen[-1]:10,.0f} tok/s", flush=True)
    vllm, plain = (statistics.median(seen) for seen in rates.values())
    print(f"vLLM against the plain engine, medians of {rounds}: {vllm / plain:.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--vllm" | "--transformers" as flag]:
            import os

            os.environ.setdefault("GOMP_SPINCOUNT", "0")  # as the driver does, before torch is loaded
            print("rate", asyncio.run(rate(flag.removeprefix("--"))), flush=True)
        case arguments:
            main(int(arguments[0]) if arguments else 3)
