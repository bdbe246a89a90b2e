import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttc.readout.pools import aggregate_ragged
from ttc.readout.votes import NO_ANSWER, UNSCORED, VOTES, Ballots, best, majority, weighted
from ttc.strategies.aggregations import AGGREGATIONS, aggregate

NAN = float("nan")


def naive(vote, paths, right):
    """The words of the semantics on one list of (group or None, score or None)."""
    if vote == "final":
        return NO_ANSWER if paths[-1][0] is None else paths[-1][0]
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
    assert vote == "weighted", f"say in words what {vote} chooses"
    sums = {group: math.fsum(s for g, s in scored if g == group) for group in seen}
    return max(seen, key=sums.__getitem__)


path = st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(path, min_size=5, max_size=5), min_size=1, max_size=4), st.sets(st.integers(0, 3)))
def test_every_vote_agrees_with_the_words_of_the_semantics(orders, right):
    group_KN = np.array([[NO_ANSWER if g is None else g for g, _ in order] for order in orders])
    score_KN = np.array([[NAN if s is None else s for _, s in order] for order in orders])
    cuts = [1, 2, 5]
    # the pool's groups: more of them than these orders may hold
    columns = {"scores": score_KN, "drafts": np.tile(np.arange(5.0), (len(orders), 1))}
    ballots = Ballots(group_KN, cuts, columns, np.array([g in right for g in range(4)]))
    for name, vote in VOTES.items():
        expected = [[naive(name, order[:cut], right) for cut in cuts] for order in orders]
        assert vote.choose(ballots).tolist() == expected, name


def test_a_tie_goes_to_the_group_seen_first_whatever_order_its_scores_are_summed_in():
    group_KN = np.array([[1, 0, 0, 0, 1, 1]])
    score_KN = np.array([[0.1, 0.3, 0.2, 0.1, 0.2, 0.3]])  # 0.1+0.2+0.3 != 0.3+0.2+0.1 in floats
    ballots = Ballots(group_KN, [6]).scored_by(score_KN)
    assert (weighted(ballots).item(), majority(ballots).item()) == (1, 1)


def test_a_blank_of_the_highest_score_never_wins():
    group_KN, score_KN = np.array([[-1, 0, -1]]), np.array([[0.99, 0.01, 0.99]])
    ballots = Ballots(group_KN, [1, 3]).scored_by(score_KN)
    assert best(ballots).tolist() == [[NO_ANSWER, 0]]
    assert weighted(ballots).tolist() == [[NO_ANSWER, 0]]


def test_aggregations_and_what_has_none():
    values = {how: aggregate([0.5, 0.2, 0.4], how) for how in AGGREGATIONS}
    assert values == pytest.approx({"last": 0.4, "min": 0.2, "prod": 0.5 * 0.2 * 0.4, "mean": 1.1 / 3})
    nothing = ([], [None, 0.5], [0.5, NAN])
    assert all(aggregate(scores, how) is None for how in AGGREGATIONS for scores in nothing)


@given(st.lists(st.lists(st.floats(0, 1) | st.just(NAN), max_size=4), min_size=1, max_size=6))
def test_many_paths_aggregate_as_each_does_alone(paths):
    offsets = np.cumsum([0, *map(len, paths)])
    flat = np.array([score for scores in paths for score in scores], dtype=float)
    for how in AGGREGATIONS:
        alone = [NAN if (value := aggregate(scores, how)) is None else value for scores in paths]
        np.testing.assert_allclose(aggregate_ragged(flat, offsets, how), alone)
