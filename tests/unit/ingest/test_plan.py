"""The plan of a film: one timeline, spans of whole segments, one track per audio stream."""

from fractions import Fraction

import pytest

from ingest.plan import Plan, plan
from ingest.source import Picture, Sound, Source
from matinee.settings import LadderSettings

SETTINGS = LadderSettings()


def source(
    rate: Fraction = Fraction(25),
    seconds: Fraction = Fraction(100),
    *,
    timed: bool = True,
    sounds: tuple[Sound, ...] = (),
) -> Source:
    picture = Picture(
        stream=0,
        codec="h264",
        width=1280,
        height=720,
        sample_aspect=Fraction(1),
        rotation=0,
        interlaced=False,
        bit_depth=8,
        transfer="sdr",
        matrix="bt709",
        full_range=False,
        frame_rate=rate,
        timed=timed,
        start=Fraction(7, 5),
        duration=seconds,
        frames=int(seconds * rate),
        keyframes=tuple(Fraction(7, 5) + 4 * number for number in range(25)),
    )
    return Source(container="mov", picture=picture, sounds=sounds)


def sound(language: str, *, default: bool = False) -> Sound:
    return Sound(
        stream=1, codec="aac", language=language, channels=2, layout="stereo", default=default, ends=Fraction(100)
    )


@pytest.mark.parametrize(
    ("rate", "gop_frames"),
    [("24", 48), ("24000/1001", 48), ("25", 50), ("30000/1001", 60), ("30", 60), ("60", 120), ("60000/1001", 120)],
)
def test_a_gop_is_two_seconds_of_whole_frames(rate: str, gop_frames: int) -> None:
    assert plan(source(Fraction(rate)), SETTINGS).gop_frames == gop_frames


def test_spans_are_whole_segments_and_cover_every_frame_once() -> None:
    spans = plan(source(seconds=Fraction(1000)), SETTINGS).spans
    assert [(span.first, span.frames) for span in spans] == [(first, 750) for first in range(0, 24_750, 750)] + [
        (24_750, 250)
    ]


@pytest.mark.parametrize(
    ("seconds", "spans"),
    [(4, [4]), (40, [6, 6, 6, 6, 6, 6, 4]), (96, [6] * 16), (100, [12] * 8 + [4]), (470, [30] * 15 + [20])],
)
def test_a_short_film_is_cut_finer_so_that_every_core_has_work(seconds: int, spans: list[int]) -> None:
    assert [span.frames / 25 for span in plan(source(seconds=Fraction(seconds)), SETTINGS).spans] == spans


def test_a_span_is_entered_at_the_last_keyframe_before_it() -> None:
    seeks = [span.seek for span in plan(source(seconds=Fraction(30)), SETTINGS).spans]
    assert seeks == [None, Fraction(27, 5), Fraction(67, 5), Fraction(87, 5), Fraction(127, 5)]


def test_a_film_without_presentation_times_is_one_span() -> None:
    assert [span.frames for span in plan(source(timed=False), SETTINGS).spans] == [2500]


def test_every_audio_stream_is_a_track_and_one_is_the_default() -> None:
    tracks = plan(source(sounds=(sound("eng"), sound("deu", default=True), sound("und"))), SETTINGS).audio
    assert [(track.name, track.label, track.default) for track in tracks] == [
        ("a0-eng", "English", False),
        ("a1-deu", "German", True),
        ("a2-und", "Audio", False),
    ]


def test_tracks_of_one_language_are_numbered() -> None:
    sounds = tuple(map(sound, ("eng", "und", "eng", "ces", "und")))
    labels = [track.label for track in plan(source(sounds=sounds), SETTINGS).audio]
    assert labels == ["English 1", "Audio 1", "English 2", "Czech", "Audio 2"]


def test_a_plan_survives_json() -> None:
    made = plan(source(Fraction(24000, 1001), sounds=(sound("eng"),)), SETTINGS)
    assert Plan.model_validate_json(made.model_dump_json()) == made
