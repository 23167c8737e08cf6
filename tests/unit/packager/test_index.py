"""The asset index: small, quick, and never believed when it is damaged."""

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.errors import DataLoss, InvalidInput
from packager.index import PREFIX, AssetIndex, Track
from packager.timeline import Timeline
from tests.unit.packager.films import two_hours

COLUMN = st.lists(st.integers(0, 2**32 - 1), max_size=5).map(tuple)
LABEL = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"'), max_size=10)
TRACKS = st.builds(
    Track,
    name=st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}\.mp4", fullmatch=True),
    kind=st.sampled_from(["video", "audio"]),
    codecs=st.just("avc1.640028"),
    timescale=st.integers(1, 2**32 - 1),
    init_size=st.integers(0, 2**16),
    sidx_size=st.integers(0, 2**16),
    sizes=COLUMN,
    durations=COLUMN,
    keyframe_sizes=COLUMN,
    sample_aspect=st.fractions(min_value=Fraction(1, 99), max_value=99),
    rung=st.integers(0, 4320),
    label=LABEL,
    default=st.booleans(),
)
TIMELINE = Timeline(Fraction(24), frames=60, gop_frames=24, segment_gops=2)


@given(st.lists(TRACKS, max_size=3).map(tuple))
def test_what_is_written_is_read_again(tracks: tuple[Track, ...]) -> None:
    index = AssetIndex(TIMELINE, tracks)
    assert AssetIndex.decode(index.encode()) == index


def test_the_same_index_is_the_same_bytes() -> None:
    assert two_hours().encode() == two_hours().encode()


def test_two_hours_in_eight_tracks_take_150_kb_at_most() -> None:
    index = two_hours()
    assert (len(index.tracks), index.timeline.gops) == (8, 3600)
    assert len(index.encode()) <= 150_000


def test_two_hours_load_in_a_few_milliseconds() -> None:
    data = two_hours().encode()

    def seconds() -> float:
        start = time.process_time()
        AssetIndex.decode(data)
        return time.process_time() - start

    assert (
        min(seconds() for _ in range(10)) < 0.015
    )  # 2.3 ms where this was written; the goal of 5 ms is bench's to check


def test_another_version_is_refused() -> None:
    data = bytearray(two_hours().encode())
    data[9] += 1
    with pytest.raises(InvalidInput, match="version 2, and this release reads version 1"):
        AssetIndex.decode(bytes(data))


@pytest.mark.parametrize("data", [b"", b"MATINEEX", b"#EXTM3U\n" * 10])
def test_what_is_no_index_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="not an asset index"):
        AssetIndex.decode(data)


@given(st.data())
def test_a_flipped_bit_is_noticed(data: Any) -> None:
    whole = bytearray(AssetIndex(TIMELINE, ()).encode())
    at = data.draw(st.integers(10, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DataLoss, match="checksum"):
        AssetIndex.decode(bytes(whole))


def test_a_cut_index_is_noticed() -> None:
    with pytest.raises(DataLoss):
        AssetIndex.decode(two_hours().encode()[:-1])


@given(st.binary(max_size=200))
def test_a_forged_body_is_refused_in_one_sentence(body: bytes) -> None:
    import zlib

    forged = zlib.compress(body)
    with pytest.raises(DataLoss, match="does not hold what it says"):
        AssetIndex.decode(PREFIX.pack(b"MATINEEX", 1, zlib.crc32(forged)) + forged)


def test_fragments_lie_one_after_the_other() -> None:
    track = replace(two_hours().tracks[0], init_size=700, sidx_size=300, sizes=(10, 20, 5))
    assert track.offsets == (1000, 1010, 1030, 1035)
    assert track.file_size == 1035
    assert track.sidx_range == (700, 1000)


def test_segments_group_fragments_and_the_last_may_be_short() -> None:
    track = replace(two_hours().tracks[0], init_size=7, sidx_size=3, sizes=(10, 20, 5), durations=(48, 48, 12))
    assert track.segments(2) == [(10, 30, 96), (40, 5, 12)]


def test_a_limit_leaves_out_taller_rungs() -> None:
    index = two_hours()
    assert [track.rung for track in index.video(720)] == [720, 540, 360, 234]
    assert [track.rung for track in index.video()] == [1080, 720, 540, 360, 234]


def test_a_limit_below_every_rung_leaves_the_lowest() -> None:
    assert [track.name for track in two_hours().offered(100)] == ["v234.mp4", "a0-eng.mp4", "a1-deu.mp4", "a2-fra.mp4"]


def test_tracks_are_found_by_name_only() -> None:
    index = two_hours()
    assert index.track("v720.mp4") is index.tracks[1]
    assert index.track("../v720.mp4") is None


@pytest.mark.parametrize("language", ["", "en", "EN-", "engl", "e\nn"])
def test_languages_that_mp4_cannot_hold_are_refused(language: str) -> None:
    with pytest.raises(InvalidInput, match="not a language of three letters"):
        replace(two_hours().audio()[0], language=language)


@pytest.mark.parametrize("name", ["../a.mp4", "a/b.mp4", "A.mp4", ".mp4", "a.mp4\n", "a.m4s", "-a.mp4", "a%2f.mp4"])
def test_names_that_are_no_plain_file_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        replace(two_hours().tracks[0], name=name)
