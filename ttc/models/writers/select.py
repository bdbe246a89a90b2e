"""Choosing by comparison: solutions stand side by side in one prompt, and the model names the best."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from ttc.models.together import together
from ttc.models.writers.common import Writer, WritingModel, Written, opening, solution
from ttc.settings.schema import PrmConfig
from ttc.types import Judgement, Prompt, Query, TooLong

CHOICE = re.compile(r"best solution\D{0,6}(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    """Who goes on, by place in the pool; was it named; what was written (None: the prompt was too long)."""

    winner: int
    named: bool
    written: Written | None


class Select(Writer):
    """`ComparingModel`: a knock-out with `shown` solutions a match, until one is left.

    With all of a pool in one prompt it is GenSelect (Toshniwal et al. 2507.17797; Moshkov et al. 2504.16891,
    who show 2 to 16); with two at a time the knock-out of Pairwise RM (Liu et al. 2501.13007), whose trained
    model says of either whether it is right: ours names one.

    A score is the share of the rounds that a solution came through: 1 for the winner alone, so that the vote
    `best` takes it. In every round the solutions are ranked anew, by a hash of their text and the round, and
    dealt out to as few and as even matches as there can be: who came first decides nothing. The majority of
    `votes` decides a match; of equals, and where nobody is named or the prompt is too long, the solution that
    was shown first goes on, which is chance. If no match of a pool was decided, it has no scores.
    """

    compares = True
    prompt = Prompt(
        name="select",
        user=(
            "Here are a problem and several solutions of it.\n\n{question}"
            "Check every solution step by step, compare their answers, and decide which one is best. Then "
            'end with one line: "Best solution: K", with its number for K.'
        ),
    )

    def __init__(self, config: PrmConfig, model: WritingModel) -> None:
        super().__init__(config, model)
        self.shown = config.shown

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        raise NotImplementedError("the solutions of a pool are compared, and none is judged alone")

    async def compare(self, queries: Sequence[Query]) -> list[Judgement]:
        """See `ComparingModel`."""
        # a path of blank steps has nothing to show
        players = playing = [place for place, query in enumerate(queries) if query.steps]
        survived: Counter[int] = Counter()
        rounds, played = 0, list[Match]()
        while len(playing) > 1:
            ranked = sorted(playing, key=partial(_rank, queries, rounds))
            count = math.ceil(len(ranked) / self.shown)
            groups = [ranked[first::count] for first in range(count)]
            matches = await together(self._match(queries, group) for group in groups if len(group) > 1)
            playing = [match.winner for match in matches] + [one for one, *others in groups if not others]
            survived.update(playing)
            played, rounds = [*played, *matches], rounds + 1
        decided = not played or any(match.named for match in played)
        scores: dict[int, float | None] = dict.fromkeys(players)
        if decided:
            scores = {place: survived[place] / rounds if rounds else 1.0 for place in players}
        return _share_out(queries, scores, played)

    async def _match(self, queries: Sequence[Query], group: Sequence[int]) -> Match:
        shown = [f"Solution {k}:\n{solution(queries[place])}\n\n" for k, place in enumerate(group, 1)]
        head = opening(queries[group[0]].question)
        try:
            written = await self.write(head + "".join(shown), known=head)
        except TooLong:
            return Match(group[0], False, None)
        named = Counter(sorted(k for text in written.texts if (k := read_choice(text, len(group)))))
        return Match(group[named.most_common(1)[0][0] - 1] if named else group[0], bool(named), written)


def read_choice(text: str, count: int) -> int | None:
    """The best solution's number, by the last one that the text names; None: it names none of `count`."""
    found = CHOICE.findall(text)
    return int(found[-1]) if found and 1 <= int(found[-1]) <= count else None


def _rank(queries: Sequence[Query], round_: int, place: int) -> bytes:
    query = queries[place]
    return blake2b(f"{round_}/{query.question}/{solution(query)}".encode()).digest()


def _share_out(
    queries: Sequence[Query], scores: dict[int, float | None], played: Sequence[Match]
) -> list[Judgement]:
    """A judgement for each path: its score at every step, and at the last one its part of what all matches
    cost. What the engine really did stands at the first path."""
    written = [match.written for match in played if match.written]
    tokens = _parts(sum(one.tokens for one in written), len(scores))
    contexts = _parts(sum(one.context_sum for one in written), len(scores))
    cached = [one.cached for one in written if one.cached is not None]
    root = written[0].start if written else 0
    status = "ok" if None not in scores.values() or len(written) == len(played) else "too_long"
    judged = []
    for place, query in enumerate(queries):
        first = place == next(iter(scores), None)
        steps, nothing = len(query.steps), (0,) * (len(query.steps) - 1)
        judged.append(
            Judgement(
                scores=(scores.get(place),) * steps,
                tokens=(*nothing, tokens.pop()) if steps else (),
                contexts=(*nothing, contexts.pop()) if steps else (),
                root=root,
                start=root,
                computed=sum(one.computed for one in written) if first else 0,
                cached=sum(cached) if first and cached else None,
                shared=sum(one.shared for one in written) if first else 0,
                status=status,
            )
        )
    return judged


def _parts(whole: int, count: int) -> list[int]:
    """So many integers, as alike as there can be, whose sum is `whole`."""
    return [whole // count + (part < whole % count) for part in range(count)] if count else []
