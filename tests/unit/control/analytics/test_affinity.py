"""What is kept of what was learnt says the same, and for what reason."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control.analytics import ease
from control.analytics.affinity import NEIGHBOURS, NOTHING, baskets, decode, encode, learn
from tests.viewing import numbered

FILMS = [numbered("t", number) for number in range(6)]
TOGETHER = [(account, title) for account in range(20) for title in (0, 1)]
APART = [(account, title) for account in range(20, 40) for title in (2, 3, 4)]
LEARNT = learn(np.array(TOGETHER + APART), FILMS)


def suggested(watched: list[str], nameable: list[str] | None = None) -> list[tuple[str, str]]:
    found = LEARNT.suggest(watched, frozenset(watched if nameable is None else nameable))
    return [(each.title_id, each.because_id) for each in found]


def test_what_is_watched_together_is_suggested_with_its_reason() -> None:
    assert suggested([FILMS[0]]) == [(FILMS[1], FILMS[0])]
    assert suggested([FILMS[3], FILMS[1]])[0] == (FILMS[0], FILMS[1])


def test_what_may_not_be_named_is_no_reason_but_speaks() -> None:
    assert suggested([FILMS[0]], nameable=[]) == [(FILMS[1], "")]


@pytest.mark.parametrize("watched", [[], [FILMS[5]], [numbered("x", 1)]])
def test_what_nobody_else_watched_speaks_for_nothing(watched: list[str]) -> None:
    assert suggested(watched) == []


def test_what_is_stored_is_read_as_it_was() -> None:
    again = decode(encode(LEARNT))
    assert again.title_ids == LEARNT.title_ids
    assert np.array_equal(again.neighbours, LEARNT.neighbours)
    assert np.array_equal(again.strengths, LEARNT.strengths)


def test_without_history_there_is_nothing_to_suggest() -> None:
    again = decode(encode(learn(np.array([], dtype=np.int64), [])))
    assert again.suggest([FILMS[0]], frozenset(FILMS)) == []


def test_an_account_counts_once_for_a_title_that_it_watched_twice() -> None:
    found = baskets(np.array([(0, 1), (0, 1), (1, 0), (0, 2)]))
    assert [basket.tolist() for basket in found] == [[1, 2], [0]]


def test_each_title_keeps_those_that_it_speaks_for_most_or_against() -> None:
    titles = NEIGHBOURS + 50
    watched = np.random.default_rng(1).random((60, titles)) < 0.2
    pairs = np.argwhere(watched)
    learnt = learn(pairs, [numbered("t", number) for number in range(titles)])
    weights = np.abs(ease.fit(baskets(pairs), titles))
    assert learnt.strengths.shape == (titles, NEIGHBOURS)
    for number in (0, titles - 1):
        assert np.sort(np.abs(learnt.strengths[number])) == pytest.approx(np.sort(weights[number])[-NEIGHBOURS:])


@settings(deadline=None, max_examples=50)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30),
    watched=st.lists(st.sampled_from(FILMS), unique=True),
)
def test_nothing_is_suggested_twice_or_was_watched(pairs: list[tuple[int, int]], watched: list[str]) -> None:
    found = learn(np.array(pairs, dtype=np.int64), FILMS).suggest(watched, frozenset(watched))
    title_ids = [each.title_id for each in found]
    assert len(set(title_ids)) == len(title_ids)
    assert not set(title_ids) & set(watched)
    assert all(each.because_id in watched for each in found)


def test_nothing_is_known_before_the_first_training() -> None:
    assert NOTHING.suggest(FILMS, frozenset(FILMS)) == []
