"""A family of verifiers of one's own: a class and a line of the registry, both here in the test.

Nothing else is touched. docs/extending.md tells it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ttc.models import check, look_up
from ttc.models.checkpoint import fetch
from ttc.models.formats import FORMATS, Format, Layout
from ttc.models.formats.common import PROBE_QUESTION, Ids, lay_out, one_token
from ttc.models.verifier import ModelVerifier, Reward, two_way
from ttc.settings.build import build
from ttc.settings.compose import compose
from ttc.settings.schema import PrmConfig
from ttc.types import EngineStats, Query, UserError


class Lines(Format):
    """The question, then a paragraph a step; behind each the model's next word, "+" against "-"."""

    reads = "tags"

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.tags = (one_token(tokenizer, "+"), one_token(tokenizer, "-"))
        self.check()

    def layout(self, question: str, steps: Sequence[str]) -> Layout:
        opening = self.piece(question)
        pieces = [self.piece(f"\n\n{step.strip()}") for step in steps]
        return lay_out(opening, [opening + pieces[0], *pieces[1:]] if pieces else [])

    def whole(self, steps: Sequence[str]) -> Ids:
        return self.piece("\n\n".join([PROBE_QUESTION, *steps]))


class Scripted:
    """A reader whose model believes a text the less, the longer it is; it remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Ids] = []

    async def read(self, ids: Ids) -> Reward:
        self.given.append(ids)
        return Reward(two_way(0.0, len(ids) / 10), mass=1.0, computed=len(ids))

    async def stats(self) -> EngineStats:
        return EngineStats(sum(map(len, self.given)), 0, len(self.given), 0.0)

    def shutdown(self) -> None: ...


@pytest.fixture(autouse=True)
def entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "lines", Lines)


def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(fetch("nano:prm"))


def settings(*words: str) -> PrmConfig:
    [point] = compose(words)
    return build(PrmConfig, point["prm"], "prm.")


def test_it_is_a_name_for_prm_format() -> None:
    config = settings("prm=nano", "prm.format=lines")
    assert check(config) == []
    assert look_up(config).identity == look_up(settings("prm=nano")).identity, "the same weights"
    with pytest.raises(UserError, match=r"prm.format='line': take one of rlhflow, .*, lines"):
        look_up(settings("prm=nano", "prm.format=line"))


def test_a_launch_plans_with_it(launch: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prm=nano", "policy=nano", "prm.format=lines", "plan_only=true", "strategy=beam"]
    assert launch(*words) == 0
    assert "prm.format=lines" in capsys.readouterr().out


def test_its_steps_are_scored_where_they_end() -> None:
    words = tokenizer()
    steps = ("Day 1: now 12 + 7 = 19", r"\boxed{19}")
    query = Query(PROBE_QUESTION, steps)
    reader = Scripted()
    verifier = ModelVerifier("mine", FORMATS["lines"](words), reader, context=512)

    async def run() -> Any:
        await verifier.check()
        reader.given.clear()
        return await verifier.judge([query])

    [judged] = asyncio.run(run())
    assert [words.decode(ids) for ids in reader.given] == [
        "\n\n".join([PROBE_QUESTION, *steps[: k + 1]]) for k in range(len(steps))
    ]
    lengths = [len(ids) for ids in reader.given]
    assert list(judged.scores) == [1 / (1 + math.exp(length / 10)) for length in lengths]
    assert (judged.root, judged.root + sum(judged.tokens)) == (len(words.encode(PROBE_QUESTION)), lengths[-1])
