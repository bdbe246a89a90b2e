"""What vLLM brings over the plain engine: samples of the nano policy through both, whole and step by step.

Both get the same draws through `PolicyModel.generate` (64 samples of each of a few nano problems), in
processes of their own, alternating; start-up and a first small call are left out of both. Step by step is a
search's way: a draw per step that goes on from the ids so far. Prints the sampled tokens per second of every
round and the ratios of the medians. The texts are alike, not equal: each engine rounds in its own way and has
its own random numbers.

    uv run python benchmarks/plain.py [rounds]
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

N, PROBLEMS = 64, 4
REPO = Path(__file__).parents[1]


async def rates(engine: str) -> tuple[float, float]:
    """Sampled tokens per second of `engine`: whole samples, and step by step."""
    from ttc.data.problems import key_of
    from ttc.models import make
    from ttc.models.checkpoint import resolve
    from ttc.nano.world import test_problems
    from ttc.run.session import seed_of
    from ttc.settings.schema import PolicyConfig
    from ttc.types import Draw, Prompt, Sampling

    context = resolve("nano:policy").context
    config = PolicyConfig("nano", engine=engine, model="nano:policy", context=context, dtype="float32")
    policy = make(config)
    draws = [
        Draw(problem.question, (), seed_of(0, key_of(problem), (index,)), whole=True)
        for problem in test_problems(0)[:PROBLEMS]
        for index in range(N)
    ]
    sampling = Sampling(Prompt("plain"))
    await policy.generate(sampling, draws[:4])
    start, tokens = time.monotonic(), 0
    samples = await policy.generate(sampling, draws)
    whole = sum(step.count for sample in samples for step in sample.steps) / (time.monotonic() - start)
    start = time.monotonic()
    live = [replace(draw, whole=False) for draw in draws]
    while live:
        samples = await policy.generate(sampling, live)
        steps = [sample.steps[0] for sample in samples]
        tokens += sum(step.count for step in steps)
        live = [
            replace(draw, tokens=(*draw.tokens, *step.tokens))
            for draw, step in zip(live, steps, strict=True)
            if step.end == "step"
        ]
    policy.shutdown()
    return whole, tokens / (time.monotonic() - start)


def in_a_process(engine: str) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, __file__, f"--{engine}"], cwd=REPO, check=True, capture_output=True, text=True
    )
    [(whole, steps)] = re.findall(r"^rates (.*) (.*)$", done.stdout, re.M)
    return float(whole), float(steps)


def main(rounds: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {"vllm": [], "transformers": []}
    for _ in range(rounds):
        for engine, seen in found.items():
            seen.append(in_a_process(engine))
            print(f"{engine:12} whole {seen[-1][0]:7,.0f}  steps {seen[-1][1]:7,.0f} tok/s", flush=True)
    for index, what in enumerate(("whole samples", "step by step")):
        vllm, plain = (statistics.median(pair[index] for pair in seen) for seen in found.values())
        print(f"vLLM against the plain engine, {what}, medians of {rounds}: {vllm / plain:.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--vllm" | "--transformers" as flag]:
            import os

            os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the driver does, before torch is loaded
            print("rates", *asyncio.run(rates(flag.removeprefix("--"))), flush=True)
        case arguments:
            main(int(arguments[0]) if arguments else 3)
