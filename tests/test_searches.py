"""Searches beyond the article on scripted worlds: what is drawn, kept, branched and returned, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.test_grid import grid_of
from tests.worlds import Script, run_search, search, session_of
from ttc.models.fake import FakePolicy
from ttc.run.session import SearchContext
from ttc.strategies.beam import Beam
from ttc.strategies.deepconf_online import DeepConfOnline
from ttc.strategies.dora import Dora, cosine, trigrams
from ttc.strategies.dvts import Dvts
from ttc.strategies.particle_filter import ParticleFilter, logit
from ttc.strategies.particle_gibbs import ParticleGibbs
from ttc.strategies.rebase import Rebase
from ttc.strategies.vg_search import VgSearch
from ttc.types import Bill, Budget, Draw, Faults, Floor, Path, Sample, Sampling, first_below, lowest_group


def addresses(paths: Sequence[Path]) -> list[tuple[int, ...]]:
    return [path.address for path in paths]


def all_scored(paths: Sequence[Path]) -> bool:
    return all(path.over and len(path.scores) == len(path.steps) for path in paths)


def test_a_path_less_sure_than_the_warm_up_ends_there_and_is_not_returned() -> None:
    # groups of two: of the warm-up the lowest are 1, 2, 3, 4, so what 40 % of them lie above is 2.8
    sure = {(i,): (4.0, 4.0, 2.0 * i - 2.0, 4.0) for i in range(4)}
    sure |= {(4,): (5.0, 0.5, 0.5, 9.0), (5,): (3.0, 2.7, 2.6), (6,): (2.8, 2.8, 2.8, 2.8)}
    script = Script(sure=sure)
    strategy = DeepConfOnline(n=7, warmup=4, keep=0.4, window=2)
    found = search(strategy, script)
    assert script.asked == [("finish", [()], [4]), ("finish", [()], [3])]
    assert addresses(found) == [(2,), (3,), (6,)]
    assert [strategy.sure(path) for path in found] == [3.0, 4.0, 2.8]


def test_a_draw_ends_with_the_first_group_below_its_floor_but_where_it_ends_by_itself() -> None:
    floor = Floor(2.0, window=2)
    assert first_below([9.0, 0.0, 0.0, 9.0], floor) == 3
    assert first_below([1.0], floor) is first_below([2.0, 2.0, 9.0], floor) is None
    assert lowest_group([9.0, 1.0, 2.0], 2) == 1.5
    assert lowest_group([9.0, 1.0, 2.0], 4) == 4.0
    assert lowest_group([], 4) == 0.0


def test_a_particle_goes_on_as_often_as_it_is_drawn() -> None:
    script = Script(scores={(2,): 1.0}, ends=frozenset({(2, i) for i in range(4)}))
    found = search(ParticleFilter(n=4), script)
    assert script.asked == [("extend", [()] * 4, [1] * 4), ("extend", [(2,)] * 4, [1] * 4)]
    assert addresses(found) == [(2, 0), (2, 1), (2, 2), (2, 3)]


def test_particles_are_drawn_in_proportion_to_p_by_1_minus_p_and_an_unscored_one_never() -> None:
    chances = [0.9, 0.5, 0.2, None] * 8
    script = Script(scores={(i,): p for i, p in enumerate(chances)})
    search(ParticleFilter(n=32, depth=2), script)
    odds = [0.0 if p is None else p / (1 - p) for p in chances]
    chance = SearchContext(Budget(32), Bill(), seed=0, problem_key="p").random(1)
    assert script.asked[1] == ("finish", [(i,) for i in chance.choices(range(32), odds, k=32)], [1] * 32)
    assert math.exp(logit(1.0)) == pytest.approx(1e7)
    assert logit(0.0) == pytest.approx(-logit(1.0))


def test_a_particle_that_is_over_is_drawn_as_the_others_are() -> None:
    good = Script(scores={(1,): 1.0}, ends=frozenset({(1,)}))
    assert addresses(search(ParticleFilter(n=3), good)) == [(1,)] * 3
    bad = Script(scores={(1,): 0.0}, ends=frozenset({(1,)}))
    assert (1,) not in addresses(search(ParticleFilter(n=3, depth=2), bad))


def test_particles_that_are_all_over_are_drawn_no_more() -> None:
    script = Script(scores={(1,): 1.0}, ends=frozenset({(0,), (1,), (2,)}))
    assert addresses(search(ParticleFilter(n=3), script)) == [(0,), (1,), (2,)]


def test_particle_gibbs_branches_off_its_reference_and_keeps_it() -> None:
    ends = frozenset({(1, 0), (1, 1), (1, 2), (2,)})
    script = Script(scores={(1,): 1.0, (1, 1): 1.0, (1, 0): 0.0, (2,): 0.0}, ends=ends)
    found = search(ParticleGibbs(n=4, iterations=2), script)
    assert script.asked == [
        ("extend", [(), ()], [1, 1]),
        ("extend", [(1,), (1,)], [1, 1]),
        ("extend", [()], [1]),  # (2,) is over, and gives way to the reference's first step
        ("extend", [(1,)], [1]),
    ]
    assert addresses(found) == [(1, 0), (1, 1), (1, 1), (1, 2)]


@pytest.mark.parametrize("strategy", [Beam(n=2, width=2, depth=2, lookahead=1), Dvts(2, 2, 2, lookahead=1)])
def test_with_lookahead_a_child_goes_by_what_comes_of_it_and_votes_by_what_it_is(
    strategy: Beam | Dvts,
) -> None:
    now, later = {(0,): 0.9, (1,): 0.1}, {(0, -1): 0.1, (1, -1): 0.9}
    script = Script(scores=now | later)
    found = search(strategy, script)
    looked = ("look", [(0,), (1,)], [1, 1])
    assert script.asked[:3] == [("extend", [()], [2]), looked, ("finish", [(1,)], [2])]
    assert [(path.address, path.scores) for path in found] == [((1, 0), (0.1, 0.5)), ((1, 1), (0.1, 0.5))]


def test_what_has_no_score_further_on_goes_by_its_own() -> None:
    script = Script(scores={(0,): 0.9, (0, -1): None, (1,): 0.1, (1, -1): 0.8})
    search(Beam(n=2, width=2, depth=2, lookahead=1), script)
    assert script.asked[2] == ("finish", [(0,)], [2])


@dataclass
class Recording(FakePolicy):
    drawn: list[tuple[bool, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        self.drawn += [(sampling.temperature == 0, draw.whole) for draw in draws]
        return await super().generate(sampling, draws)


@pytest.mark.parametrize("strategy", [Beam(8, lookahead=3), Dvts(8, lookahead=3)])
def test_looks_ahead_are_three_greedy_steps_that_are_paid_and_not_returned(strategy: Beam | Dvts) -> None:
    engine = Recording()
    session = session_of(engine, n=8)
    found = run_search(strategy, session)
    looks = [one for one in session.drawn if one.verb == "roll_out"]
    steps = [len(one.child.address) - one.child.address.index(-1) for one in looks]
    assert set(steps) == {1, 2, 3}
    assert engine.drawn.count((True, False)) == len(looks)
    assert all(min(path.address) >= 0 and None not in path.scores for path in found)
    tokens = sum(step.count or 0 for one in session.drawn for step in one.sample.steps)
    assert session.bill.generated_tokens == tokens
    assert all(len(path.worded) == len(path.scores) for path in found)


def test_vg_search_extends_the_best_unverified_and_branches_after_g_steps() -> None:
    script = Script(scores={(2,): 0.9, (1,): 0.8, (1, 0): 0.1})
    found = search(VgSearch(n=4, width=2, granularity=3, depth=2), script)
    assert script.asked == [
        ("extend", [()], [4]),
        ("extend", [(2,), (1,)], [1, 1]),
        ("extend", [(2, 0), (1, 0)], [1, 1]),
        ("finish", [(2, 0, 0), (1, 0, 0)], [2, 2]),
    ]
    assert addresses(found) == [(1, 0, 0, 0), (1, 0, 0, 1), (2, 0, 0, 0), (2, 0, 0, 1)]
    assert found[0].scores == (0.8, 0.1, 0.5, 0.5)


def test_a_survivor_that_ends_while_it_is_extended_gives_its_children_to_the_others() -> None:
    script = Script(scores={(2,): 0.9, (1,): 0.8}, ends=frozenset({(2, 0)}))
    found = search(VgSearch(n=4, width=2, depth=2), script)
    assert script.asked[2] == ("finish", [(1, 0)], [3])
    assert addresses(found) == [(1, 0, 0), (1, 0, 1), (1, 0, 2), (2, 0)]
    assert all_scored(found)
    script = Script(scores={(2,): 0.9, (1,): 0.8}, ends=frozenset({(1, 0), (2, 0)}))
    found = search(VgSearch(n=4, width=2), script)
    assert addresses(found) == [(1, 0), (2, 0)]
    assert all_scored(found)


def test_vg_search_of_granularity_1_is_beam_search() -> None:
    for seed in range(5):
        beam, single = (session_of(seed=seed) for _ in range(2))
        assert run_search(VgSearch(granularity=1), single) == run_search(Beam(), beam)
        assert single.bill == beam.bill


def test_dora_shares_children_out_by_direction_and_rebase_by_path() -> None:
    texts = dict.fromkeys([(0,), (1,), (2,)], "Add the two.\n\n")
    by_path, by_direction = Script(texts=texts), Script(texts=texts)
    search(Rebase(n=4, depth=2), by_path)
    search(Dora(n=4, depth=2), by_direction)
    assert by_path.asked[1] == ("finish", [(0,), (1,), (2,), (3,)], [1, 1, 1, 1])
    # weights 1, 1/3, 1/3, 1/3: half of 4, then the ceilings of 2/3 and of 1/2
    assert by_direction.asked[1] == ("finish", [(3,), (0,), (1,)], [2, 1, 1])


@pytest.mark.parametrize("likeness", [0.01, 1e9])
def test_dora_is_rebase_where_no_two_paths_or_all_go_one_way(likeness: float) -> None:
    scores = {(0,): 0.1, (1,): 0.9, (2,): 0.7, (3,): None}
    scripts = [Script(scores=scores), Script(scores=scores)]
    found = [
        search(one, script)
        for one, script in zip([Rebase(8, 0.2, 2), Dora(8, 0.2, 2, likeness=likeness)], scripts, strict=True)
    ]
    assert scripts[0].asked == scripts[1].asked
    assert found[0] == found[1]


def test_texts_are_alike_by_the_pieces_of_three_characters_that_they_share() -> None:
    one, other, same, short = trigrams(["abcd", "bcde", "abcd", "ab"])
    assert (cosine(one, other), cosine(one, same), cosine(one, short)) == (0.5, 1.0, 0.0)
    assert cosine(short, short) == cosine(*trigrams(["", ""])) == 1.0


GIBBS = "does not make iterations=4 runs of 2 particles or more"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("particle_gibbs n=6 strategy.iterations=4", f"n=6 {GIBBS}: take n=8"),
        ("particle_gibbs n=4 strategy.iterations=4", f"n=4 {GIBBS}: take n=8"),
        ("particle_gibbs n=10 strategy.iterations=4", f"n=10 {GIBBS}: take n=8 or n=12"),
        ("vg_search n=6", "n=6 is not a multiple of width=4: take n=4 or n=8"),
        (
            "vg_search n=4 strategy.granularity=0",
            "strategy.granularity=0: must be greater than or equal to 1",
        ),
        ("beam n=4 strategy.lookahead=-1", "strategy.lookahead=-1: must be greater than or equal to 0"),
        ("dora n=4 strategy.likeness=0", "strategy.likeness=0: must be greater than 0"),
        ("particle_filter n=4 strategy.depth=0", "strategy.depth=0: must be greater than or equal to 1"),
    ],
)
def test_what_the_paper_does_not_mean_is_refused_with_what_is_right(line: str, said: str) -> None:
    name, *words = line.split()
    with pytest.raises(Faults) as faults:
        grid_of(f"strategy={name}", *words)
    assert faults.value.lines == [said]


def test_particle_searches_are_read_by_the_best_particle_and_one_particle_is_one_sample() -> None:
    cells = grid_of("strategy=particle_filter,particle_gibbs,dora", "n=1,4").cells
    read = [(cell.name, cell.n, cell.headlines) for cell in cells]
    assert read[1:] == [
        ("particle_filter", 4, ("best",)),
        ("particle_gibbs", 4, ("best",)),
        ("dora", 4, (None,)),
    ]
    assert read[0][:2] == ("best_of_n", 1)
