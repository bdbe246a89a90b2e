"""The verb `chat`, and what it carries: self_refine's conversation, its rows, its vote, its price."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path as File

import numpy as np
import pandas as pd
import pytest

from tests.conftest import stored
from tests.test_search import LAUNCH, job_of, rows_of
from tests.test_trees import Written, cell_of, fates, grow, tree_of
from tests.worlds import TINY, Script, run_search, search, session_of
from ttc.models.fake import FakePolicy
from ttc.models.provider import Identity
from ttc.plan.cells import read_grid
from ttc.plan.jobs import PlannedCell
from ttc.readout.ballots import NO_ANSWER, Ballots
from ttc.readout.votes import final
from ttc.run.rows import step_rows
from ttc.run.session import seed_of
from ttc.store import Folder
from ttc.strategies.self_refine import SelfRefine
from ttc.types import Context, Path, Policy, Strategy, Verifier

DRAFTS = [(0,), (0, 0, 0), (0, 0, 0, 0, 0)]


# --- The strategy, on a scripted world ----------------------------------------------------------------


def test_it_drafts_criticises_and_revises_in_one_conversation() -> None:
    texts = dict(zip([(0,), (0, 0), (0, 0, 0)], ["7", "no, 8", "8"], strict=True))
    script = Script(texts=texts)
    first, second = search(SelfRefine(2, "right?", "again"), script)
    assert script.asked == [("finish", [()], [1]), ("chat", [(0,)], [1]), ("chat", [(0, 0)], [1])]
    assert (first.address, first.text, first.turns) == ((0,), "7", ())
    assert (second.address, second.text) == ((0, 0, 0), "8")
    assert second.turns == ("7", "right?", "no, 8", "again")


def test_without_a_critique_every_answer_is_a_draft() -> None:
    script = Script()
    found = search(SelfRefine(3, None, "again"), script)
    assert [path.address for path in found] == [(0,), (0, 0), (0, 0, 0)]
    assert script.said == ["again", "again"]


@pytest.mark.parametrize("full", [(0, 0, 0, 0), (0, 0, 0, 0, 0)], ids=["the critique", "the revision"])
def test_a_full_context_ends_the_chain_with_the_drafts_that_are_there(full: tuple[int, ...]) -> None:
    found = search(SelfRefine(8), Script(full=frozenset({full})))
    assert [path.address for path in found] == DRAFTS[:2]


# --- The verb -----------------------------------------------------------------------------------------


def test_an_answer_has_chance_of_its_own_and_leaves_the_tree_as_it_is() -> None:
    assert seed_of(1, "p", (0, 0)) != seed_of(1, "p", (0, 0), chat=True)

    async def talk(*words: str) -> list[Path]:
        policy = session_of().policy
        [[draft]] = await policy.finish([Path(TINY)], 1)
        answers = await policy.chat([draft] * len(words), words)
        [[sibling]] = await policy.finish([Path(TINY)], 1)
        return [*answers, sibling]

    one, two, sibling = asyncio.run(talk("box it", "box it"))
    assert ([one.address, two.address, sibling.address], one.text == two.text) == (
        [(0, 0), (0, 1), (1,)],
        False,
    )
    assert asyncio.run(talk("box it"))[0] == one
    assert asyncio.run(talk())[0] == sibling


def test_who_has_not_ended_is_not_answered() -> None:
    async def talk() -> None:
        policy = session_of().policy
        [[live]] = await policy.extend([Path(TINY)], 1)
        await policy.chat([live], ["well?"])

    with pytest.raises(ValueError, match="path 0 is not over"):
        asyncio.run(talk())


# --- Its rows -----------------------------------------------------------------------------------------


def test_a_chain_is_kept_draw_by_draw_with_the_input_that_every_turn_adds() -> None:
    strategy = SelfRefine(3, "right?", "box it")
    rows, failure = rows_of(strategy)
    assert failure is None
    steps = pd.DataFrame(rows["steps"])
    draws = steps.groupby("address", sort=False).agg({"verb": "first", "turn_tokens": "sum", "tokens": "sum"})
    assert draws["verb"].tolist() == ["finish", *["chat"] * 4]
    # a fake's template is nothing: the user's words alone are new
    assert draws["turn_tokens"].tolist() == [0, 6, 6, 6, 6]
    read = len(TINY.question) + np.cumsum(draws["turn_tokens"]) + np.cumsum(draws["tokens"]) - draws["tokens"]
    assert steps.groupby("address", sort=False)["prompt_tokens"].first().tolist() == read.tolist()
    # every position is computed once: the question's by the root, all others by the steps
    end = int(read.iloc[-1] + draws["tokens"].iloc[-1])
    assert steps["context_sum"].sum() == sum(range(len(TINY.question), end))
    assert steps["step"].tolist()[0] == 0
    assert (steps.groupby("address")["step"].min() == 0).all()
    assert [row["address"] for row in rows["paths"]] == ["0", "0/0/0", "0/0/0/0/0"]
    assert rows["searches"][0]["prompt_tokens"] == len(TINY.question)


@dataclass(frozen=True)
class Doubting(Strategy):
    """Asks again where the verifier is in doubt; guided, so that scores stand in its tree."""

    n: int = 2

    @property
    def says(self) -> tuple[str, ...]:
        return ("box it",)

    async def search(self, root: Path, policy: Policy, verifier: Verifier, context: Context) -> list[Path]:
        [drafts] = await policy.finish([root], 1)
        return await verifier.score([*drafts, *await policy.chat(drafts, self.says)])


def test_scores_stand_where_their_steps_were_written() -> None:
    rows, _ = rows_of(Doubting())
    found = {
        address: [row["score"] for row in rows["steps"] if row["address"] == address]
        for address in ("0", "0/0")
    }
    assert [row["scores"] for row in rows["scores"]] == list(found.values())
    assert None not in found["0"] + found["0/0"]


def test_a_critique_that_was_answered_is_no_discarded_leaf() -> None:
    rows, _ = rows_of(SelfRefine(3), replace(LAUNCH, discarded=True))
    assert len(rows["grades"]) == 3


def test_a_thought_that_the_template_leaves_out_is_no_cached_prefix() -> None:
    class Forgetful(FakePolicy):
        """Its template keeps ten characters of every text."""

        async def generate(self, sampling, draws):
            kept = [replace(draw, turns=tuple(turn[:10] for turn in draw.turns)) for draw in draws]
            return await super().generate(sampling, kept)

    session = session_of(Forgetful())
    run_search(SelfRefine(2, None, "box it"), session)
    rows = step_rows(job_of(SelfRefine(2)), session)
    assert [row["turn_tokens"] for row in rows if row["turn_tokens"] is not None] == [10 + len("box it")]


def test_a_tree_shows_drafts_and_critiques_and_the_scores_of_the_drafts(tmp_path: File) -> None:
    strategy = SelfRefine(2, "right?", "again")
    engines = Written(scores={"0/0/0 on": 0.25, "\\boxed{0}": 0.75})
    tree = tree_of(grow(tmp_path, strategy, engines), cell_of(strategy))
    assert fates(tree) == {"0": "kept*", "0/0": "kept", "0/0/0": "over*"}
    assert [node.parent for node in tree.nodes] == ["", "0", "0/0"]
    assert [node.scores for node in tree.nodes] == [(0.5, 0.75), (None, None), (0.25, 0.75)]
    votes = {(vote.vote, vote.agg): vote for vote in tree.votes}
    assert votes["final", None].answer == "0"
    assert votes["final", None].totals == ()


# --- The vote -----------------------------------------------------------------------------------------


def test_final_is_the_last_draft_be_it_without_an_answer() -> None:
    group_KN = np.array([[0, 1, NO_ANSWER], [0, 1, NO_ANSWER], [NO_ANSWER] * 3])
    draft_KN = np.array([[0, 1, 2], [0, 1, np.nan], [np.nan] * 3])  # three drafts, two, none
    ballots = Ballots(group_KN, [2, 3], {"drafts": draft_KN})
    assert final(ballots).tolist() == [[1, NO_ANSWER], [1, 1], [NO_ANSWER, NO_ANSWER]]


# --- A launch -----------------------------------------------------------------------------------------


def test_it_is_read_by_its_last_draft_and_pays_for_what_was_said(
    launch: Callable[..., int], tmp_path: File, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("-m", "strategy=best_of_n,self_refine", "n=1,3", "dataset.limit=25", "readout.grader=exact")
    assert launch(*line) == 0
    rows = Folder(tmp_path / "default").frame("readout")
    own = rows[(rows["strategy"] == "self_refine") & (rows["subset"] == "prefix")].set_index(["vote", "agg"])
    assert rows.loc[rows["headline"] & (rows["strategy"] == "self_refine"), "vote"].tolist() == ["final"]
    assert set(rows.loc[rows["vote"] == "final", "strategy"]) == {"self_refine"}
    last, pool = own.loc["final"].iloc[0], rows[(rows["strategy"] == "best_of_n") & (rows["n"] == 1)].iloc[0]
    assert last["accuracy"] > pool["accuracy"]
    # the words that were said are computed, and not generated
    searches, steps = (stored(tmp_path / "default", table) for table in ("searches", "steps"))
    searches = searches[searches["strategy"] == "self_refine"]
    assert last["generated_tokens"] == pytest.approx(searches["generated_tokens"].mean())
    said = sum(map(len, SelfRefine().says)) * 2
    assert steps.groupby(["problem_key", "seed"])["turn_tokens"].sum().unique().tolist() == [said]
    root = searches["prompt_tokens"].mean()
    assert last["policy_tokens"] == pytest.approx(root + last["generated_tokens"] + said)
    # a verifier that chooses among the drafts reads them alone
    paths, scores = (stored(tmp_path / "default", table) for table in ("paths", "scores"))
    read = scores[scores["strategy"] == "self_refine"]["prm_tokens"].sum() / len(searches) + root
    assert own.loc[("best", "last"), "prm_tokens"] == pytest.approx(read)
    assert last["prm_tokens"] == 0
    assert paths.groupby("strategy")["path"].count().to_dict() == {"best_of_n": 75, "self_refine": 75}
    assert launch(*line) == 0
    assert "everything is done already" in capsys.readouterr().out


def test_what_it_says_is_part_of_its_id_and_a_word_of_its_variant() -> None:
    words = (
        "-m",
        "strategy=self_refine",
        "n=2",
        "strategy.critique=null,Sure?,'Is it right?'",
        "policy=fake",
    )
    cells = read_grid([*words, "prm=none"]).cells
    assert [cell.variant for cell in cells] == ["critique=None", "critique=Sure?", "critique=Is_it_right?"]
    planned = [PlannedCell(cell, (), Identity("m", None), None) for cell in cells]
    assert len({one.family for one in planned}) == 3
    assert {(one.record.sequential, one.record.keeps_tree, one.record.guided) for one in planned} == {
        (True, True, False)
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["strategy=self_refine", "strategy.revise=' '"],
            "strategy.revise=' ': must be a text that says something",
        ),
        (
            ["readout.headline=final"],
            "readout.headline='final': take one of weighted, best, majority, short_1, short_3, short_5, "
            "longest, first_3, deepconf, deepconf_90, deepconf_all, deepconf_tail, self_certainty, as in "
            "weighted/last",
        ),
        (
            ["strategy=self_refine", "policy=nano", "plan_only=true"],
            "policy.model=nano:policy: its tokenizer does not know 'Check', a word of a conversation, which "
            "strategy=self_refine needs",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], said: str, launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(*words, "n=2", "dataset.limit=1") == 2
    assert capsys.readouterr().err == f"error: {said}\n"
