"""Code that comes with a checkpoint: it leaves a mark when it runs, and runs where it is asked for alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import tiny
from ttc.models import look_up, start
from ttc.models.provider import Identity, Model
from ttc.models.rehearsal import rehearse
from ttc.models.vllm_engine import EngineOptions, engine_arguments
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.types import EngineDied, ModelFacts, Prompt, Sampling, UserError

CODE = """
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

Path({mark!r}).write_text("it ran")


class MarkedConfig(LlamaConfig):
    model_type = "marked"


class MarkedForCausalLM(LlamaForCausalLM):
    config_class = MarkedConfig


class MarkedTokenizer(PreTrainedTokenizerFast):
    pass
"""


@pytest.fixture
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """(checkpoint, mark): a model and a tokenizer of kinds that only their own code knows."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    mark, folder = tmp_path / "mark", tiny.checkpoint(tmp_path / f"of_{tmp_path.name}")
    (folder / "marked.py").write_text(CODE.format(mark=str(mark)))
    classes = {"AutoConfig": "marked.MarkedConfig", "AutoModelForCausalLM": "marked.MarkedForCausalLM"}
    words = {"AutoTokenizer": [None, "marked.MarkedTokenizer"]}
    edit(folder / "config.json", model_type="marked", architectures=["MarkedForCausalLM"], auto_map=classes)
    edit(folder / "tokenizer_config.json", tokenizer_class="MarkedTokenizer", auto_map=words)
    return folder, mark


def edit(file: Path, **settings: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))


def test_it_is_refused_before_anything_runs(
    marked: tuple[Path, Path], launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, mark = marked
    assert launch("policy=nano", f"policy.model={folder}", "policy.engine=transformers", "n=2") == 2
    said = capsys.readouterr().err
    assert (
        f"policy.trust_remote_code=false: {folder} runs only by code that comes with it (marked.py)" in said
    )
    assert not mark.exists()


def config_of(role: type[PolicyConfig | PrmConfig], folder: Path, trusted: bool) -> PolicyConfig | PrmConfig:
    own = {"format": "rlhflow", "check_tags": False} if role is PrmConfig else {}
    settings = {"context": 128, "dtype": "float32", "trust_remote_code": trusted, **own}
    return role("marked", "transformers", str(folder), **settings)


@pytest.mark.parametrize("role", [PolicyConfig, PrmConfig])
def test_no_engine_runs_it_unasked(
    role: type[PolicyConfig | PrmConfig], marked: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody has looked before."""
    folder, mark = marked
    monkeypatch.setattr("builtins.input", lambda *_: "yes")  # transformers would ask, if it were left to it
    config = config_of(role, folder, trusted=False)
    with pytest.raises(UserError, match="trust_remote_code=false"):
        look_up(config)
    with pytest.raises(EngineDied, match="custom code"):
        asyncio.run(start(config))
    assert not mark.exists()


@pytest.mark.parametrize("role", [PolicyConfig, PrmConfig])
def test_it_runs_where_it_is_asked_for(
    role: type[PolicyConfig | PrmConfig], marked: tuple[Path, Path]
) -> None:
    folder, mark = marked
    config = config_of(role, folder, trusted=True)
    assert look_up(config).engine == "transformers"
    engine = asyncio.run(start(config))
    model = engine.model if role is PolicyConfig else engine.reader.scorer.model
    assert type(model).__name__ == "MarkedForCausalLM"
    assert mark.exists()


def test_a_stored_line_that_trusts_runs_nothing(marked: tuple[Path, Path]) -> None:
    """`ttc rescore` looks at the policy of somebody's folder, and asks it nothing."""
    folder, mark = marked
    (folder / "tokenizer.json").unlink()
    config = config_of(PolicyConfig, folder, trusted=True)
    model = Model(Identity("marked", 128), ModelFacts(), "transformers", tokenizer=str(folder))
    assert rehearse(config, model, []) == []
    assert not mark.exists()
    rehearse(config, model, [Sampling(Prompt("plain"))])
    assert mark.exists(), "whoever samples from it has asked for it"


def test_code_that_nobody_needs_is_neither_refused_nor_run(tmp_path: Path) -> None:
    folder = tiny.checkpoint(tmp_path / "llama")
    (folder / "own.py").write_text("raise SystemExit('it ran')")
    edit(folder / "config.json", auto_map={"AutoModelForCausalLM": "own.Own"})
    config = PolicyConfig("tiny", "transformers", str(folder), context=128)
    assert look_up(config).engine == "transformers"
    assert type(asyncio.run(start(config)).model).__name__ == "LlamaForCausalLM"


@pytest.mark.parametrize("trusted", [False, True])
def test_vllm_is_told(trusted: bool) -> None:
    arguments = engine_arguments(EngineOptions("some/model", 128, trust_remote_code=trusted), cpu=True)
    assert arguments["trust_remote_code"] is trusted
