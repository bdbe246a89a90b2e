"""Verifiers that write, and that compare: whole launches on the fakes, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import stored
from tests.models import tiny
from tests.worlds import run_search, session_of
from ttc.commands.cli import main
from ttc.data.problems import key_of, load_problems
from ttc.models import check, make
from ttc.models.writers import Critic
from ttc.settings.build import build
from ttc.settings.schema import DatasetConfig, PrmConfig
from ttc.strategies.beam import Beam
from ttc.types import Query, UserError

GRID = ("-m", "strategy=best_of_n", "seeds=[0,1]", "dataset.limit=4", "prm=knockout", "prm.engine=fake")
TIMED = ("prm_rate",)


def comparisons(folder: Path, n: int) -> list[pd.DataFrame]:
    """The pools of which n paths were compared, with their scores, addresses and answers."""
    paths = stored(folder, "paths")[["path", "address", "answer"]]
    scores = stored(folder, "scores").merge(paths, on="path")
    pools = scores.groupby(["verifier", "problem_key", "seed"])
    own = [pool for _, pool in pools if len(pool) == n]
    return [pool.assign(won=[one[-1] == 1.0 for one in pool["scores"]]) for pool in own]


def test_every_n_is_compared_by_itself_and_best_takes_the_winner(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    folder = tmp_path / "default"
    assert launch(*GRID, "n=4") == 0
    before = stored(folder, "scores", TIMED)
    assert launch(*GRID, "n=1,4,8") == 0
    after = stored(folder, "scores", TIMED).merge(before, on=["path", "verifier"])
    assert len(after) == len(before) == 32
    assert (after["scores_x"] == after["scores_y"]).all(), "what was compared among four stays"
    for n in (4, 8):
        pools = comparisons(folder, n)
        assert len(pools) == 8
        assert all(sorted(map(int, pool["address"])) == [*range(n)] for pool in pools)
        assert all(pool["won"].sum() == 1 for pool in pools)
    answers = pd.read_parquet(folder / "answers.parquet")
    chosen = answers[(answers.vote == "best") & (answers["agg"] == "last") & (answers.n == 4)]
    won = pd.concat([pool[pool["won"]] for pool in comparisons(folder, 4)])
    winner = won.set_index(["problem_key", "seed"])["answer"]
    assert len(chosen) == 16, "prefix and resample"
    assert all(winner[row.problem_key, row.seed] == row.answer for row in chosen.itertuples())
    costs = pd.read_parquet(folder / "readout.parquet")
    means = costs[(costs.vote == "best") & (costs.subset == "prefix")].groupby("n")["prm_tokens"].first()
    pools = comparisons(folder, 4)
    assert means[1] == 0
    assert means[4] == sum(pool["prm_tokens"].sum() + pool["prm_prompt_tokens"].iloc[0] for pool in pools) / 8
    assert launch(*GRID, "n=1,4,8") == 0
    assert len(list(folder.glob("scores/*.parquet"))) == 2, "the same line again has nothing to do"


def test_a_rescore_asks_the_stored_paths(launch: Callable[..., int], tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    assert launch("-m", "strategy=best_of_n,beam", "n=4", "dataset.limit=3", name="pool") == 0
    verifiers = {name: PrmConfig(name, "fake", format=kind) for name, kind in KINDS.items()}
    for name in verifiers:
        assert main(["rescore", str(folder), f"prm={name}", "prm.engine=fake", "cluster=none"]) == 0
    scores = stored(folder, "scores").merge(stored(folder, "paths")[["path", "steps"]], on="path")
    problems = {key_of(one): one for one in load_problems(DatasetConfig(path="nano", limit=3))}
    for (name, key), rows in scores[scores["prm"].isin(verifiers)].groupby(["prm", "problem_key"]):
        queries = [Query(problems[key].question, steps) for steps in rows["steps"]]
        verifier = make(verifiers[name])
        ask = verifier.compare if name == "knockout" else verifier.judge
        judged = asyncio.run(ask(queries))
        assert len(rows) == 4, "of the pool alone: another verifier would have guided a beam elsewhere"
        assert [one.scores for one in judged] == rows["scores"].tolist()


KINDS = {"critic": "critic", "knockout": "select"}


def test_a_search_that_a_critic_guides_pays_for_every_judgement() -> None:
    session = session_of(verifier=make(PrmConfig("critic", "fake", format="critic")), n=4)
    paths = run_search(Beam(n=4), session)
    assert paths
    assert len(session.scored) == sum(not drawn.child.steps[-1].blank for drawn in session.drawn)
    prompt = len(Critic.prompt.user.partition("{question}")[2])
    assert all(step.tokens > prompt for step in session.scored.values()), "each asks, and writes"
    assert session.bill.prm_computed > sum(step.tokens for step in session.scored.values())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"format": "critic", "votes": 0}, "prm.votes=0: must be greater than or equal to 1"),
        ({"format": "select", "shown": 1}, "prm.shown=1: must be greater than or equal to 2"),
        ({"format": "critic", "engine": "vllm"}, "prm.model=null: name a folder, a Hub id"),
        ({"format": "critic", "shown": 4}, "prm.shown=4: prm.format=critic compares nothing"),
        ({"votes": 4}, "prm.votes=4: prm.format=None writes nothing; prm=critic does"),
        ({"format": "critic", "votes": 4, "temperature": 0.0}, "prm.votes=4: all alike at prm.temperature=0"),
    ],
)
def test_settings_that_do_not_go_together_are_a_line(settings: dict[str, object], said: str) -> None:
    def faults() -> list[str]:
        try:
            return check(build(PrmConfig, {"name": "mine", "engine": "fake"} | settings, "prm."))
        except UserError as error:
            return str(error).splitlines()

    [line] = faults()
    assert line.startswith(said)


def test_what_cannot_be_asked_is_refused_before_anything_is_loaded(
    launch: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(run: int) -> str:
        assert run == 2
        [line] = capsys.readouterr().err.strip().splitlines()
        return line

    folder = tiny.judge(tmp_path / "model")
    (folder / "chat_template.jinja").unlink()
    capsys.readouterr()
    said = error(launch("prm=critic", f"prm.model={folder}"))
    assert "prm.format=critic chats with it, and its tokenizer has no chat template" in said
    assert "its tokenizer does not know 'Here'" in error(launch("prm=critic", "prm.model=nano:policy"))
    said = error(launch(*GRID, "strategy=beam"))
    assert said.endswith("beam is guided step by step; take an unguided strategy")
    for name in KINDS:
        said = error(main(["verify", "nano", f"prm={name}", "prm.engine=fake"]))
        assert f"prm={name}: {name} judges whole solutions, and labels are of steps" in said
