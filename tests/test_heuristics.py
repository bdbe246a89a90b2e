"""Verifiers without a model: the rules by their definitions, the oracle by the gold answer."""

from __future__ import annotations

import asyncio
import math

import pytest

from ttc.models import make
from ttc.models.fake import FakePolicy, truth
from ttc.models.heuristics import HEURISTICS, HeuristicVerifier
from ttc.models.oracle import OracleVerifier
from ttc.settings.schema import PrmConfig
from ttc.types import Draw, Judgement, Prompt, Query, Sampling, UserError, VerifierModel


def scores(name: str, query: Query) -> tuple[float | None, ...]:
    return asyncio.run(HeuristicVerifier(HEURISTICS[name]()).judge([query]))[0].scores


def test_length_is_a_half_at_512_tokens_and_falls_with_every_step() -> None:
    query = Query("q", ("a", "b", "c"), lengths=(128, 384, 1024))
    assert scores("length", query) == (0.8, 0.5, 0.25)


def test_length_takes_four_characters_for_a_token_where_tokens_are_not_known() -> None:
    assert scores("length", Query("q", ("x" * 2048,))) == (0.5,)


@pytest.mark.parametrize(
    ("steps", "signs"),
    [
        (("Half is $\\frac{1}{2}$.",), 4),  # sound, but no answer yet
        (("So it is \\boxed{3}.",), 5),
        (("$x = 1", "\\boxed{1}"), 4),  # a dollar without its partner
        (("\\frac{1}{2",), 3),  # a brace that never closes
        (("}{",), 3),  # closed before it is opened
        (("\\{ 5 \\$ \\\\[2pt]",), 4),  # escaped characters and a line break are none
        (("\\left( x \\right)", "\\left[ y"), 3),
        (("The same.", " The same.\n\n"), 3),
    ],
)
def test_format_counts_the_signs_that_hold(steps: tuple[str, ...], signs: int) -> None:
    assert scores("format", Query("q", steps))[-1] == signs / 5


def test_logprob_is_exp_of_the_mean_over_the_tokens_so_far() -> None:
    query = Query("q", ("a", "b"), lengths=(2, 3), logprobs=(-1.0, -4.0))
    assert scores("logprob", query) == pytest.approx((math.exp(-0.5), math.exp(-1.0)))
    with pytest.raises(UserError, match="sampled without log-probabilities"):
        scores("logprob", Query("q", ("a", "b"), lengths=(2, 3)))


def test_only_new_steps_are_scored_and_nothing_is_charged() -> None:
    query = Query("q", ("a", "b", "c"), known=2, lengths=(128, 384, 1024))
    (judged,) = asyncio.run(HeuristicVerifier(HEURISTICS["length"]()).judge([query]))
    assert judged == Judgement(scores=(0.25,), tokens=(0,), root=0, start=0)


class Loud:
    needs_logprobs = False

    def score(self, query: Query, step: int) -> float:
        return 2.0 * (step + 1)


def test_a_heuristic_outside_of_0_and_1_is_refused_at_the_start() -> None:
    with pytest.raises(UserError, match=r"heuristic Loud: a score must be in \[0, 1\]; it gave 2\.0"):
        asyncio.run(HeuristicVerifier(Loud()).check())


def test_the_oracle_knows_right_from_wrong_once_an_answer_is_stated() -> None:
    async def run() -> tuple[list[Judgement], list[object]]:
        oracle = OracleVerifier()
        queries = [
            Query("q", ("2 + 2", "\\boxed{4}"), answer="4"),
            Query("q", ("2 + 2", "\\boxed{5}", "No: \\boxed{4}"), answer="4"),
            Query("q", ("The final answer is $1+x$.",), answer="x + 1"),  # math-verify's to decide
        ]
        judged = await oracle.judge(queries)
        await oracle.shutdown()
        return judged, oracle._grader._pool._idle  # type: ignore[attr-defined]

    judged, workers = asyncio.run(run())
    assert [one.scores for one in judged] == [(0.5, 1.0), (0.5, 0.0, 1.0), (1.0,)]
    assert not workers


def test_each_judges_what_a_policy_writes() -> None:
    question = "Start with 12. Day 1: gets 7. How many are there?"
    sampling = Sampling(Prompt("plain"), logprobs=True)

    async def run() -> None:
        draws = [Draw(question, (), seed, whole=True) for seed in range(30)]
        samples = await FakePolicy().generate(sampling, draws)
        queries = [
            Query(
                question,
                tuple(step.text for step in sample.steps),
                lengths=tuple(step.count for step in sample.steps),
                logprobs=tuple(-0.5 * step.count for step in sample.steps),
                answer=str(truth(question)),
            )
            for sample in samples
        ]
        right = [query.steps[-1] == rf"\boxed{{{truth(question)}}}" for query in queries]
        assert 0 < sum(right) < len(right)
        last = {
            name: [one.scores[-1] for one in await judge(config, queries)] for name, config in ALL.items()
        }
        assert last["oracle"] == [float(one) for one in right]
        assert last["format"] == [1.0] * len(right)
        assert last["logprob"] == pytest.approx([math.exp(-0.5)] * len(right))
        tokens = [sum(query.lengths) for query in queries]
        assert last["length"] == [512 / (512 + count) for count in tokens]

    asyncio.run(run())


ALL = {name: PrmConfig(name=name, engine="heuristic", format=name) for name in HEURISTICS} | {
    "oracle": PrmConfig(name="oracle", engine="oracle")
}


async def judge(config: PrmConfig, queries: list[Query]) -> list[Judgement]:
    verifier: VerifierModel = make(config)
    await verifier.check()
    return await verifier.judge(queries)
