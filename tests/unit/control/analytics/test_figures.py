"""Start-ups that are counted by steps, and their median."""

import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.analytics.figures import median, step


@given(st.lists(st.floats(0.001, 86_400), min_size=1))
def test_the_median_is_told_to_within_one_percent(startups: list[float]) -> None:
    assert median(Counter(map(step, startups))) == pytest.approx(statistics.median(startups), rel=0.01)


def test_without_start_ups_there_is_no_median() -> None:
    assert median({}) == 0
    assert median({7: 0}) == 0


def test_a_start_at_once_and_one_that_never_ended_are_counted_too() -> None:
    assert step(0.0) == step(0.001)
    assert step(1e300) == step(86_400)
