"""Which GPUs the engines get: the rule over every pair of the article's models and every common machine."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from ttc.cluster.placement import OVERHEAD, USABLE, Placement, place
from ttc.models.size import Size, _llama_weights
from ttc.settings.options import shipped
from ttc.settings.schema import ClusterConfig, EngineConfig, PolicyConfig, PrmConfig
from ttc.types import UserError

AUTO = ClusterConfig()


def model(vocabulary: int, width: int, inner: int, layers: int, heads: int, shared: int, tied=False) -> Size:
    """A published model's size, from its config.json."""
    config = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": shared,
        "tie_word_embeddings": tied,
    }
    return Size(_llama_weights(config) or 0, 2 * layers * shared * (width // heads))


POLICIES = {
    "llama-3.2-1b": model(128256, 2048, 8192, 16, 32, 8, tied=True),
    "llama-3.2-3b": model(128256, 3072, 8192, 28, 24, 8, tied=True),
    "llama-3.1-8b": model(128256, 4096, 14336, 32, 32, 8),
    "llama-3.1-70b": model(128256, 8192, 28672, 80, 64, 8),
    "qwen2.5-1.5b": model(151936, 1536, 8960, 28, 12, 2, tied=True),
    "qwen2.5-7b": model(152064, 3584, 18944, 28, 28, 4),
    "smollm2": model(49152, 576, 1536, 30, 9, 3, tied=True),
}
PRMS = {
    "rlhflow-8b-deepseek": POLICIES["llama-3.1-8b"],
    "math-shepherd": model(32000, 4096, 14336, 32, 32, 8),
    "skywork-1.5b": POLICIES["qwen2.5-1.5b"],
    "skywork-7b": POLICIES["qwen2.5-7b"],
    "qwen-prm-7b": POLICIES["qwen2.5-7b"],
    "qwen-prm-72b": model(152064, 8192, 29568, 80, 64, 8),
    "none": None,
}
MEMORIES, COUNTS = (24, 40, 80, 141), (1, 2, 8)


def test_the_sizes_are_the_published_ones() -> None:
    billions = {name: size.weights / 1e9 for name, size in POLICIES.items()}
    assert billions == pytest.approx(
        {
            "llama-3.2-1b": 1.236,
            "llama-3.2-3b": 3.213,
            "llama-3.1-8b": 8.030,
            "llama-3.1-70b": 70.55,
            "qwen2.5-1.5b": 1.544,
            "qwen2.5-7b": 7.616,
            "smollm2": 0.1345,
        },
        rel=1e-3,
    )


def put(policy: str, prm: str, gpus: int, gib: float | None, **changes: object) -> Placement:
    """The pair on `gpus` GPUs of `gib` GiB, in 16 bits, with the contexts they ship with; changes by
    `role_key`."""
    context = {"policy": shipped("policy", policy)["context"], "prm": shipped("prm", prm).get("context")}
    engines: dict[str, EngineConfig] = {
        "policy": PolicyConfig(policy, engine="vllm", context=context["policy"])
    }
    if prm != "none":
        engines["prm"] = PrmConfig(prm, engine="vllm", context=context["prm"])
    for name, value in changes.items():
        role, _, key = name.partition("_")
        engines[role] = replace(engines[role], **{key: value})  # type: ignore[arg-type]
    sizes = {"policy": POLICIES[policy], "prm": PRMS[prm]}
    return place(engines, sizes, AUTO, {"CPU": 16.0, "GPU": float(gpus)}, gpu_vllm=True, gpu_gib=gib)


def said(placed: Placement) -> str:
    """`replicas x GPUs (share)` of every engine, in order."""
    return ", ".join(
        f"{config.replicas} x {config.tensor_parallel}"
        + (f" ({config.gpu_share:.2f})" if placed.gpus[role] < 1 else "")
        for role, config in placed.engines.items()
    )


def outcome(policy: str, prm: str, gpus: int, gib: int) -> tuple[Placement | None, str]:
    """The placement and what `said` makes of it, or the refusal."""
    try:
        placed = put(policy, prm, gpus, gib)
    except UserError as error:
        return None, str(error)
    return placed, said(placed)


@pytest.mark.parametrize(
    ("gpus", "gib", "policy", "prm", "expected"),
    [
        # one GPU, shared: the article's pairs
        (1, 24, "llama-3.2-1b", "rlhflow-8b-deepseek", "1 x 1 (0.18), 1 x 1 (0.73)"),
        (1, 40, "llama-3.2-1b", "rlhflow-8b-deepseek", "1 x 1 (0.18), 1 x 1 (0.73)"),
        (1, 80, "llama-3.2-1b", "rlhflow-8b-deepseek", "1 x 1 (0.18), 1 x 1 (0.73)"),
        (1, 80, "llama-3.2-3b", "rlhflow-8b-deepseek", "1 x 1 (0.38), 1 x 1 (0.54)"),
        (1, 141, "llama-3.2-1b", "skywork-7b", "1 x 1 (0.31), 1 x 1 (0.61)"),
        (1, 24, "smollm2", "none", "1 x 1"),
        # the article's references: greedy, no verifier
        (1, 80, "llama-3.1-8b", "none", "1 x 1"),
        (2, 80, "llama-3.1-70b", "none", "1 x 2"),
        (8, 80, "llama-3.1-70b", "none", "4 x 2"),
        (1, 141, "llama-3.1-70b", "none", "70b does not fit 1 GPU of 141 GiB: weights 131.4 + device 2"),
        # one GPU each
        (2, 24, "llama-3.2-1b", "rlhflow-8b-deepseek", "1 x 1, 1 x 1"),
        (2, 80, "llama-3.2-3b", "qwen-prm-7b", "1 x 1, 1 x 1"),
        # replicas of each; a GPU that is left over becomes a policy
        (8, 80, "llama-3.2-1b", "rlhflow-8b-deepseek", "4 x 1, 4 x 1"),
        (8, 80, "llama-3.2-1b", "qwen-prm-72b", "4 x 1, 2 x 2"),
        (8, 141, "llama-3.1-70b", "qwen-prm-7b", "3 x 2, 2 x 1"),
        (8, 24, "llama-3.2-3b", "qwen-prm-72b", "need 9 GPUs (policy 1 x 1 + prm 1 x 8) and this Ray has 8"),
        # what does not fit, with the arithmetic
        (1, 24, "llama-3.1-8b", "rlhflow-8b-deepseek", "one text 0.6 = 17.6 GiB; 35.0 of 22.1 GiB usable"),
        (2, 80, "llama-3.2-1b", "qwen-prm-72b", "need 3 GPUs (policy 1 x 1 + prm 1 x 2) and this Ray has 2"),
    ],
)
def test_the_rule(gpus: int, gib: int, policy: str, prm: str, expected: str) -> None:
    assert expected in outcome(policy, prm, gpus, gib)[1]


@pytest.mark.parametrize(("gpus", "gib"), list(product(COUNTS, MEMORIES)))
def test_whatever_is_placed_fits_and_whatever_is_refused_does_not(gpus: int, gib: int) -> None:
    for policy, prm in product(POLICIES, PRMS):
        sizes = [size for size in (POLICIES[policy], PRMS[prm]) if size]
        weights = sum(size.gib(size.weights) for size in sizes)
        placed, words = outcome(policy, prm, gpus, gib)
        if placed is None:
            # more than the weights and what the devices need is asked of nobody
            assert weights + 4 * OVERHEAD * len(sizes) > USABLE * gib * gpus / 2, words
            assert "GiB" in words or "GPUs" in words
            continue
        configs = placed.engines
        assert sum(placed.gpus[role] * (configs[role].replicas or 0) for role in configs) <= gpus
        for (role, config), size in zip(configs.items(), sizes, strict=True):
            assert config.tensor_parallel
            assert config.gpu_share
            has = config.gpu_share * gib * config.tensor_parallel
            assert has >= size.gib(size.weights + (config.context or 0) * size.cache) + OVERHEAD, (
                role,
                policy,
                prm,
            )


def test_what_is_left_of_a_gpu_is_cache_for_equally_many_tokens() -> None:
    placed = put("llama-3.2-1b", "rlhflow-8b-deepseek", 1, 80)
    tokens = [
        (config.gpu_share * 80 - size.gib(size.weights) - OVERHEAD) / size.gib(size.cache)
        for config, size in zip(
            placed.engines.values(), (POLICIES["llama-3.2-1b"], PRMS["rlhflow-8b-deepseek"]), strict=True
        )
        if config.gpu_share and size
    ]
    assert tokens[0] == pytest.approx(tokens[1], rel=0.02)
    assert tokens[0] > 200_000


def test_what_is_given_overrides_the_rule_one_by_one() -> None:
    assert (
        said(put("llama-3.2-1b", "rlhflow-8b-deepseek", 1, 80, policy_gpu_share=0.5))
        == "1 x 1 (0.50), 1 x 1 (0.42)"
    )
    assert said(put("llama-3.2-1b", "rlhflow-8b-deepseek", 8, 80, prm_replicas=2)) == "6 x 1, 2 x 1"
    assert said(put("llama-3.2-1b", "rlhflow-8b-deepseek", 8, 80, policy_tensor_parallel=4)) == "1 x 4, 1 x 1"
    assert said(put("llama-3.2-1b", "rlhflow-8b-deepseek", 8, 80, policy_replicas=5)) == "5 x 1, 3 x 1"
    assert put("llama-3.2-1b", "rlhflow-8b-deepseek", 1, 80, policy_replicas=2).gpus["policy"] < 0.5
    with pytest.raises(UserError, match=r"need 10 GPUs \(policy 9 x 1 \+ prm 1 x 1\) and this Ray has 8"):
        put("llama-3.2-1b", "rlhflow-8b-deepseek", 8, 80, policy_replicas=9)
    plain = {"policy_engine": "transformers", "prm_engine": "transformers"}
    with pytest.raises(UserError, match="does not fit 1 GPU of 80 GiB"):
        put("llama-3.2-1b", "qwen-prm-72b", 8, 80, **plain)


def test_without_sizes_or_memory_the_two_share_evenly() -> None:
    assert said(put("llama-3.2-1b", "rlhflow-8b-deepseek", 1, None)) == "1 x 1 (0.45), 1 x 1 (0.45)"


def test_on_a_cpu_engines_take_nothing_and_every_run_fits_two_cpus() -> None:
    engines = {"policy": PolicyConfig("p", engine="vllm"), "prm": PrmConfig("v", engine="vllm")}
    placed = place(engines, {}, AUTO, {"CPU": 2.0}, gpu_vllm=False)
    assert (placed.gpus, placed.shards, placed.at_once) == ({"policy": 0.0, "prm": 0.0}, 1, 1)


def test_fakes_and_endpoints_take_no_gpu() -> None:
    engines = {"policy": PolicyConfig("p", engine="openai"), "prm": PrmConfig("v", engine="fake")}
    placed = place(engines, {}, AUTO, {"CPU": 2.0, "GPU": 1.0}, gpu_vllm=True)
    assert set(placed.gpus.values()) == {0.0}


def test_shards_beyond_the_cpus_wait_for_their_turn() -> None:
    engines = {"policy": PolicyConfig("p", engine="fake")}
    placed = place(engines, {}, ClusterConfig(shards=5), {"CPU": 2.0}, gpu_vllm=False)
    assert (placed.shards, placed.at_once) == (5, 2)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"CPU": 2.0}, "need 0.9 GPUs (policy 1 x 0.45 + prm 1 x 0.45) and this Ray has 0"),
        ({"CPU": 0.0, "GPU": 8.0}, "needs 1 CPU of Ray's, and this Ray has 0"),
    ],
)
def test_a_ray_that_is_too_small_is_refused(resources: dict[str, float], expected: str) -> None:
    engines = {"policy": PolicyConfig("p", engine="vllm"), "prm": PrmConfig("v", engine="vllm")}
    with pytest.raises(UserError) as refused:
        place(engines, {}, AUTO, resources, gpu_vllm=True)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("policy", "prm"), [("llama-3.2-1b", "rlhflow-8b-deepseek"), ("qwen2.5-7b", "qwen-prm-7b")]
)
def test_engines_on_one_gpu_know_their_cache_in_bytes_so_that_none_waits_to_measure(
    policy: str, prm: str
) -> None:
    placed = put(policy, prm, 1, 80).engines
    for role, name in (("policy", policy), ("prm", prm)):
        one, size = placed[role], (POLICIES | PRMS)[name]
        assert None not in (size, one.memory_gib, one.gpu_share)
        assert size.gib(size.weights) + OVERHEAD + one.memory_gib == pytest.approx(
            80 * one.gpu_share, abs=0.01
        )
    assert put(policy, prm, 1, 80, policy_memory_gib=3.0).engines["policy"].memory_gib == 3.0
    assert put(policy, prm, 2, 80).engines["policy"].memory_gib is None
    assert put(policy, prm, 1, None).engines["policy"].memory_gib is None


@pytest.mark.parametrize(
    ("policy", "gib", "paths"), [("llama-3.2-1b", 80, 512), ("llama-3.2-1b", 24, 438), ("smollm2", 24, 512)]
)
def test_a_gpu_runs_as_many_paths_at_once_as_its_cache_holds(policy: str, gib: int, paths: int) -> None:
    found = put(policy, "rlhflow-8b-deepseek" if gib > 24 else "skywork-1.5b", 1, gib)
    assert found.engines["policy"].max_num_seqs == paths
    assert put(policy, "none", 1, gib, policy_max_num_seqs=7).engines["policy"].max_num_seqs == 7
