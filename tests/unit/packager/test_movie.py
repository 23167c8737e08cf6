"""The header of a track file: read as it was written, and as PyAV reads it."""

import io
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.errors import DataLoss, InvalidInput, MatineeError
from packager.boxes import box, children
from packager.codecs import AacConfig, AvcConfig
from packager.entries import AudioEntry, Colour, VideoEntry
from packager.index import AssetIndex
from packager.movie import Movie, TrackExtends, brands, file_type

U16 = st.integers(0, 2**16 - 1)
U32 = st.integers(0, 2**32 - 1)
COLOURS = st.builds(Colour, U16, U16, U16, st.booleans())
VIDEO = st.builds(
    VideoEntry,
    st.integers(0, 8192),
    U16,
    st.binary(max_size=40),
    COLOURS,
    st.fractions(Fraction(1, 7), 7, max_denominator=99),
)
AUDIO = st.builds(AudioEntry, U16, U16, st.binary(max_size=300))
LANGUAGES = st.from_regex("[a-z]{3}", fullmatch=True)
MOVIES = st.builds(Movie, VIDEO | AUDIO, st.integers(1, 2**32 - 1), LANGUAGES, st.builds(TrackExtends, U32, U32, U32))


def body(data: bytes) -> bytes:
    (only,) = children(data)
    return data[only.payload_start : only.end]


@given(MOVIES)
def test_a_header_is_read_as_it_was_written(movie: Movie) -> None:
    assert Movie.decode(body(movie.encode())) == movie


@given(MOVIES, st.data())
def test_a_damaged_header_is_refused_or_read_but_never_crashes(movie: Movie, data: st.DataObject) -> None:
    damaged = bytearray(body(movie.encode()))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(MatineeError):
        Movie.decode(bytes(damaged)).encode()


def test_pixels_too_wide_to_be_shown_are_refused() -> None:
    with pytest.raises(InvalidInput, match="too wide to be shown"):
        VideoEntry(1920, 1080, b"", sample_aspect=Fraction(1000))


def test_pyav_sees_the_colour_the_aspect_and_the_language(title: tuple[AssetIndex, Path]) -> None:
    _, directory = title
    with av.open(str(directory / "v180.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.colorspace, stream.codec_context.color_primaries) == (1, 1)
        assert (stream.sample_aspect_ratio, stream.time_base) == (Fraction(1), Fraction(1, 24000))
    with av.open(str(directory / "a1-deu.mp4")) as container:
        assert container.streams.audio[0].language == "deu"


def test_wide_pixels_are_kept(title: tuple[AssetIndex, Path]) -> None:
    data = (title[1] / "v180.mp4").read_bytes()
    ftyp, moov = children(data)[:2]
    movie = Movie.decode(data[moov.payload_start : moov.end])
    assert isinstance(movie.entry, VideoEntry)
    wide = VideoEntry(320, 180, movie.entry.config, sample_aspect=Fraction(4, 3))
    file = data[: ftyp.end] + Movie(wide, movie.timescale).encode() + data[moov.end :]
    with av.open(io.BytesIO(file), "r") as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_the_brand_is_cmaf() -> None:
    assert brands(body(file_type())) == (b"cmfc", b"iso6", b"dash")


@pytest.mark.parametrize("tracks", [0, 2])
def test_a_file_of_another_number_of_tracks_is_refused(tracks: int) -> None:
    with pytest.raises(InvalidInput, match=f"{tracks} tracks where one belongs"):
        Movie.decode(box(b"trak") * tracks)


def test_a_track_of_another_codec_is_refused() -> None:
    movie = Movie(AudioEntry(2, 48000, b"\x11\x90"), 48000).encode().replace(b"mp4a", b"ac-3")
    with pytest.raises(InvalidInput, match="'ac-3', neither AVC nor AAC"):
        Movie.decode(body(movie))


def test_codecs_of_avc_are_profile_constraints_and_level() -> None:
    config = AvcConfig.decode(b"\x01\x64\x00\x28\xff\xe1\x00")
    assert (config.codecs, config.length_size) == ("avc1.640028", 4)


def test_codecs_of_aac_are_its_object_type() -> None:
    assert AacConfig.decode(b"\x11\x90") == AacConfig(2, 48000, 2)
    assert AacConfig.decode(b"\x11\x90").codecs == "mp4a.40.2"


@pytest.mark.parametrize("config", [b"", b"\x01\x64", b"\x02\x64\x00\x28\xff\xe1\x00"])
def test_a_damaged_avc_configuration_is_refused(config: bytes) -> None:
    with pytest.raises(DataLoss):
        AvcConfig.decode(config)


@pytest.mark.parametrize("config", [b"", b"\x11", b"\x17\x90", b"\x11\x80"])
def test_an_odd_aac_configuration_is_refused(config: bytes) -> None:
    with pytest.raises((DataLoss, InvalidInput)):
        AacConfig.decode(config)


@given(st.binary(max_size=60))
def test_the_search_for_an_idr_ends_on_any_bytes(sample: bytes) -> None:
    assert AvcConfig(100, 0, 40, 4).starts_with_idr(sample) in {True, False}


def test_an_idr_is_found_behind_other_units() -> None:
    config = AvcConfig(100, 0, 40, 4)
    information, idr, plain = (bytes((0, 0, 0, 2, kind, 0)) for kind in (6, 0x65, 0x41))
    assert config.starts_with_idr(information + idr)
    assert not config.starts_with_idr(information + plain + idr)
    assert not config.starts_with_idr(information)
