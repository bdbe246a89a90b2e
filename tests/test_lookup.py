"""What a configuration names, looked at without loading it: engines, and models that do not fit."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ttc.models import look_up
from ttc.models.local import engine_of
from ttc.settings.schema import PolicyConfig, PrmConfig
from ttc.types import UserError


def folder(at: Path, architecture: str) -> str:
    """A model folder as far as it is looked at: nothing of it could be loaded."""
    config = {
        "architectures": [architecture],
        "vocab_size": 16,
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "max_position_embeddings": 64,
    }
    (at / "config.json").write_text(json.dumps(config))
    (at / "tokenizer.json").write_text(json.dumps({"model": {}}))
    (at / "model.bin").write_bytes(b"")
    return str(at)


@pytest.mark.parametrize(
    ("architecture", "config", "said"),
    [
        (
            "LlamaForCausalLM",
            PrmConfig("p", format="qwen_prm"),
            "needs a model that ends in ForProcessReward",
        ),
        (
            "LlamaForCausalLM",
            PrmConfig("p", format="orm"),
            "ForSequenceClassification: a language model has no",
        ),
        (
            "Qwen2ForProcessRewardModel",
            PrmConfig("p", format="rlhflow"),
            "asks a language model for its next",
        ),
        ("LlamaForSequenceClassification", PolicyConfig("p"), "a reward model writes nothing"),
        ("LlamaForCausalLM", PrmConfig("p", format="rlhflo"), "prm.format='rlhflo': take one of rlhflow"),
        ("LlamaForCausalLM", PrmConfig("p"), "prm.format=None: take one of rlhflow"),
    ],
)
def test_a_model_that_cannot_play_its_part_is_refused_by_name(
    architecture: str, config: PolicyConfig | PrmConfig, said: str, tmp_path: Path
) -> None:
    from dataclasses import replace

    with pytest.raises(UserError, match=said):
        look_up(replace(config, model=folder(tmp_path, architecture)))


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\xff" * 64])
def test_weights_that_are_no_weights_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    model = folder(tmp_path, "LlamaForCausalLM")
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model.safetensors: cut short or no safetensors file"):
        look_up(PolicyConfig("p", model=model))


def test_a_reward_model_has_no_head_for_words(tmp_path: Path) -> None:
    body = 16 * 8 + 2 * 8 * 8 * 2 + 3 * 8 * 8 + 2 * 8 + 8
    for architecture, params in (("LlamaForCausalLM", body), ("LlamaForSequenceClassification", body - 128)):
        kind = PolicyConfig("p") if architecture.endswith("CausalLM") else PrmConfig("p", format="orm")
        from dataclasses import replace

        assert look_up(replace(kind, model=folder(tmp_path, architecture))).facts.params == params


@pytest.mark.parametrize(
    ("format_", "installed", "engine"),
    [
        ("rlhflow", True, "vllm"),
        ("rlhflow", False, "transformers"),
        ("skywork", True, "transformers"),
        ("skywork", False, "transformers"),
    ],
)
def test_auto_is_vllm_where_it_can_run_the_model(
    format_: str, installed: bool, engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if installed else None)
    model = look_up(PrmConfig("p", model=folder(tmp_path, "LlamaForCausalLM"), format=format_))
    assert model.engine == engine
    assert (model.note is not None) == (engine == "transformers")


def test_an_engine_that_cannot_is_refused_with_the_one_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"vLLM has no value heads .*take prm.engine=transformers"):
        engine_of(PrmConfig("p", engine="vllm", format="skywork"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"vllm is not installed.*policy.engine=transformers runs everywhere"):
        engine_of(PolicyConfig("p", engine="vllm"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prm=logprob"], "prm=logprob: reads log-probabilities, which are kept only if asked for"),
        (["prm=judge"], "prm.model=null: name a folder"),
        (["prm=length", "prm.format=size"], "prm.format='size': take one of the heuristics length"),
        (
            ["policy=nano", "policy.tensor_parallel=3"],
            "policy.tensor_parallel=3: must divide the 4 attention",
        ),
        (
            ["-m", "policy=openai", "policy.base_url=http://a/v1,http://b/v1", "n=1"],
            "policy.base_url: tells no cells apart, so it cannot be an axis: two launches, two names",
        ),
        (["policy.unseeded=true"], "policy.unseeded=true: policy.engine=fake takes seeds; leave it false"),
        (["policy=openai"], "policy.base_url=null: say where the server's API begins"),
        (["policy=openai", "policy.base_url=http://127.0.0.1:1/v1"], "no server answers there"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], said: str, launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_rules_and_the_oracle_guide_a_search_and_the_oracle_is_an_upper_bound_everywhere(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import pandas as pd

    words = ["-m", "strategy=best_of_n,beam", "n=4", "dataset.limit=4"]
    assert launch(*words, "prm=length,oracle", name="rules") == 0
    rows = pd.read_parquet(tmp_path / "rules" / "readout.parquet")
    oracle = rows[rows.prm == "oracle"]
    scored = oracle.vote.isin(["weighted", "best"]) | (oracle.strategy == "beam")
    assert oracle.upper_bound.tolist() == (scored | (oracle.vote == "oracle")).tolist()
    assert not (rows.headline & rows.upper_bound).any()
    assert rows[rows.prm == "length"].upper_bound.equals(rows[rows.prm == "length"].vote == "oracle")
    assert "prm oracle (knows the answers: upper bound)" in capsys.readouterr().out


def test_paths_without_log_probabilities_are_not_scored_by_them_for_good(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["n=2", "dataset.limit=2"]
    assert launch(*words, "prm=none", name="bare") == 0
    assert launch(*words, "prm=logprob", "policy.logprobs=true", name="bare") == 1
    assert "sampled without log-probabilities" in capsys.readouterr().out
    assert not list((tmp_path / "bare" / "scores").glob("*.parquet"))


def test_another_gold_answer_under_the_same_name_is_refused(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"question": "1+1?", "answer": "3", "gold": "2"}))
    words = ["dataset=path", f"dataset.path={file}", "n=1", "prm=none"]
    assert launch(*words) == 0
    assert launch(*words, "dataset.columns.answer=gold") == 2
    assert "graded with the gold answer '3', and the dataset says '2' now" in capsys.readouterr().err
