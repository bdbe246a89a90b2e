"""What the stack costs: best_of_n n=64 through Hydra, Ray, meter and Parquet against bare vLLM.

Both generate the same requests (50 problems of the embedded world, 64 samples each, the same prompts, seeds
and engine settings) in processes of their own, alternating; start-up of the engines is left out of both.
Prints tokens/s of every round and the ratio of the medians (1.0 = the stack costs nothing). Bare vLLM gets
the process layout and the threads of the stack's own engine: on 2 cores they beat its defaults (8,800 against
8,000 tokens/s).

    uv run python benchmarks/overhead.py [rounds]
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

N = 64
REPO = Path(__file__).parents[1]


def bare() -> float:
    """Tokens per second of vLLM's own `LLM.generate` on the sweep's requests."""
    from ttc.models.vllm_engine import EngineOptions, engine_arguments, prepare_environment, threads

    prepare_environment()
    from transformers import AutoTokenizer
    from vllm import LLM, SamplingParams
    from vllm.inputs import tokens_input
    from vllm.platforms import current_platform

    from ttc.data.problems import key_of
    from ttc.models.checkpoint import fetch, resolve
    from ttc.models.prompts import render
    from ttc.nano.world import test_problems
    from ttc.run.session import seed_of
    from ttc.types import Prompt

    model, context = fetch("nano:policy"), resolve("nano:policy").context
    arguments = engine_arguments(EngineOptions(model, context, dtype="float32"), current_platform.is_cpu())
    arguments.pop("enable_log_requests")
    if current_platform.is_cpu():  # as the stack's own engine is started
        os.environ["OMP_NUM_THREADS"] = str(threads(model))
    tokenizer = AutoTokenizer.from_pretrained(model)
    inputs, parameters = [], []
    for problem in test_problems(0)[:50]:
        ids = render(tokenizer, Prompt("plain"), problem.question)
        for index in range(N):
            inputs.append(tokens_input(ids))
            seed = seed_of(0, key_of(problem), (index,))
            room = context - len(ids)
            parameters.append(SamplingParams(temperature=0.8, seed=seed, max_tokens=room, detokenize=False))
    engine = LLM(**arguments)
    start = time.monotonic()
    outputs = engine.generate(inputs, parameters, use_tqdm=False)
    seconds = time.monotonic() - start
    return sum(len(output.outputs[0].token_ids) for output in outputs) / seconds


def through_the_stack() -> float:
    """Tokens per second of a whole launch, from the engines' being ready to the last commit."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"n={N}", "prm=none", f"results_dir={folder}"]
        subprocess.run([sys.executable, "launch.py", *words], cwd=REPO, check=True, capture_output=True)
        bill = json.loads((Path(folder) / "default" / "sweep.json").read_text())["runs"][0]["bill"]
    return bill["generated_tokens"] / bill["seconds"]


def in_a_process(what: str) -> float:
    done = subprocess.run(
        [sys.executable, __file__, f"--{what}"], cwd=REPO, check=True, capture_output=True, text=True
    )
    [rate] = re.findall(r"^rate (.*)$", done.stdout, re.M)
    return float(rate)


def main(rounds: int) -> None:
    rates: dict[str, list[float]] = {"bare": [], "stack": []}
    for _ in range(rounds):
        for what, seen in rates.items():
            seen.append(in_a_process(what))
            print(f"{what:6} {seen[-1]:10,.0f} tok/s", flush=True)
    bare_, stack = (statistics.median(seen) for seen in rates.values())
    print(f"ratio of medians of {rounds}: {stack / bare_:.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--bare"]:
            print("rate", bare(), flush=True)
        case ["--stack"]:
            print("rate", through_the_stack(), flush=True)
        case arguments:
            main(int(arguments[0]) if arguments else 3)
