"""Timelines: GOPs, segments and the cuts of sound, exact for every rate."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.errors import InvalidInput
from packager.timeline import Timeline

RATES = [Fraction(rate) for rate in (12, 15, 24, 25, 30, 50, 60)] + [Fraction(n, 1001) for n in (24000, 30000, 60000)]
timelines = st.builds(
    Timeline, st.sampled_from(RATES), st.integers(1, 5_000), st.integers(1, 250), st.just(3)
) | st.builds(Timeline, st.fractions(1, 60, max_denominator=1001), st.integers(1, 500), st.just(48), st.integers(1, 5))


@given(timelines)
def test_gops_hold_every_frame_once(timeline: Timeline) -> None:
    assert sum(timeline.gop_lengths) == timeline.frames
    assert len(timeline.gop_lengths) == timeline.gops
    assert min(timeline.gop_lengths) >= 1


@given(timelines)
def test_a_frame_lasts_a_whole_number_of_ticks(timeline: Timeline) -> None:
    assert Fraction(timeline.frame_ticks, timeline.timescale) == timeline.frame_duration


@given(timelines)
def test_sound_is_cut_at_the_first_frame_at_or_after_t0_and_its_gop(timeline: Timeline) -> None:
    for gop, cut in enumerate(timeline.audio_cuts[1:-1], 1):
        content = timeline.lead_in + gop * timeline.gop_frames * timeline.frame_duration
        assert 0 <= cut * Fraction(1024, 48000) - content < Fraction(1024, 48000)


@given(st.builds(Timeline, st.sampled_from(RATES), st.integers(1, 5_000), st.integers(3, 250), st.just(3)))
def test_no_audio_fragment_is_empty(timeline: Timeline) -> None:
    assert all(end > start for start, end in pairwise(timeline.audio_cuts))
    assert len(timeline.audio_cuts) == timeline.gops + 1


@given(timelines)
def test_the_lead_in_has_room_for_the_priming(timeline: Timeline) -> None:
    assert timeline.lead_in >= Fraction(1024, 48000)


@given(timelines)
def test_sound_ends_with_the_picture_or_within_two_aac_frames(timeline: Timeline) -> None:
    end = timeline.lead_in + timeline.duration
    assert 0 <= timeline.audio_frames * Fraction(1024, 48000) - end < 2 * Fraction(1024, 48000)


def test_a_title_at_23_976_has_its_exact_timescale() -> None:
    timeline = Timeline(Fraction(24000, 1001), frames=100, gop_frames=48, segment_gops=3)
    assert (timeline.timescale, timeline.frame_ticks) == (24000, 1001)
    assert timeline.gop_lengths == (48, 48, 4)
    assert timeline.lead_in == Fraction(1001, 12000)


@pytest.mark.parametrize("rate", [Fraction(61), Fraction(0), Fraction(-1), Fraction(1_000_001, 1_000_000)])
def test_frame_rates_that_no_track_can_have_are_refused(rate: Fraction) -> None:
    with pytest.raises(InvalidInput):
        Timeline(rate, frames=1, gop_frames=1, segment_gops=1)


@pytest.mark.parametrize("counts", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (65536, 1, 1)])
def test_counts_that_no_title_can_have_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput):
        Timeline(Fraction(24), *counts)
