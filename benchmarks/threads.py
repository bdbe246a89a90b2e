"""How long waiting threads should spin, and how many there should be: one engine alone, and two side by side.

libgomp's threads spin for GOMP_SPINCOUNT turns before they sleep. Too short, and every layer of a small batch
waits for threads to wake; too long, and two engines on the same cores hold each other up. Alone: the policy
decodes at batches of 64, 16, 4 and 1, and the verifier reads fresh texts. Together: the policy decodes at
batches of 16 and 64 while the verifier reads, in processes of their own, as ttc starts them. Prints tokens/s,
one JSON line each; `strange`: cores that somebody else kept busy or took away meanwhile. Above 0.1 it is
measured again, three times at most.

    uv run python benchmarks/threads.py alone 0 1000 10000 100000      # spin counts, all cores' threads
    uv run python benchmarks/threads.py together 0:1 10000:2           # spin count:threads of each engine
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WARM, SECONDS = 3.0, 10.0
TRIES, STRANGE = 3, 0.1
ALONE, TOGETHER = (64, 16, 4, 1), (16, 64)
TEXT, PROMPT, SAMPLE, READS = 200, 60, 512, 8
"""Tokens of a text to score, of a prompt and of a sample; texts at once."""


class Load:
    """An engine that always has `batch` requests, and what it has done so far."""

    def __init__(self, role: str, threads: int) -> None:
        from ttc.models import vllm_engine
        from ttc.models.checkpoint import fetch

        vllm_engine.threads = lambda model: threads
        options = vllm_engine.EngineOptions(
            fetch("smollm2"), 4096, dtype="bfloat16", max_num_seqs=64, float32_head=role == "verifier"
        )
        self.engine = vllm_engine.Engine(options)
        self.role, self.done, self._seeds = role, 0, itertools.count(1)

    async def rate(self, batch: int) -> float:
        """Tokens/s at that batch, after a while in which it comes into its stride."""
        tasks = [asyncio.create_task(self._ask_for_ever()) for _ in range(batch)]
        await asyncio.sleep(WARM)
        before, start = self.done, time.monotonic()
        await asyncio.sleep(SECONDS)
        rate = (self.done - before) / (time.monotonic() - start)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return rate

    async def _ask_for_ever(self) -> None:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        while True:
            seed = next(self._seeds)
            if self.role == "verifier":
                asked: dict[str, Any] = {"max_tokens": 1, "temperature": 0.0, "logprob_token_ids": [27, 29]}
                await self.engine.run(self._text(seed, TEXT), generated=False, detokenize=False, **asked)
                self.done += TEXT
                continue
            # token by token, or a long sample would count only when it is over
            params = SamplingParams(
                temperature=0.8,
                seed=seed,
                max_tokens=SAMPLE,
                ignore_eos=True,
                detokenize=False,
                output_kind=RequestOutputKind.DELTA,
            )
            ids = self.engine._input(self._text(0, PROMPT))
            async for output in self.engine._llm.generate(ids, params, f"own-{seed}"):
                self.done += len(output.outputs[0].token_ids)

    def _text(self, seed: int, tokens: int) -> list[int]:
        return random.Random(seed).choices(range(1000, 40_000), k=tokens)


async def serve(role: str, threads: int) -> None:
    """A child: starts its engine, says so, and measures a batch per line that it reads."""
    load = Load(role, threads)
    await load.rate(1)
    print("ready", flush=True)
    for line in iter(sys.stdin.readline, ""):
        print("rate", await load.rate(int(line)), flush=True)
    load.engine.shutdown()


class Child:
    """An engine in a process of its own, with its environment set before anything is loaded."""

    def __init__(self, role: str, spin: str, threads: int) -> None:
        environment = os.environ | {"GOMP_SPINCOUNT": spin, "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "serve", role, str(threads)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, batch: int) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{batch}\n")
        self._process.stdin.flush()

    def answer(self, word: str) -> str:
        """What stands behind `word`, at the head of a line to come."""
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise RuntimeError(f"an engine has ended with {self._process.wait()}")

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def alone(spins: Iterable[str]) -> None:
    for spin in spins:
        for role, batches in (("policy", ALONE), ("verifier", (READS,))):
            child = Child(role, spin, CORES)
            child.answer("ready")
            for batch in batches:
                measure({role: child}, {role: batch}, spin=spin, threads=CORES, batch=batch)
            child.end()


def together(settings: Iterable[str]) -> None:
    for setting in settings:
        spin, _, threads = setting.partition(":")
        children = {role: Child(role, spin, int(threads)) for role in ("policy", "verifier")}
        for child in children.values():
            child.answer("ready")
        for batch in TOGETHER:
            batches = {"policy": batch, "verifier": READS}
            measure(children, batches, spin=spin, threads=f"{threads}+{threads}", batch=batch)
        for child in children.values():
            child.end()


def measure(children: dict[str, Child], batches: dict[str, int], **settings: Any) -> None:
    """All children at once; again where somebody else was at work, and every try is printed."""
    for _ in range(TRIES):
        with strangers() as found:
            for role, child in children.items():
                child.ask(batches[role])
            rates = {role: round(float(child.answer("rate")), 1) for role, child in children.items()}
        print(json.dumps(settings | rates | found), flush=True)
        if found["strange"] <= STRANGE:
            break


@contextmanager
def strangers() -> Iterator[dict[str, float]]:
    """Cores that were busy with other processes than ours, or not given to this machine, while it lasted."""
    found: dict[str, float] = {}
    start, all_before, ours_before = time.monotonic(), _all(), _ours()
    yield found
    spent = _all() - all_before - (_ours() - ours_before)
    found["strange"] = round(spent / (time.monotonic() - start), 2)


def _all() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _ours() -> float:
    mine = psutil.Process()
    spent = [one.cpu_times() for one in (mine, *mine.children(recursive=True))]
    return float(sum(times.user + times.system for times in spent))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", role, threads]:
            asyncio.run(serve(role, int(threads)))
        case ["alone", *spins]:
            alone(spins)
        case ["together", *settings]:
            together(settings)
        case _:
            print(__doc__)
