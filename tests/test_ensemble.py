"""Ensembles: several verifiers as one, step by step, at the sum of their costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.conftest import stored
from tests.worlds import run_search, session_of
from ttc.cluster.placement import OVERHEAD, USABLE, place
from ttc.data.problems import load_problems
from ttc.models import check, look_up, make
from ttc.models.ensemble import Ensemble, EnsembleConfig, _facts
from ttc.models.fake import FakeVerifier
from ttc.models.size import Size
from ttc.plan.jobs import verifier_id
from ttc.settings.schema import ClusterConfig, DatasetConfig, PolicyConfig, PrmConfig
from ttc.strategies.beam import Beam
from ttc.types import EngineStats, Judgement, ModelFacts, Query, UserError, context_sum


@dataclass
class Says:
    """A verifier that says one thing."""

    judged: Judgement

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return [self.judged for _ in queries]

    async def check(self) -> None: ...

    async def stats(self) -> EngineStats:
        return EngineStats(7, 2, 1, busy_seconds=1.0)


A = Judgement((0.5, 0.25), tokens=(10, 20), root=5, start=5, tail=3, computed=30, cached=4, shared=1)
B = Judgement((1.0, 0.75), tokens=(0, 0), root=0, start=0)


def together(rule: str, *judged: Judgement) -> Judgement:
    ensemble = Ensemble([Says(one) for one in judged], rule)
    [one] = asyncio.run(ensemble.judge([Query("q", ("a", "b"))]))
    return one


def ensemble(*members: str, **settings: object) -> PrmConfig:
    return PrmConfig("ensemble", "ensemble", members=members, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "scores"), [("mean", (0.75, 0.5)), ("min", (0.5, 0.25)), ("prod", (0.5, 0.1875))]
)
def test_steps_are_combined_one_by_one(rule: str, scores: tuple[float, ...]) -> None:
    assert together(rule, A, B).scores == scores


def test_a_step_that_a_member_does_not_score_has_no_score() -> None:
    other = replace(B, scores=(0.5, None), status="too_long")
    one = together("min", A, other)
    assert (one.scores, one.status) == ((0.5, None), "too_long")


def test_its_cost_is_the_sum_of_the_members_each_text_at_its_own_place() -> None:
    one = together("mean", A, A, B)
    assert (one.tokens, one.root, one.start) == ((20, 40), 10, 10)
    # the second step begins where the first one's own tokens end, without what stood there for its score
    assert one.contexts == (2 * context_sum(5, 10), 2 * context_sum(5 + 7, 20))
    assert (one.computed, one.cached, one.shared) == (60, 8, 2)


def test_a_search_is_billed_for_all_members() -> None:
    members = [FakeVerifier(), FakeVerifier()]
    session = session_of(verifier=Ensemble(members, "prod"), n=4)
    assert run_search(Beam(n=4), session)
    told = [asyncio.run(member.stats()) for member in members]
    assert session.bill.prm_computed == sum(one.computed_tokens or 0 for one in told) > 0


def test_flops_are_known_where_one_member_alone_computes() -> None:
    rule, model, other = ModelFacts(0, 0), ModelFacts(10, 3, 512), ModelFacts(20, 6)
    assert _facts([rule, rule]) == ModelFacts(0, 0)
    assert _facts([rule, model]) == model
    assert _facts([model, other]) == ModelFacts(), "a sum of tokens does not say whose they are"


def test_its_identity_is_its_members_in_order_and_the_rule() -> None:
    said = [
        ensemble("fake", "length"),
        ensemble("length", "fake"),
        ensemble("fake", "format"),
        ensemble("fake", "length", combine="min"),
        ensemble("fake", "length", "format"),
    ]
    ids = [verifier_id(look_up(one).identity, one.format) for one in said]
    assert len({*ids}) == len(said)
    assert ids[0] == verifier_id(look_up(replace(said[0], replicas=2)).identity, None)


def test_a_launch_scores_with_it(launch: Callable[..., int], tmp_path: Path) -> None:
    words = ("strategy=best_of_n", "n=4", "dataset.limit=1", "prm=ensemble", "prm.members=[fake,length]")
    assert launch(*words, "prm.combine=min") == 0
    scores = stored(tmp_path / "default", "scores").merge(stored(tmp_path / "default", "paths"), on="path")
    [problem] = load_problems(DatasetConfig(path="nano", limit=1))
    rows = zip(scores["steps"], scores["step_tokens"], strict=True)
    queries = [Query(problem.question, steps, lengths=lengths) for steps, lengths in rows]
    parts = [make(PrmConfig("fake", "fake")), make(PrmConfig("length", "heuristic", format="length"))]
    one, other = (asyncio.run(part.judge(queries)) for part in parts)
    pairs = zip(one, other, strict=True)
    assert scores["scores"].tolist() == [tuple(map(min, a.scores, b.scores)) for a, b in pairs]
    assert scores["prm_tokens"].tolist() == [sum(judged.tokens) for judged in one], "a rule costs nothing"


SEVEN = Size(weights=7_000_000_000, cache=2 * 28 * 4 * 128, heads=28)
ONE = Size(weights=1_200_000_000, cache=2 * 16 * 8 * 64, heads=32)


def placed(gpus: int, gib: float, *sizes: Size | None) -> dict[str, object]:
    parts = [PrmConfig(f"prm{k}", "vllm", context=4096, dtype="bfloat16") for k in range(len(sizes))]
    rule = PrmConfig("length", "heuristic", format="length")
    prm = EnsembleConfig("ensemble", "ensemble", parts=(*parts, rule), sizes=(*sizes, None))
    engines = {"policy": PolicyConfig("policy", "vllm", context=4096, dtype="bfloat16"), "prm": prm}
    resources = {"CPU": 8.0, "GPU": float(gpus)}
    return vars(place(engines, {"policy": ONE, "prm": None}, ClusterConfig(), resources, True, gib))


@pytest.mark.parametrize("gpus", [1, 2])
def test_members_divide_what_their_replica_gets_of_a_gpu(gpus: int) -> None:
    one = placed(gpus, 80, SEVEN, SEVEN)
    prm = one["engines"]["prm"]  # type: ignore[index]
    *models, rule = prm.parts
    assert [part.tensor_parallel for part in models] == [1, 1]
    assert rule == PrmConfig("length", "heuristic", format="length")
    weights, text = SEVEN.gib(SEVEN.weights, "bfloat16"), 4096 * SEVEN.gib(SEVEN.cache, "bfloat16")
    for part in models:
        assert part.memory_gib >= text
        assert weights + OVERHEAD + part.memory_gib <= part.gpu_share * 80 + 1e-6
    whole = prm.gpu_share + (one["engines"]["policy"].gpu_share if gpus == 1 else 0)  # type: ignore[index]
    assert sum(part.gpu_share for part in models) <= prm.gpu_share <= whole <= USABLE + 1e-9


def test_members_that_do_not_fit_one_gpu_together_are_refused_with_the_arithmetic() -> None:
    with pytest.raises(UserError, match=r"the engines do not fit one GPU of 34 GiB together: .*prm=ensemble"):
        placed(1, 34, SEVEN, SEVEN)
    with pytest.raises(
        UserError, match=r"prm=ensemble does not fit 1 GPU of 24 GiB: weights 26.1 \+ device 4"
    ):
        placed(4, 24, SEVEN, SEVEN)


def test_members_whose_size_nobody_knows_share_evenly() -> None:
    prm = placed(1, 80, SEVEN, None)["engines"]["prm"]  # type: ignore[index]
    shares = [part.gpu_share for part in prm.parts if part.engine == "vllm"]
    assert shares[0] == shares[1] == prm.gpu_share / 2


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (ensemble(), "prm.members=null: list verifiers by name, as prm.members=[nano,length]"),
        (ensemble("length"), "prm.members=[length]: name two verifiers or more, each once"),
        (ensemble("length", "length"), "prm.members=[length,length]: name two verifiers or more"),
        (ensemble("length", "lenght"), "prm.members: lenght: no such verifier; take some of acemath-7b-rm,"),
        (ensemble("length", "none"), "prm.members: none: no such verifier"),
        (ensemble("length", "ensemble"), "prm.members: ensemble: an ensemble itself"),
        (ensemble("length", "oracle"), "prm.members: oracle: knows the gold answers"),
        (ensemble("length", "knockout:smollm2"), "prm.members: knockout:smollm2: scores a pool together"),
        (ensemble("length", "judge"), "prm.members: judge: prm.model=null: name a folder, a Hub id"),
        (ensemble("length", "format", tensor_parallel=2), "prm.tensor_parallel=2: members run as they ship"),
        (
            PrmConfig("nano", members=("length", "format"), model="nano:prm"),
            "prm.members: prm.engine=auto has",
        ),
    ],
)
def test_a_mistake_is_a_line(config: PrmConfig, said: str) -> None:
    [line] = check(config)
    assert line.startswith(said)


def test_a_members_own_mistake_names_it() -> None:
    with pytest.raises(UserError, match=r"^prm.members: judge:none/such: prm.model=none/such: "):
        look_up(ensemble("length", "judge:none/such"))
