"""Verifiers that write, and that compare: scripted models whose every word is written down."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from ttc.models.writers import Critic, Select
from ttc.models.writers.critic import read_verdict
from ttc.models.writers.select import read_choice
from ttc.settings.schema import PrmConfig
from ttc.types import (
    Draw,
    EngineStats,
    Judgement,
    Prompt,
    Query,
    Sample,
    Sampling,
    Step,
    TooLong,
    context_sum,
)


class Script:
    """A writing model that says what `reply` says of a text, for its first, second, ... vote; tokens are
    characters. It remembers its draws."""

    def __init__(self, reply: Callable[[str, int], str], context: int = 100_000) -> None:
        self.reply, self.context = reply, context
        self.draws: list[Draw] = []

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        await asyncio.sleep(0)
        return [self._sample(sampling, draw) for draw in draws]

    def _sample(self, sampling: Sampling, draw: Draw) -> Sample:
        length = len(self.prompt_ids(sampling.prompt, draw.question))
        if length >= self.context:
            raise TooLong("no room")
        vote = sum(other.question == draw.question for other in self.draws)
        self.draws.append(draw)
        said = self.reply(draw.question, vote)
        return Sample((Step(said, tuple(map(ord, said)), "eos"),), length)

    def prompt_ids(self, prompt: Prompt, question: str) -> Sequence[int]:
        return tuple(map(ord, prompt.user.replace("{question}", question)))

    async def stats(self) -> EngineStats:
        return EngineStats(0, 0, len(self.draws), 0.0)

    def shutdown(self) -> None: ...


def critic(model: Script, votes: int = 1) -> Critic:
    return Critic(PrmConfig("critic", format="critic", votes=votes), model)


def select(model: Script, shown: int = 2, votes: int = 1) -> Select:
    return Select(PrmConfig("select", format="select", votes=votes, shown=shown), model)


def judge(verifier: Critic, *queries: Query) -> list[Judgement]:
    return asyncio.run(verifier.judge(queries))


def compare(verifier: Select, *solutions: str) -> list[Judgement]:
    return asyncio.run(verifier.compare([Query("q", (one,)) for one in solutions]))


SAYS = ["So.\nVerdict: correct", "Verdict: incorrect", "**Verdict:** Correct.", "I cannot tell"]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Verdict: correct", True),
        ("Verdict: incorrect", False),
        ("The verdict is not here", None),
        ("Verdict: correct? No.\n\n**Verdict: Incorrect**", False),
        ("verdict: yes", True),
        ("Verdict: correctly", None),
    ],
)
def test_the_last_verdict_that_is_stated_counts(text: str, verdict: bool | None) -> None:
    assert read_verdict(text) is verdict


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("Best solution: 2", 2),
        ("Best solution: 1, no.\n**Best solution:** 3", 3),
        ("Best solution: 4", None),  # there are three
        ("Best solution: 0", None),
        ("Solution 2 is fine", None),
    ],
)
def test_the_last_choice_among_those_shown_counts(text: str, choice: int | None) -> None:
    assert read_choice(text, 3) == choice


def test_a_score_is_the_share_of_verdicts_and_stands_at_every_step() -> None:
    model = Script(lambda text, vote: SAYS[vote])
    (judged,) = judge(critic(model, votes=4), Query("q", ("a\n\n", "b\n\n", "c")))
    assert judged.scores == (2 / 3,) * 3, "of four votes one is none"
    assert len(model.draws) == 4, "a path is judged once, not once a step"
    assert {draw.question for draw in model.draws} == {"Problem:\nq\n\nSolution:\na\n\nb\n\nc"}


def test_a_solution_that_no_vote_decides_has_no_score() -> None:
    (judged,) = judge(critic(Script(lambda text, vote: "Hm.")), Query("q", ("a", "b")))
    assert (judged.scores, judged.status) == ((None, None), "ok")
    assert judged.tokens[-1] > 0, "it was paid all the same"


def test_the_last_step_bears_all_tokens_the_prompt_once_and_every_vote_behind_it() -> None:
    model = Script(lambda text, vote: SAYS[vote])
    verifier = critic(model, votes=2)
    (judged,) = judge(verifier, Query("q", ("abc\n\n", "de")))
    length = len(model.prompt_ids(Critic.prompt, "Problem:\nq\n\nSolution:\nabc\n\nde"))
    root = Critic.prompt.user.index("{question}") + len("Problem:\nq\n\nSolution:\n")
    votes = [len(said) for said in SAYS[:2]]
    assert (judged.root, judged.start) == (root, root)
    assert judged.tokens == (0, length - root + sum(votes))
    contexts = context_sum(root, length - root) + sum(context_sum(length, count) for count in votes)
    assert judged.contexts == (0, contexts)
    assert judged.computed == 2 * length + sum(votes), "this engine has no prefix cache"


def test_a_search_that_asks_step_by_step_pays_for_every_text_so_far() -> None:
    model = Script(lambda text, vote: SAYS["x" in text])
    verifier = critic(model)
    first, second = judge(verifier, Query("q", ("a\n\n",)), Query("q", ("a\n\n", "x"), known=1))
    assert (first.scores, second.scores) == ((1.0,), (0.0,))
    assert second.start == second.root + len("a\n\n"), "what the first judgement has read is there"
    assert len(second.tokens) == 1


def test_a_text_is_written_about_once_and_its_votes_have_seeds_of_their_own() -> None:
    queries = [Query("q", (text,)) for text in "abcd"]

    def seeds(order: Sequence[Query], at_once: bool) -> dict[tuple[str, int], int]:
        model = Script(lambda text, vote: SAYS[0])
        verifier = critic(model, votes=3)
        if at_once:
            judged = judge(verifier, *order, *order)
            assert [one.shared for one in judged] == [0] * 4 + [3] * 4
            assert [one.computed for one in judged[4:]] == [0] * 4
        else:
            for query in order:
                judge(verifier, query)
        assert len(model.draws) == 12
        return Counter((draw.question, draw.seed) for draw in model.draws)

    alone = seeds(queries, at_once=False)
    assert set(alone.values()) == {1}, "no two draws are alike"
    assert alone == seeds(queries[::-1], at_once=True)


def test_a_solution_without_room_is_too_long_and_the_others_are_judged() -> None:
    model = Script(lambda text, vote: SAYS[0], context=600)
    short, long = judge(critic(model), Query("q", ("a",)), Query("q", ("a" * 600,)))
    assert (short.scores, long.scores, long.status) == ((1.0,), (None,), "too_long")
    assert long.root == short.root


def best(text: str, vote: int) -> str:
    """Names the longest of the solutions shown."""
    shown = text.split("Solution ")[1:]
    return f"Best solution: {1 + max(range(len(shown)), key=lambda k: len(shown[k]))}"


SOLUTIONS = ["a", "bb", "ccc", "dddd", "eeeee"]


def test_in_a_knock_out_of_five_the_best_comes_through_all_rounds() -> None:
    model = Script(best)
    judged = compare(select(model), *SOLUTIONS)
    scores = [one.scores[0] for one in judged]
    assert scores.index(1.0) == 4
    assert scores.count(1.0) == 1
    assert len(model.draws) == 4, "each match sends one home: 2 + 1 + 1"
    assert set(scores) <= {0.0, 1 / 3, 2 / 3, 1.0}


def test_all_in_one_prompt_is_one_match_and_only_the_winner_scores() -> None:
    model = Script(best)
    judged = compare(select(model, shown=16), *SOLUTIONS)
    assert [one.scores for one in judged] == [(0.0,)] * 4 + [(1.0,)]
    assert len(model.draws) == 1


def test_matches_are_as_few_and_even_as_there_can_be() -> None:
    model = Script(best)
    compare(select(model, shown=4), *map(str, range(10, 19)))
    sizes = [draw.question.count("Solution ") for draw in model.draws]
    assert sizes == [3, 3, 3, 3], "nine in three matches, then their winners"


def test_who_came_first_decides_nothing() -> None:
    def scores(order: Sequence[str], says: Callable[[str, int], str]) -> dict[str, float | None]:
        judged = compare(select(Script(says), shown=3), *order)
        return {text: one.scores[0] for text, one in zip(order, judged, strict=True)}

    texts = [f"{k} {'x' * (k % 5)}" for k in range(17)]
    shuffled = random.Random(0).sample(texts, len(texts))
    assert scores(texts, best) == scores(shuffled, best)
    first = scores(texts, lambda text, vote: "Best solution: 1")
    assert first == scores(shuffled, lambda text, vote: "Best solution: 1")


def test_the_majority_decides_a_match_and_of_equals_the_one_shown_first() -> None:
    says = ["Best solution: 2", "Best solution: 1", "Best solution: 2"]
    shown = Script(lambda text, vote: says[vote])
    judged = compare(select(shown, votes=3), "a", "b")
    second = shown.draws[0].question.partition("Solution 2:\n")[2].strip()
    assert [one.scores[0] for one in judged] == [float(text == second) for text in "ab"]
    tie = Script(lambda text, vote: says[vote])
    judged = compare(select(tie, votes=2), "a", "b")
    assert [one.scores[0] for one in judged] == [float(text != second) for text in "ab"]


def test_an_undecided_match_is_chance_and_a_pool_of_only_these_has_no_scores() -> None:
    def once(text: str, vote: int) -> str:
        return best(text, vote) if "eeeee" in text else "Hm."

    judged = compare(select(Script(once)), *SOLUTIONS)
    assert judged[-1].scores == (1.0,)
    assert [one.scores for one in compare(select(Script(lambda text, vote: "Hm.")), *SOLUTIONS)] == [
        (None,)
    ] * 5
    long = compare(select(Script(best, context=50)), *SOLUTIONS)
    assert {(one.scores, one.status, one.tokens) for one in long} == {((None,), "too_long", (0,))}


def test_the_matches_tokens_are_shared_out_so_that_the_sum_is_right() -> None:
    model = Script(best)
    judged = asyncio.run(select(model).compare([Query("q", ("x", one)) for one in SOLUTIONS]))
    prompts = [len(model.prompt_ids(Select.prompt, draw.question)) for draw in model.draws]
    written = [len(best(draw.question, 0)) for draw in model.draws]
    root = judged[0].root
    assert root == Select.prompt.user.index("{question}") + len("Problem:\nq\n\n")
    assert sum(sum(one.tokens) for one in judged) == sum(prompts) - 4 * root + sum(written)
    parts = [one.tokens[-1] for one in judged]
    assert max(parts) - min(parts) <= 1
    assert all(one.tokens[0] == 0 for one in judged)
    contexts = sum(
        context_sum(root, length - root) + context_sum(length, count)
        for length, count in zip(prompts, written, strict=True)
    )
    assert sum(sum(one.contexts) for one in judged) == contexts
    assert sum(one.computed for one in judged) == sum(prompts) + sum(written)


def test_one_path_wins_without_a_word_and_a_blank_one_has_nothing_to_show() -> None:
    model = Script(best)
    blank, one = asyncio.run(select(model).compare([Query("q", ()), Query("q", ("a",))]))
    assert (blank.scores, one.scores, model.draws) == ((), (1.0,), [])
