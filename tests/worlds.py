"""Scripted worlds for strategies: every step and every score is written down, so decisions are exact."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ttc.types import Path, Problem, Step

PROBLEM = Problem("p", "question", "answer")


def token_step(text: str, end: str = "step") -> Step:
    return Step(text, (0,), end)  # type: ignore[arg-type]


@dataclass
class Script:
    """A policy and verifier that read from tables, and remember what they were asked.

    `ends` names the addresses whose step ends the text; `scores` gives the score of a path's last step by its
    address (0.5 where it says nothing); `texts` a step's text by its address (its own address by default).
    """

    ends: frozenset[tuple[int, ...]] = frozenset()
    scores: Mapping[tuple[int, ...], float | None] = field(default_factory=dict)
    texts: Mapping[tuple[int, ...], str] = field(default_factory=dict)
    asked: list[tuple[str, list[tuple[int, ...]], list[int]]] = field(default_factory=list)
    _next: dict[tuple[int, ...], int] = field(default_factory=dict)

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        return await self._grow("extend", paths, n)

    async def finish(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        live = [path for path in paths if not path.over]
        grown = iter(await self._grow("finish", live, n) if live else [])
        return [[path] if path.over else next(grown) for path in paths]

    async def _grow(self, verb: str, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        counts = [n] * len(paths) if isinstance(n, int) else list(n)
        self.asked.append((verb, [path.address for path in paths], counts))
        families = []
        for path, count in zip(paths, counts, strict=True):
            first = self._next.get(path.address, 0)
            self._next[path.address] = first + count
            families.append([self._child(verb, path, first + i) for i in range(count)])
        await asyncio.sleep(0)
        return families

    def _child(self, verb: str, path: Path, index: int) -> Path:
        address = (*path.address, index)
        ended = verb == "finish" or address in self.ends
        text = self.texts.get(address, f"{address}\n\n")
        return path.child(index, (token_step(text, "eos" if ended else "step"),))

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        await asyncio.sleep(0)
        return [
            path
            if len(path.scores) == len(path.steps)
            else replace(path, scores=(*path.scores, self.scores.get(path.address, 0.5)))
            for path in paths
        ]


def search(strategy: object, script: Script) -> list[Path]:
    return asyncio.run(strategy.search(Path(PROBLEM), script, script))  # type: ignore[attr-defined]
