"""What stands around vLLM, without starting it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from ttc.models.checkpoint import fetch
from ttc.models.together import together
from ttc.models.vllm_engine import EngineOptions, engine_arguments, threads

pytestmark = pytest.mark.engines


def options(**more) -> EngineOptions:
    return EngineOptions("some/model", 20_000, **more)


def test_a_cpus_batch_holds_any_prompt_as_prompts_cannot_be_cut():
    arguments = engine_arguments(options(), cpu=True)
    assert arguments["enable_chunked_prefill"] is False
    assert arguments["max_num_batched_tokens"] >= arguments["max_model_len"] == 20_000
    assert arguments["kv_cache_memory_bytes"] == 2**30
    assert "gpu_memory_utilization" not in arguments


def test_a_gpu_takes_its_share_and_the_cache_may_be_given_in_bytes():
    shared, given = (
        engine_arguments(options(gpu_share=0.4, memory=memory), cpu=False) for memory in (None, 2**33)
    )
    assert (shared["gpu_memory_utilization"], shared.get("kv_cache_memory_bytes")) == (0.4, None)
    # the share is asked for in both: vLLM refuses to start where its default, nearly all, is not free
    assert (given["gpu_memory_utilization"], given["kv_cache_memory_bytes"]) == (0.4, 2**33)
    assert not {"enforce_eager", "enable_chunked_prefill"} & set(shared)


def test_on_a_gpu_only_what_writes_is_compiled():
    reads = engine_arguments(options(reads=True), cpu=False)
    assert reads["enforce_eager"]
    assert "enforce_eager" not in engine_arguments(options(), cpu=False)


@pytest.mark.parametrize("part", ["policy", "prm"])
def test_float32_on_a_gpu_gets_an_attention_that_has_it_also_for_the_embedded_models(part):
    import torch
    from vllm.v1.attention.backends.registry import AttentionBackendEnum

    chosen = engine_arguments(options(dtype="float32"), cpu=False)["attention_backend"]
    backend = AttentionBackendEnum[chosen].get_class()
    config = json.loads((Path(fetch(f"nano:{part}")) / "config.json").read_text())
    assert torch.float32 in backend.supported_dtypes
    assert backend.supports_head_size(config["head_dim"])
    assert "attention_backend" not in engine_arguments(options(dtype="bfloat16"), cpu=False)


def test_the_prefix_cache_is_always_on_and_the_models_own_sampling_off():
    for cpu in (False, True):
        arguments = engine_arguments(options(), cpu)
        assert arguments["enable_prefix_caching"]
        assert arguments["generation_config"] == "vllm"


def test_a_small_model_runs_on_one_thread(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8), raising=False)
    assert threads("some/model") == 8
    (tmp_path / "model.safetensors").write_bytes(b"0" * 1000)
    assert threads(str(tmp_path)) == 1


def test_the_first_failure_ends_the_others_and_is_raised_as_it_is():
    ended = []

    async def waits():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def fails():
        await asyncio.sleep(0)
        raise LookupError("gone")

    async def run():
        with pytest.raises(LookupError, match="gone"):
            await together([waits(), fails(), waits()])
        await asyncio.sleep(0)

    asyncio.run(run())
    assert ended == ["cancelled"] * 2


def test_results_come_in_the_order_of_the_calls():
    async def after(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(together(after(turns) for turns in (3, 0, 2))) == [3, 0, 2]
