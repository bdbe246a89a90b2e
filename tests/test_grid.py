"""The grid: which points are one cell, what runs, what is shared, what a key holds."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ttc.data.problems import key_of
from ttc.plan.cells import Grid, build_grid, read_grid
from ttc.plan.jobs import Identity, PlannedCell, verifier_id
from ttc.plan.plan import Done, Plan
from ttc.settings.compose import compose
from ttc.settings.options import CONF, SWEEPS, options
from ttc.settings.schema import GROUPS
from ttc.strategies.optimal import PLAIN
from ttc.types import Faults, Problem

PROBLEMS = [Problem(str(i), f"question {i}", "1") for i in range(3)]


def grid_of(*words: str) -> Grid:
    return build_grid(compose(["-m", "policy=fake", "prm=fake", *words]))


POLICY, PRM = Identity("policy", None), Identity("prm", None)


def planned(*words: str, done: Done | None = None, policy: Identity = POLICY, prm: Identity = PRM) -> Plan:
    problems = tuple(PROBLEMS)
    cells = [
        PlannedCell(cell, problems, policy, verifier_id(prm, cell.prm.format) if cell.prm else None)
        for cell in grid_of(*words).cells
    ]
    return Plan(tuple(cells), done or Done())


def paths_a_problem(planned_: Plan) -> dict[str, int]:
    sums: dict[str, int] = {}
    for job in planned_.jobs():
        sums[str(job.columns["strategy"])] = sums.get(str(job.columns["strategy"]), 0) + job.n
    return {label: total // len(PROBLEMS) for label, total in sums.items()}


def test_the_main_line_samples_64_64_and_84_paths_a_problem() -> None:
    found = planned("strategy=best_of_n,beam,dvts", "n=1,4,16,64")
    assert paths_a_problem(found) == {"best_of_n": 64, "dvts": 64, "beam": 84}
    assert len(found.cells) == 10


def test_votes_of_one_pool_are_one_search() -> None:
    assert paths_a_problem(planned("strategy=majority,best_of_n,weighted", "n=4,16")) == {"best_of_n": 16}


def test_one_path_is_one_cell_whatever_searches() -> None:
    [cell] = grid_of("strategy=beam,dvts,best_of_n", "n=1").cells
    assert (cell.name, cell.strategy.n) == ("best_of_n", 1)


def test_greedy_is_one_cell_at_temperature_zero_whatever_n_says() -> None:
    [cell] = grid_of("strategy=greedy", "n=1,4,16", "policy.temperature=0.6,1.0").cells
    assert (cell.strategy.n, cell.sampling.temperature, cell.variant) == (1, 0.0, "")


def test_a_width_above_n_becomes_n_and_says_so() -> None:
    cells = grid_of("strategy=beam", "n=2,4").cells
    assert [(cell.strategy.n, cell.strategy.width, cell.variant) for cell in cells] == [  # type: ignore[attr-defined]
        (2, 2, "width=2"),
        (4, 4, ""),
    ]


def test_an_axis_of_one_strategy_alone_multiplies_its_points_only() -> None:
    axes = ("strategy.beam.width=2,4", "strategy.dvts.width=2", "strategy.rebase.balance=0.1,0.2,0.5")
    grid = grid_of("strategy=beam,dvts,rebase", "n=8,16", *axes)
    assert Counter((cell.name, cell.n) for cell in grid.cells) == Counter(
        {(name, n): count for name, count in {"beam": 2, "dvts": 1, "rebase": 3}.items() for n in (8, 16)}
    )
    assert len(grid_of("strategy=beam", "n=8", *axes).cells) == 2
    with pytest.raises(Faults, match="a grid of more than 100,000 points"):
        grid_of(
            "strategy=beam,dvts", "strategy.beam.depth=range(1,60000)", "strategy.dvts.depth=range(1,60000)"
        )
    with pytest.raises(Faults, match=r"strategy.beam.bredth=2: beam has no such parameter"):
        grid_of("strategy=beam,dvts", "n=8", "strategy.beam.bredth=2,4")


def test_a_parameter_is_an_axis_for_those_that_have_it() -> None:
    grid = grid_of("strategy=best_of_n,beam", "n=4", "strategy.width=2,4")
    assert [(cell.name, cell.variant) for cell in grid.cells] == [
        ("best_of_n", ""),
        ("beam", "width=2"),
        ("beam", ""),
    ]
    assert any("strategy.width is an axis for beam only" in note for note in grid.notes)


def test_seed_as_an_axis_means_the_same_as_seeds() -> None:
    [one] = grid_of("seed=0,1,2").cells
    [other] = grid_of("seeds=[2,1,0]").cells
    assert one == other
    assert one.seeds == (0, 1, 2)


def test_latency_and_batch_tell_no_cells_apart() -> None:
    assert len(grid_of("policy.latency=0,1", "policy.max_num_seqs=8,16").cells) == 1


@pytest.mark.parametrize(
    ("word", "variant"),
    [
        ("policy.temperature=0.6", "temperature=0.6"),
        ("max_tokens=99", "max_tokens=99"),
        ("dataset.limit=7", "limit=7"),
        ("dataset.draw=3", "draw=3"),
        ("prompt=llama", "prompt=llama"),
        ("prompt.fold_system=true", "prompt.fold_system=True"),
        (
            "prompt.template_arguments={a: b c, d: 1}",
            "prompt.template_arguments.a=b_c prompt.template_arguments.d=1",
        ),
    ],
)
def test_a_variant_names_what_differs_from_the_shipped_config(word: str, variant: str) -> None:
    assert [cell.variant for cell in grid_of(word).cells] == [variant]


def family(*words: str) -> str:
    return planned(*words).cells[0].family


def test_stored_results_keep_their_names_when_prompts_and_strategies_get_new_settings() -> None:
    assert family("strategy=beam", "n=4") == "beam-n4-2d2fbc928b62bee8"
    for plain in ([], ["strategy.lookahead=0"]):
        assert family("strategy=dvts", "n=16", *plain) == "dvts-d5f53fcd341f4eba"
    assert family("strategy=dvts", "n=16", "strategy.lookahead=1") != "dvts-d5f53fcd341f4eba"
    assert family("prompt=llama", "prompt.fold_system=false") == "best_of_n-62f22537329cfcb4"


def test_a_family_holds_what_shapes_its_text_and_nothing_else() -> None:
    base = family("strategy=beam", "n=4")
    same = ["name=x", "dataset.limit=9", "policy.latency=1", "cluster=none", "readout.permutations=3"]
    assert {family("strategy=beam", "n=4", word) for word in same} == {base}
    other = [
        "policy.temperature=1",
        "policy.top_p=0.9",
        "max_tokens=5",
        "strategy.depth=9",
        "strategy.agg=min",
    ]
    other += ["prompt.system=Hello", "prompt.separator=X", "prompt.fold_system=true", "n=8"]
    other += [f"prompt.template_arguments.enable_thinking={value}" for value in ("true", "false")]
    found = {family("strategy=beam", *([word] if "n=8" in word else ["n=4", word])) for word in other}
    assert len({base, *found}) == 1 + len(other)
    models = [
        {"policy": Identity("other", None)},
        {"policy": Identity("policy", 99)},
        {"prm": Identity("p", None)},
    ]
    retrained = {planned("strategy=beam", "n=4", **model).cells[0].family for model in models}
    assert len({base, *retrained}) == 4


def test_a_pool_has_one_family_for_every_n_and_every_verifier() -> None:
    assert family("n=4") == family("n=16") == family("n=16", "prm=none")


def work_key(found: Plan) -> tuple[str, str, int]:
    return (found.cells[0].family, key_of(PROBLEMS[0]), 0)


def test_a_pool_grows_by_what_is_missing_also_in_the_middle() -> None:
    key = work_key(planned("n=16"))
    found = planned("n=16", done=Done({key: frozenset({0, 1, 2, 8, 9})}))
    assert [(job.first, job.units) for job in found.jobs() if job.problem is PROBLEMS[0]] == [(3, 5), (10, 6)]


def test_dvts_grows_by_subtrees_and_beam_does_not_grow() -> None:
    dvts = planned("strategy=dvts", "n=16")
    grown = planned("strategy=dvts", "n=16", done=Done({work_key(dvts): frozenset({0})}))
    assert [(job.first, job.units, job.n) for job in grown.jobs()][:1] == [(1, 3, 12)]
    assert family("strategy=beam", "n=4") != family("strategy=beam", "n=8")


def test_seeds_and_problems_are_jobs_of_their_own() -> None:
    assert planned("n=4", "seeds=[0,1]").size == 2 * len(PROBLEMS)


def points_of(path: Path) -> list[dict[str, Any]]:
    return compose(["-cd", str(path.parent), "-cn", path.stem])


@pytest.mark.parametrize("path", sorted(SWEEPS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_saved_sweep_is_a_grid(path: Path) -> None:
    assert build_grid(points_of(path)).cells


TO_GIVE = {
    "dataset=path": "dataset.path=x.jsonl",
    "policy=openai": "policy.base_url=http://localhost:8000/v1",
    "prm=orm": "prm.model=org/name",
    "prm=judge": "prm.model=org/name",
    "prm=critic": "prm.model=org/name",
    "prm=genselect": "prm.model=org/name",
    "prm=knockout": "prm.model=org/name",
    "prm=ensemble": "prm.members=[nano,judge:org/name]",
}
"""What shipped configs leave to the command line."""


@pytest.mark.parametrize(
    "word", [f"{group}={name}" for group in ("prompt", *GROUPS) for name in options(group)]
)
def test_every_shipped_config_composes(word: str) -> None:
    words = [word, TO_GIVE[word]] if word in TO_GIVE else [word]
    assert build_grid(compose(words)).cells


def documented() -> list[str]:
    """Every launch that the README and the docs show, without its comment."""
    docs = sorted((CONF.parent / "docs").glob("*.md"))
    files = [CONF.parent / "README.md", *(file for file in docs if file.stem != "extending")]
    text = "\n".join(file.read_text() for file in files).replace("\\\n", " ")
    word = r"(?:-m|-c[dn] \w+|[\w.]+=\S+)"
    return [line.strip() for line in re.findall(rf"launch\.py((?: +{word})*)", text)]


@pytest.mark.parametrize("line", sorted(set(documented())))
def test_every_documented_line_is_a_grid(line: str, tmp_path: Path) -> None:
    table = tmp_path / "table.json"  # that `ttc optimal` writes
    table.write_text(PLAIN)
    line = line.replace("=table.json", f"={table}")
    words = [word.rstrip("`,.") for word in shlex.split(line) if not word.endswith("=...")]
    assert build_grid(compose(words)).cells


def test_a_parameter_may_be_said_of_one_strategy_alone() -> None:
    line = ("-m", "strategy=beam,dvts", "n=8", "strategy.width=2", "strategy.beam.width=4")
    assert [cell.strategy.width for cell in read_grid(line).cells] == [4, 2]
    with pytest.raises(Faults) as caught:
        read_grid(("strategy=beam", "strategy.dvts.widht=2", "strategy.bem.width=2"))
    assert caught.value.lines == [
        "strategy.dvts.widht=2: dvts has no such parameter; did you mean width?",
        "strategy.bem: no strategy is called so; did you mean beam?",
    ]
