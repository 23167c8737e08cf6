"""EASE is what the closed form says, and ranks what was held out of MovieLens-100K."""

from statistics import mean

import numpy as np
import pytest

from bench.recommendations import by_ease, by_popularity, measure, ndcg, ratings
from control.analytics import ease


def test_every_column_solves_the_regression_of_a_title_on_the_others() -> None:
    watched = np.random.default_rng(1).random((40, 6)) < 0.4
    gram = (watched.T.astype(np.float32)) @ watched
    solved = ease.weights(gram, 10.0)
    for title in range(6):
        others = [other for other in range(6) if other != title]
        ridge = gram[np.ix_(others, others)] + 10.0 * np.identity(5)
        assert solved[others, title] == pytest.approx(np.linalg.solve(ridge, gram[others, title]), abs=1e-5)
        assert solved[title, title] == 0


def test_accounts_of_one_size_count_as_one_each() -> None:
    gram = ease.co_watched([np.array([0, 1]), np.array([1, 2])], 3)
    assert gram == pytest.approx(np.array([[1, 1, 0], [1, 2, 1], [0, 1, 1]]))


def test_without_history_nothing_is_recommended() -> None:
    assert not ease.fit([], 3).any()


def test_what_is_watched_together_speaks_for_each_other() -> None:
    together, apart = np.array([0, 1]), np.array([2, 3])
    learnt = ease.fit([together] * 20 + [apart] * 20, 4)
    assert np.argmax(learnt[0]) == 1
    assert np.argmax(learnt[2]) == 3


@pytest.mark.parametrize(
    ("scores", "known", "relevant", "gain"),
    [
        ([3, 2, 1], [0, 0, 0], [1, 0, 0], 1.0),
        ([3, 2, 1], [0, 0, 0], [0, 1, 0], 1 / np.log2(3)),
        ([3, 2, 1], [1, 0, 0], [0, 1, 0], 1.0),
        ([3, 2, 1], [0, 0, 0], [0, 0, 1], 0.0),
        ([3, 2, 1], [0, 0, 0], [1, 0, 1], 1 / (1 + 1 / np.log2(3))),
    ],
)
def test_the_gain_is_discounted_by_rank_and_normalised(
    scores: list[int], known: list[int], relevant: list[int], gain: float
) -> None:
    rows = (np.array([scores], dtype=float), np.array([known], dtype=bool), np.array([relevant], dtype=bool))
    assert ndcg(*rows, top=2) == pytest.approx(gain)


def test_accounts_of_which_nothing_was_held_out_do_not_count() -> None:
    scores, known = np.array([[2.0, 1.0], [2.0, 1.0]]), np.zeros((2, 2), dtype=bool)
    assert ndcg(scores, known, np.array([[True, False], [False, False]])) == 1.0


def test_it_ranks_movielens_as_well_as_it_should_and_far_better_than_popularity() -> None:
    rated = ratings()
    gain = mean(measure(by_ease, rated, seed)[0] for seed in range(3))
    assert gain >= 0.449
    assert gain > 1.5 * measure(by_popularity, rated, 0)[0]
