"""Declared rates are those of the bytes (Apple 1.26, 1.27, 1.30; DASH minBufferTime)."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from packager.bandwidth import Bandwidth, buffer_time, measure
from packager.index import Segment

SIZES = st.lists(st.integers(1, 10_000_000), min_size=1, max_size=30)
DURATIONS = st.integers(1, 8000)


def segments(*parts: tuple[int, int]) -> list[Segment]:
    """Segments of so many bytes and milliseconds."""
    return [Segment(0, size, duration) for size, duration in parts]


def test_1_26_the_average_is_all_bits_over_all_time() -> None:
    assert measure(segments((1000, 6000), (3000, 2000)), 1000, 6).average == 4000


def test_1_27_the_peak_is_the_busiest_segment() -> None:
    assert measure(segments((6000, 6000), (12000, 6000), (6000, 6000)), 1000, 6).peak == 16000


def test_1_27_a_run_shorter_than_half_a_target_duration_does_not_count_alone() -> None:
    assert measure(segments((6000, 6000), (9000, 2000)), 1000, 6).peak == 15000


def test_1_27_a_run_longer_than_one_and_a_half_target_durations_does_not_count() -> None:
    assert measure(segments((6000, 6000), (60000, 1000), (6000, 6000)), 1000, 6).peak == -(-66000 * 8 // 7)


def test_the_peak_of_a_title_shorter_than_half_a_target_duration_is_its_average() -> None:
    assert measure(segments((1000, 1000)), 1000, 6) == Bandwidth(8000, 8000)


def test_minimal_buffer_time_of_a_steady_track_is_one_segment() -> None:
    assert buffer_time(segments((6000, 6000), (6000, 6000)), 1000, 8000) == 6


@given(st.lists(st.tuples(st.integers(1, 10_000_000), DURATIONS), min_size=1, max_size=12))
def test_minimal_buffer_time_holds_from_the_start_of_every_segment(parts: list[tuple[int, int]]) -> None:
    bandwidth = measure(segments(*parts), 1000, 6).peak
    wait = buffer_time(segments(*parts), 1000, bandwidth)
    for first in range(len(parts)):
        arrived = due = Fraction(0)
        for size, duration in parts[first:]:
            arrived += Fraction(size * 8, bandwidth)
            assert arrived <= wait + due
            due += Fraction(duration, 1000)


@given(st.lists(st.tuples(st.integers(1, 10_000_000), DURATIONS), min_size=1, max_size=12))
def test_the_peak_is_never_below_any_whole_target_duration(parts: list[tuple[int, int]]) -> None:
    measured = measure(segments(*parts), 1000, 6)
    for size, duration in parts:
        if 3000 <= duration <= 9000:
            assert measured.peak >= size * 8 * 1000 // duration
