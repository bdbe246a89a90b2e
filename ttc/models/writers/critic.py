"""A critic: it writes what it thinks of a solution, then its verdict; a score is the share of its votes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ttc.models.together import together
from ttc.models.writers.common import Writer, opening, solution
from ttc.types import Judgement, Prompt, Query, TooLong

VERDICT = re.compile(r"verdict\W{0,6}(correct|incorrect|right|wrong|yes|no)\b", re.IGNORECASE)
FOR = {"correct", "right", "yes"}


class Critic(Writer):
    """`VerifierModel`: a generative verifier with a chain of thought (GenRM-CoT: Zhang et al. 2408.15240), by
    prompt alone on any model that chats (LLM-as-a-judge: Zheng et al. 2306.05685).

    The paper takes the mean probability of "Yes" behind m sampled critiques. Ours is the share of verdicts
    for the solution: its estimate from the same samples, without a second look at the model. One vote is 0 or
    1. A critique without a verdict has no vote; where none has one, there is no score.

    A text is judged as a whole, once: so all steps that have no score yet get the same one, and the last of
    them bears the cost. Of a pool's path that is one judgement; a guided search, which asks after every step,
    pays for a judgement of the text so far each time.
    """

    prompt = Prompt(
        name="critic",
        user=(
            "Here are a problem and a solution of it, which may break off.\n\n{question}\n\n"
            "Check the solution step by step, and do the calculations yourself. Then end with one line: "
            '"Verdict: correct" if all of it is right, or "Verdict: incorrect" if anything is wrong.'
        ),
    )

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        """See `VerifierModel`."""
        return await together(map(self._judge, queries))

    async def _judge(self, query: Query) -> Judgement:
        head, new = f"{opening(query.question)}Solution:\n", len(query.steps) - query.known
        text = head + solution(query)
        root, nothing = self.shared_with(head, text), (0,) * (new - 1)
        known = head + "\n\n".join(step.strip() for step in query.steps[: query.known])
        try:
            written = await self.write(text, known)
        except TooLong:
            return Judgement((None,) * new, (*nothing, 0), root, root, status="too_long")
        votes = [verdict for verdict in map(read_verdict, written.texts) if verdict is not None]
        score = sum(votes) / len(votes) if votes else None
        return Judgement(
            scores=(score,) * new,
            tokens=(*nothing, written.tokens),
            contexts=(*nothing, written.context_sum),
            root=root,
            start=written.start,
            computed=written.computed,
            cached=written.cached,
            shared=written.shared,
        )


def read_verdict(text: str) -> bool | None:
    """Is the solution right, by the last verdict that the text states? None: it states none."""
    found = VERDICT.findall(text)
    return found[-1].lower() in FOR if found else None
