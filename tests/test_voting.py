import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttc.readout.ballots import CONFIDENCE, NO_ANSWER, UNSCORED, Ballots
from ttc.readout.pools import aggregate_ragged
from ttc.readout.votes import VOTES, best, majority, weighted
from ttc.readout.windows import group
from ttc.strategies.aggregations import AGGREGATIONS, aggregate

NAN = float("nan")


def naive(vote, paths, right):
    """The words of the semantics on one list of (group or None, score or None, tokens, how sure)."""
    answered = [(group, score) for group, score, *_ in paths if group is not None]
    if vote == "final":
        return NO_ANSWER if paths[-1][0] is None else paths[-1][0]
    if not answered:
        return NO_ANSWER
    if vote.startswith(SELECTIVE):
        return selective(vote, [path for path in paths if path[0] is not None])
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


SELECTIVE = ("short_", "first_", "longest", "deepconf", "self_certainty")


def selective(vote, answered):
    """The votes that need no verifier, on a list of (group, score, tokens, how sure), all with an answer."""
    if vote.startswith(("short_", "first_")):
        key = (lambda path: path[2]) if vote.startswith("short_") else (lambda path: 0)
        kept = [(path[0], 1) for path in sorted(answered, key=key)[: int(vote[-1])]]
        seen = kept  # the shortest first
    elif vote == "longest":
        kept = seen = [(max(answered, key=lambda path: path[2])[0], 1)]
    else:
        seen, surest = answered, sorted(answered, key=lambda path: -path[3])
        N, share = len(surest), {"deepconf_90": 9, "deepconf_all": 10}.get(vote, 1)
        kept = [(path[0], path[3]) for path in surest[: -(-share * N // 10)]]
        if vote == "self_certainty":
            kept = [(path[0], math.sqrt(N - rank)) for rank, path in enumerate(surest)]
    sums = {group: math.fsum(weight for g, weight in kept if g == group) for group, _ in kept}
    most = max(sums.values())
    return next(one[0] for one in seen if sums.get(one[0], 0) > most - 1e-9)


path = st.tuples(
    st.none() | st.integers(0, 3),
    st.none() | st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
    st.integers(1, 4),
    st.sampled_from([1.0, 1.5, 2.0, 3.0]),
)

rights = st.sets(st.integers(0, 3))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.lists(path, min_size=12, max_size=12), rights), min_size=1, max_size=4),
    rights | st.none(),
)
def test_every_vote_agrees_with_the_words_of_the_semantics(pools, right):
    orders = [order for order, _ in pools]
    rights = [own if right is None else right for _, own in pools]
    group_KN = np.array([[NO_ANSWER if g is None else g for g, *_ in order] for order in orders])
    score_KN = np.array([[NAN if s is None else s for _, s, *_ in order] for order in orders])
    tokens_KN, sure_KN = (np.array([[float(p[i]) for p in order] for order in orders]) for i in (2, 3))
    cuts = [1, 2, 5, 12]
    columns = {"scores": score_KN, "tokens": tokens_KN} | dict.fromkeys(CONFIDENCE, sure_KN)
    columns["drafts"] = np.tile(np.arange(12.0), (len(orders), 1))
    # the pool's groups: more of them than these orders may hold
    right_KG = np.array([[g in own for g in range(4)] for own in (rights if right is None else [right])])
    ballots = Ballots(group_KN, cuts, columns, right_KG)
    for name, vote in VOTES.items():
        expected = [
            [naive(name, order[:cut], own) for cut in cuts] for order, own in zip(orders, rights, strict=True)
        ]
        assert vote.choose(ballots).tolist() == expected, name
        assert vote.totals is None or vote.totals(ballots).shape == ballots.first_KG.shape, name


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


def test_of_two_pairs_among_the_five_shortest_the_one_with_the_shortest_path_wins():
    group_KN = np.array([[0, 1, 2, 1, 0, -1, 0]])
    tokens_KN = np.array([[9.0, 7.0, 8.0, 5.0, 6.0, 1.0, 10.0]])
    ballots = Ballots(group_KN, [3, 6, 7], {"tokens": tokens_KN})
    assert VOTES["short_5"].choose(ballots).tolist() == [[1, 1, 1]]
    assert VOTES["short_1"].choose(ballots).tolist() == [[1, 1, 1]]
    assert VOTES["first_3"].choose(ballots).tolist() == [[0, 0, 0]]
    assert VOTES["longest"].choose(ballots).tolist() == [[0, 0, 0]]


@given(st.lists(st.lists(st.floats(0, 30, width=32), max_size=9), max_size=5), st.integers(1, 10))
def test_windows_of_many_paths_are_those_of_each_alone(paths, window):
    flat = np.array([value for path in paths for value in path], dtype=float)
    columns = group(flat, np.array([len(path) for path in paths], dtype=np.int64), window)
    for place, path in enumerate(paths):
        groups = [path[i : i + window] for i in range(max(1, len(path) - window + 1))]
        means = [math.fsum(one) / max(1, len(one)) for one in groups]
        wanted = (math.fsum(path) / max(1, len(path)), min(means), means[-1])
        assert [column[place] for column in columns] == pytest.approx(wanted, abs=1e-9)


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
