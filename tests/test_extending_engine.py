"""An engine of one's own: what makes it, and a line of the registry, both here in the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from ttc.models import ENGINES
from ttc.models.provider import Identity, Model, Provider
from ttc.settings.schema import EngineConfig
from ttc.types import Draw, EngineStats, ModelFacts, Problem, Sample, Sampling, Step


class Echo:
    """A policy that answers with the first number of the question."""

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        return [self._sample(draw.question) for draw in draws]

    async def stats(self) -> EngineStats:
        return EngineStats(0, 0, 0, 0.0)

    def _sample(self, question: str) -> Sample:
        number = next(word for word in question.replace(".", " ").split() if word.isdigit())
        text = rf"\boxed{{{number}}}"
        return Sample((Step(text, tuple(map(ord, text)), "eos"),), len(question))


def look(config: EngineConfig, problems: Sequence[Problem]) -> Model:
    return Model(Identity(f"echo:{config.model}", None), ModelFacts(), "echo")


ECHO = Provider(look, lambda config: Echo(), needs={"model": "say which number"})
WORDS = ("policy.engine=echo", "n=2", "dataset.limit=3")


@pytest.fixture(autouse=True)
def entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "echo", ECHO)


def test_it_is_a_name_for_policy_engine(launch: Callable[..., int], tmp_path: Path) -> None:
    assert launch(*WORDS, "policy.model=first") == 0
    paths = pd.read_parquet(tmp_path / "default" / "paths")
    assert len(paths) == 6
    assert {text for steps in paths["steps"] for text in steps if "boxed" not in text} == set()


def test_what_it_needs_and_what_it_is_not_is_said(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(*WORDS) == 2
    assert launch("prm.engine=echo") == 2
    assert launch("policy.engine=eco") == 2
    needs, part, name = capsys.readouterr().err.splitlines()
    assert "policy.model=null: say which number" in needs
    assert (
        "prm.engine='echo': must be 'auto', 'vllm', 'transformers', 'heuristic', 'oracle', 'ensemble'" in part
    )
    assert "policy.engine='eco': must be 'auto', 'vllm', 'transformers', 'openai', 'fake' or 'echo'" in name
