"""What a launch asks of Ray: shares by rule, and the arithmetic where it does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ttc.cluster.placement import place
from ttc.config import ClusterConfig, EngineConfig, PolicyConfig, PrmConfig
from ttc.types import UserError

POLICY, PRM = PolicyConfig("policy"), PrmConfig("prm")
AUTO = ClusterConfig()


def engines(policy: EngineConfig = POLICY, prm: EngineConfig = PRM) -> dict[str, EngineConfig]:
    return {"policy": policy, "prm": prm}


def test_on_a_cpu_engines_take_nothing_and_every_run_fits_two_cpus() -> None:
    placed = place(engines(), AUTO, {"CPU": 2.0}, gpu_vllm=False)
    assert (placed.gpus, placed.shards, placed.at_once) == ({"policy": 0.0, "prm": 0.0}, 1, 1)


def test_policy_and_verifier_share_one_gpu() -> None:
    placed = place(engines(), AUTO, {"CPU": 16.0, "GPU": 1.0}, gpu_vllm=True)
    assert sum(placed.gpus.values()) <= 1
    assert placed.shards == 8


def test_one_gpu_each_and_several_for_a_large_policy() -> None:
    policy, prm = replace(POLICY, tensor_parallel=4), replace(PRM, gpu_share=1.0)
    placed = place(engines(policy, prm), AUTO, {"CPU": 64.0, "GPU": 5.0}, gpu_vllm=True)
    assert placed.gpus == {"policy": 4.0, "prm": 1.0}


def test_fakes_take_no_gpu() -> None:
    fake = replace(POLICY, engine="fake")
    assert place(engines(policy=fake), AUTO, {"CPU": 2.0, "GPU": 1.0}, gpu_vllm=True).gpus["policy"] == 0.0


def test_shards_beyond_the_cpus_wait_for_their_turn() -> None:
    placed = place(engines(), ClusterConfig(shards=5), {"CPU": 2.0}, gpu_vllm=False)
    assert (placed.shards, placed.at_once) == (5, 2)


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"CPU": 2.0}, "need 1.35 GPUs (policy 2 x 0.45 + prm 1 x 0.45) and this Ray has 0"),
        ({"CPU": 0.0, "GPU": 8.0}, "needs 1 CPU of Ray's, and this Ray has 0"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_arithmetic(resources: dict[str, float], said: str) -> None:
    with pytest.raises(UserError) as refused:
        place(engines(replace(POLICY, replicas=2)), AUTO, resources, gpu_vllm=True)
    assert said in str(refused.value)
