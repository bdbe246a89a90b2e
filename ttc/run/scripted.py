"""A scripted world: every step and every score is written down, so that a search's decisions are exact.

script = Script(ends=frozenset({(0,)}), scores={(1,): 0.9})
assert [path.address for path in search(MySearch(n=4), script)] == [...]
assert script.asked == [...]
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ttc.run.session import SearchContext
from ttc.types import Bill, Budget, Floor, Path, Problem, Step, Strategy, TooLong, first_below

PROBLEM = Problem("p", "question", "answer")


def token_step(text: str, end: str = "step") -> Step:
    return Step(text, (0,), end)  # type: ignore[arg-type]


@dataclass
class Script:
    """A policy and verifier that read from tables, and remember what they were asked.

    `ends` names the addresses whose step ends the text; `scores` gives the score of the step drawn at an
    address (0.5 where it says nothing); `texts` a step's text by its address (its own address by default);
    `sure` the confidence in each of its tokens. A conversation has no room for an answer at the addresses of
    `full`; `said` is what was told.
    """

    ends: frozenset[tuple[int, ...]] = frozenset()
    scores: Mapping[tuple[int, ...], float | None] = field(default_factory=dict)
    texts: Mapping[tuple[int, ...], str] = field(default_factory=dict)
    full: frozenset[tuple[int, ...]] = frozenset()
    sure: Mapping[tuple[int, ...], tuple[float, ...]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    asked: list[tuple[str, list[tuple[int, ...]], list[int]]] = field(default_factory=list)
    _next: dict[tuple[tuple[int, ...], bool], int] = field(default_factory=dict)

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        return await self._grow("extend", paths, n)

    async def finish(
        self, paths: Sequence[Path], n: int | Sequence[int], *, floor: Floor | None = None
    ) -> list[list[Path]]:
        """A path that `sure` knows ends where it falls below the floor."""
        live = [path for path in paths if not path.over]
        grown = iter(await self._grow("finish", live, n, floor) if live else [])
        return [[path] if path.over else next(grown) for path in paths]

    async def roll_out(
        self,
        paths: Sequence[Path],
        n: int | Sequence[int] = 1,
        *,
        steps: int | None = None,
        temperature: float | None = None,
    ) -> list[list[Path]]:
        """Whole or one step long, in one step."""
        live = [path for path in paths if not path.over]
        verb = "roll_out" if steps is None else "look"
        grown = iter(await self._grow(verb, live, n) if live else [])
        return [[path] if path.over else next(grown) for path in paths]

    async def chat(self, paths: Sequence[Path], words: Sequence[str]) -> list[Path]:
        told = [path.told(text) for path, text in zip(paths, words, strict=True)]
        self.said += words
        return [answer for [answer] in await self._grow("chat", told, 1)]

    async def _grow(
        self, verb: str, paths: Sequence[Path], n: int | Sequence[int], floor: Floor | None = None
    ) -> list[list[Path]]:
        counts = [n] * len(paths) if isinstance(n, int) else list(n)
        self.asked.append((verb, [path.address for path in paths], counts))
        families = []
        for path, count in zip(paths, counts, strict=True):
            aside = verb in ("roll_out", "look")
            first = self._next.get((path.address, aside), 0)
            self._next[path.address, aside] = first + count
            indices = [-1 - i if aside else i for i in range(first, first + count)]
            families.append([self._child(verb, path, index, floor) for index in indices])
        await asyncio.sleep(0)
        return families

    def _child(self, verb: str, path: Path, index: int, floor: Floor | None) -> Path:
        address = (*path.address, index)
        if address in self.full:
            raise TooLong
        ended = verb in ("finish", "roll_out", "chat") or address in self.ends
        text = self.texts.get(address, f"{address}\n\n")
        step = token_step(text, "eos" if ended else "step")
        if sure := self.sure.get(address):
            stop = first_below(sure, floor) if floor else None
            step = replace(step, tokens=(0,) * len(sure[:stop]), confidences=sure[:stop])
            step = replace(step, end="unsure") if stop and stop < len(sure) else step
        return path.child(index, (step,))

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        await asyncio.sleep(0)
        return [path.judged(self._scores(path)) for path in paths]

    def _scores(self, path: Path) -> list[float | None]:
        """Of the steps that have none yet: each by the address at which it was drawn."""
        missing = len(path.steps) - len(path.scores)
        ends = range(len(path.address) - missing + 1, len(path.address) + 1)
        return [self.scores.get(path.address[:end], 0.5) for end in ends]


def search(strategy: Strategy, script: Script) -> list[Path]:
    context = SearchContext(Budget(strategy.n), Bill(), seed=0, problem_key="p")
    return asyncio.run(strategy.search(Path(PROBLEM), script, script, context))
