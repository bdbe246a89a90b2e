import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttc.readout.votes import AGGS, NO_ANSWER, UNSCORED, Ballots, aggregate_ragged
from ttc.strategies.common import aggregate

NAN = float("nan")


def naive(vote, paths, right):
    """Semantics, "Scores and votes", word for word, on one list of (group or None, score or None)."""
    answered = [(group, score) for group, score in paths if group is not None]
    if not answered:
        return NO_ANSWER
    seen = list(dict.fromkeys(group for group, _ in answered))
    if vote == "oracle":
        return next((group for group in seen if group in right), NO_ANSWER)
    if vote == "majority":
        counts = {group: sum(g == group for g, _ in answered) for group in seen}
        return max(seen, key=counts.__getitem__)
    scored = [(group, score) for group, score in answered if score is not None]
    if not scored:
        return UNSCORED
    if vote == "best":
        return max(scored, key=lambda path: path[1])[0]
    sums = {group: math.fsum(s for g, s in scored if g == group) for group in seen}
    return max(seen, key=sums.__getitem__)


path = st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(path, min_size=5, max_size=5), min_size=1, max_size=4), st.sets(st.integers(0, 3)))
def test_every_vote_agrees_with_the_words_of_the_spec(orders, right):
    group_KN = np.array([[NO_ANSWER if g is None else g for g, _ in order] for order in orders])
    score_KN = np.array([[NAN if s is None else s for _, s in order] for order in orders])
    cuts = [1, 2, 5]
    ballots = Ballots(group_KN, cuts)
    right_G = np.array([g in right for g in range(group_KN.max(initial=-1) + 1)], dtype=bool)
    found = {
        "majority": ballots.majority(),
        "weighted": ballots.weighted(score_KN),
        "best": ballots.best(score_KN),
        "oracle": ballots.oracle(right_G),
    }
    for vote, winner_KC in found.items():
        expected = [[naive(vote, order[:cut], right) for cut in cuts] for order in orders]
        assert winner_KC.tolist() == expected, vote


def test_a_tie_goes_to_the_group_seen_first_whatever_order_its_scores_are_summed_in():
    group_KN = np.array([[1, 0, 0, 0, 1, 1]])
    score_KN = np.array([[0.1, 0.3, 0.2, 0.1, 0.2, 0.3]])  # 0.1+0.2+0.3 != 0.3+0.2+0.1 in floats
    assert Ballots(group_KN, [6]).weighted(score_KN).item() == 1
    assert Ballots(group_KN, [6]).majority().item() == 1


def test_a_blank_of_the_highest_score_never_wins():
    group_KN, score_KN = np.array([[-1, 0, -1]]), np.array([[0.99, 0.01, 0.99]])
    ballots = Ballots(group_KN, [1, 3])
    assert ballots.best(score_KN).tolist() == [[NO_ANSWER, 0]]
    assert ballots.weighted(score_KN).tolist() == [[NO_ANSWER, 0]]


def test_aggregations_and_what_has_none():
    assert [aggregate([0.5, 0.2, 0.4], how) for how in AGGS] == pytest.approx(
        [0.4, 0.2, 0.5 * 0.2 * 0.4, 1.1 / 3]
    )
    assert all(aggregate(scores, how) is None for how in AGGS for scores in ([], [None, 0.5], [0.5, NAN]))


@given(st.lists(st.lists(st.floats(0, 1) | st.just(NAN), max_size=4), min_size=1, max_size=6))
def test_many_paths_aggregate_as_each_does_alone(paths):
    offsets = np.cumsum([0, *map(len, paths)])
    flat = np.array([score for scores in paths for score in scores], dtype=float)
    for how in AGGS:
        alone = [NAN if (value := aggregate(scores, how)) is None else value for scores in paths]
        np.testing.assert_allclose(aggregate_ragged(flat, offsets, how), alone)
