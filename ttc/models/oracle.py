"""The verifier that knows the gold answer: how far a search could get with a perfect outcome model.

An upper bound, never a result. Left out: any view of the steps themselves, for which there is no gold.
"""

from __future__ import annotations

from collections.abc import Sequence

from ttc.grading import extract, make_grader
from ttc.models.provider import Identity, Model, Provider
from ttc.models.together import together
from ttc.types import EngineStats, Judgement, ModelFacts, Query

RIGHT, UNDECIDED, WRONG = 1.0, 0.5, 0.0


class OracleVerifier:
    """`VerifierModel`: RIGHT or WRONG by the answer stated so far, UNDECIDED while none is stated.

    An answer is a box or a "final answer is": with the last number of the text for an answer, every step
    would state one. Costs nothing.
    """

    def __init__(self) -> None:
        self._grader = make_grader()

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        return await together(self._judge(query) for query in queries)

    async def check(self) -> None:
        """Nothing to check."""

    async def stats(self) -> EngineStats:
        return EngineStats(0, 0, 0, 0.0)

    async def shutdown(self) -> None:
        """Ends the grader's workers."""
        await self._grader.close()

    async def _judge(self, query: Query) -> Judgement:
        scores = await together(self._score(query, step) for step in range(query.known, len(query.steps)))
        return Judgement(tuple(scores), tokens=(0,) * len(scores), root=0, start=0)

    async def _score(self, query: Query, step: int) -> float:
        answer = extract("\n\n".join(query.steps[: step + 1]))
        if answer is None:
            return UNDECIDED
        return RIGHT if (await self._grader.grade(query.answer, answer)).correct else WRONG


ORACLE = Provider(
    lambda config, problems: Model(Identity("oracle", None), ModelFacts(params=0, attention=0), "oracle"),
    verifier=lambda config: OracleVerifier(),
    knows_gold=True,
)
