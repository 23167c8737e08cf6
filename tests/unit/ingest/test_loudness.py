"""Loudness: what the meter says, which level comes next, and which sounds must not be published."""

import pytest

from ingest.loudness import (
    UNTOUCHED,
    Level,
    Loudness,
    corrected,
    first_level,
    loudness_faults,
    read_loudness,
    wanted_loudness,
)
from matinee.errors import DataLoss
from matinee.settings import LadderSettings

WANTED = wanted_loudness(LadderSettings())
SUMMARY = """
  Integrated loudness:
    I:         -23.4 LUFS
    Threshold: -34.3 LUFS
  True peak:
    Peak:       -5.1 dBFS
"""


def heard(integrated: float, true_peak: float) -> Loudness:
    return Loudness(integrated=integrated, true_peak=true_peak)


def level(gain: float, ceiling: float | None) -> Level:
    return Level(gain=gain, ceiling=ceiling)


def test_reads_the_summary_of_the_meter() -> None:
    assert read_loudness(SUMMARY) == heard(-23.4, -5.1)


def test_a_meter_that_says_nothing_is_an_error() -> None:
    with pytest.raises(DataLoss, match="could not be measured"):
        read_loudness("")


@pytest.mark.parametrize(
    ("source", "level"),
    [
        (heard(-20, -12), level(4, None)),
        (heard(-20, -5), level(4, -2)),
        (heard(-10, 0), level(-6, None)),
        (heard(-70, float("-inf")), UNTOUCHED),
        (heard(-70, -2), UNTOUCHED),
        (heard(-70, 0), level(0, -2)),
    ],
    ids=["room", "no room", "too loud", "silence", "short", "short, with high peaks"],
)
def test_the_first_level_is_what_the_source_lacks(source: Loudness, level: Level) -> None:
    assert first_level(WANTED, source) == level


@pytest.mark.parametrize(
    ("tried", "came_out", "next_try"),
    [
        (level(4, None), heard(-16.3, -2), level(4, None)),
        (level(4, -2), heard(-18, -2), level(6, -2)),
        (level(4, -2), heard(-16, -0.5), level(4, -2.8)),
        (level(4, None), heard(-16, -0.5), level(4, -2.8)),
        (level(9, -20), heard(-16, 15), level(9, -24)),
        (level(40, None), heard(-70, -45), level(40, None)),
        (UNTOUCHED, heard(-70, float("-inf")), UNTOUCHED),
    ],
)
def test_a_level_is_corrected_by_what_came_out(tried: Level, came_out: Loudness, next_try: Level) -> None:
    assert corrected(WANTED, tried, came_out) == next_try


def test_in_the_end_a_sound_is_only_made_quieter() -> None:
    assert corrected(WANTED, level(4, -2), heard(-18, -2), louder=False) == level(4, -2)
    assert corrected(WANTED, level(4, -2), heard(-18, -0.5), louder=False) == level(4, -2.8)
    assert corrected(WANTED, level(4, -2), heard(-14, -2), louder=False) == level(2, -2)


@pytest.mark.parametrize(
    "sound",
    [heard(-16.9, -3), heard(-15.1, -1), heard(-70, float("-inf")), heard(-70, -3), heard(-19, -1.4), heard(-50, -17)],
    ids=["quiet within 1 LU", "loud within 1 LU", "silence", "short", "held by its peaks", "clicks"],
)
def test_a_title_may_sound_like_this(sound: Loudness) -> None:
    assert loudness_faults(WANTED, sound) == []


@pytest.mark.parametrize(
    ("sound", "fault"),
    [
        (heard(-14.9, -3), "its loudness is -14.9 LUFS, not within 1 LU of -16"),
        (heard(-25, -8), "its loudness is -25 LUFS, not within 1 LU of -16"),
        (heard(-16, -0.9), "its true peak is -0.9 dBTP, above -1 dBTP"),
        (heard(-70, 0), "its true peak is 0 dBTP, above -1 dBTP"),
    ],
    ids=["loud", "quiet with room above its peaks", "peaks", "peaks of what is short"],
)
def test_a_title_must_not_sound_like_this(sound: Loudness, fault: str) -> None:
    assert loudness_faults(WANTED, sound) == [fault]
