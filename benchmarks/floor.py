"""The floor of a finished sweep: its own requests, given to bare AsyncLLM engines.

Reads the requests off the folder (prompts, seeds and ids of every draw; the texts that were scored), starts
the engines as ttc starts them, and hands over everything that could be asked at once: the whole samples, or
all draws of a depth, then all scores of that depth. No Ray, no search, no store, no grading. Prints a JSON
line: tokens, seconds. Guided searches are replayed three times, and the fastest counts: all searches depth by
depth, policy and verifier taking turns; the verifier on a depth's scores while the policy draws the next one
(which no search could do); and every search for itself, a depth as soon as the one before it is scored.

    uv run python benchmarks/floor.py FOLDER
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ttc.cluster.placement import has_gpu_vllm, place
from ttc.models import environment, make
from ttc.plan.cells import read_grid
from ttc.plan.inputs import Inputs, look_up_all
from ttc.run.session import seed_of
from ttc.settings.schema import PrmConfig
from ttc.store import Folder
from ttc.store.provenance import gpu_memory, hardware
from ttc.types import Draw, UserError

Text = tuple[str, tuple[str, ...], int]
"""Problem, steps, and the step whose score was read."""


@dataclass
class Level:
    """What can be asked at once: the policy's draws of one depth, and the scores of what they gave."""

    draws: list[dict[str, Any]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


Search = dict[int, Level]
"""What one search asked, by depth."""


def searches(stored: Folder, families: set[str]) -> list[Search]:
    """The requests of these families of a folder."""
    found: dict[tuple[Any, ...], Search] = defaultdict(lambda: defaultdict(Level))
    guided = set(stored.read("steps", ["family"])["family"].to_pylist())
    scored = set(stored.read("scores", ["path"])["path"].to_pylist())
    columns = ["family", "problem_key", "problem_id", "seed", "address", "token_ids"]
    for row in stored.read("paths", [*columns, "path", "steps"]).to_pylist():
        if row["family"] in guided or row["family"] not in families:
            continue
        level = found[row["family"], row["problem_key"], row["seed"]][1]
        level.draws.append(row | {"prefix": (), "tokens": len(row["token_ids"]), "whole": True})
        if row["path"] in scored:
            level.texts += [
                (row["problem_id"], tuple(row["steps"]), k) for k, s in enumerate(row["steps"]) if s.strip()
            ]
    trees: dict[tuple[Any, ...], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in stored.read("steps", [*columns, "step", "verb", "text", "score"]).to_pylist():
        if row["family"] in families:
            trees[row["family"], row["problem_key"], row["seed"]][row["address"]].append(row)
    for key, tree in trees.items():
        _read_tree(tree, found[key])
    return list(found.values())


def _read_tree(tree: dict[str, list[Any]], found: Search) -> None:
    ids: dict[str, tuple[int, ...]] = {"": ()}
    words: dict[str, tuple[str, ...]] = {"": ()}
    for address in sorted(tree, key=lambda one: one.count("/")):
        rows = sorted(tree[address], key=lambda row: row["step"])
        parent, level = address.rpartition("/")[0], found[address.count("/") + 1]
        drawn = [token for row in rows for token in row["token_ids"]]
        whole = rows[0]["verb"] != "extend"
        level.draws.append(rows[0] | {"prefix": ids[parent], "tokens": len(drawn), "whole": whole})
        ids[address] = (*ids[parent], *drawn)
        words[address] = (*words[parent], *(row["text"] for row in rows))
        for row in rows:
            if row["score"] is not None:
                level.texts.append((row["problem_id"], words[address], row["step"]))


def together(found: Iterable[Search]) -> Search:
    """Many searches as one."""
    joined: Search = defaultdict(Level)
    for search in found:
        for depth, level in search.items():
            joined[depth].draws += level.draws
            joined[depth].texts += level.texts
    return joined


class Bare:
    """The engines of a launch as ttc starts them, and nothing around them."""

    def __init__(self, inputs: Inputs) -> None:
        roles = {"prm" if isinstance(config, PrmConfig) else "policy": config for config in inputs.models}
        configs = {role: inputs.models[config].runs(config) for role, config in roles.items()}
        sizes = {role: inputs.models[config].size for role, config in roles.items()}
        here = {"CPU": os.cpu_count() or 1, "GPU": len(hardware()["gpus"])}
        cluster = inputs.grid.launch.cluster
        placed: Any = place(configs, sizes, cluster, here, has_gpu_vllm(), gpu_memory()).engines
        self.policy: Any = make(placed["policy"])
        self.verifier: Any = make(placed["prm"]) if "prm" in placed else None
        self._sampling = inputs.grid.cells[0].sampling
        self._problems = {problem.id: problem for cell in inputs.cells for problem in cell.problems}
        self._laid_out = lru_cache(None)(self._lay_out)

    async def draw(self, row: dict[str, Any]) -> int:
        """One draw; its tokens."""
        problem = self._problems[row["problem_id"]]
        address = tuple(map(int, row["address"].split("/")))
        draw = Draw(
            problem.question, row["prefix"], seed_of(row["seed"], row["problem_key"], address), row["whole"]
        )
        prompt = self.policy._prompt(self._sampling.prompt, problem.question)
        rule = self.policy._rule(self._sampling.prompt.separator)
        left = min(self._sampling.max_tokens, self.policy.context - len(prompt)) - len(draw.tokens)
        got = await self.policy._continue([*prompt, *draw.tokens], self._sampling, draw, rule, left)
        return len(got.tokens) + got.dropped  # as the stack's bill counts

    async def score(self, text: Text) -> int:
        await self.verifier.reader.read(self._laid_out(text))
        return 0

    def _lay_out(self, text: Text) -> tuple[int, ...]:
        name, steps, step = text
        worded = tuple(one for one in steps if one.strip())
        before = sum(bool(one.strip()) for one in steps[:step])
        return self.verifier.format.layout(self._problems[name].question, worded).upto(before)

    async def replay(self, search: Search, overlapped: bool = False) -> int:
        """All levels; the tokens drawn."""
        drawn, behind = 0, list[Text]()
        for _, level in sorted(search.items()):
            scores = map(self.score, behind)
            told = await asyncio.gather(*map(self.draw, level.draws), *scores)
            drawn += sum(told[: len(level.draws)])
            behind = list(dict.fromkeys(level.texts))
            if not overlapped:
                await asyncio.gather(*map(self.score, behind))
                behind = []
        await asyncio.gather(*map(self.score, behind))
        return drawn

    async def forget(self) -> None:
        """Empties the prefix caches, so that the next replay computes what the first one did."""
        for one in (self.policy, self.verifier and self.verifier.reader):
            if one:
                await one.engine._llm.reset_prefix_cache()


async def main(folder: Path) -> dict[str, Any]:
    """The figures of one folder; the engines get the environment that the sweep's had."""
    stored = Folder(folder)
    runs = stored.runs()
    if not runs:
        raise UserError(f"{folder}: no sweep is stored there")
    inputs = look_up_all(read_grid(runs[-1]["overrides"]))
    os.environ |= environment([model.runs(config) for config, model in inputs.models.items()])
    apart = searches(stored, {planned.family for planned in inputs.cells})
    work = together(apart)
    bare = Bare(inputs)
    for level in work.values() if bare.verifier else ():
        for text in level.texts:
            bare._laid_out(text)
    await asyncio.gather(*map(bare.draw, work[1].draws[:2]))  # the engines' first step is slow
    gc.collect()
    gc.freeze()  # as models.start does
    ways: dict[str, Callable[[], Awaitable[Any]]] = {"policy alone": lambda: bare.replay(work)}
    if bare.verifier:
        ways = {
            "overlapped": lambda: bare.replay(work, overlapped=True),
            "in turn": lambda: bare.replay(work),
            "each for itself": lambda: asyncio.gather(*map(bare.replay, apart)),
        }
    best: dict[str, Any] = {}
    for way, replay in ways.items():
        await bare.forget()
        start = time.monotonic()
        drawn = await replay()
        seconds = time.monotonic() - start
        tokens = sum(drawn) if isinstance(drawn, list) else drawn
        print(f"{way}: {tokens} tokens in {seconds:.2f} s", file=sys.stderr)
        if not best or seconds < best["seconds"]:
            best = {"tokens": tokens, "seconds": seconds, "way": way}
    bare.policy.shutdown()
    if bare.verifier:
        bare.verifier.shutdown()
    return best | {"levels": len(work), "scores": sum(len(set(one.texts)) for one in work.values())}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))), flush=True)
