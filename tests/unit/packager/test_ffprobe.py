"""Track files as the real ffprobe reads them, against our own reader and the asset index: two that never met agree."""

import json
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from packager.entries import AudioEntry, VideoEntry
from packager.fragments import Sample
from packager.index import AssetIndex, Track
from packager.sources import SourceFile
from packager.timeline import Timeline
from packager.tracks import write_audio_track, write_video_track
from tests.machine import require
from tests.unit.packager.conftest import Encode

PROFILES = {0x64: "High"}
COLOURS = {1: "bt709", 6: "smpte170m"}
"""Code points of ISO/IEC 23091-2, as ffprobe names them for primaries, transfer and matrix."""
RANGES = {False: "tv", True: "pc"}


class Packet(NamedTuple):
    """A sample: times in ticks, bytes from the start of the file."""

    pts: int
    dts: int
    duration: int
    size: int
    key: bool
    position: int

    @property
    def end(self) -> int:
        """Where its bytes end in the file."""
        return self.position + self.size


class Probed(NamedTuple):
    """What ffprobe says of a file: of its one stream, and of every packet."""

    stream: dict[str, Any]
    packets: list[Packet]


def probe(path: Path) -> Probed:
    """Ask ffprobe."""
    require("ffprobe")
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_packets", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    (stream,), packets = told["streams"], told["packets"]
    # Debian's ffprobe 5.1 does not say how long the first packet of sound lasts; FFmpeg 8 does.
    packets[0].setdefault("duration", packets[1]["dts"] - packets[0]["dts"])
    return Probed(stream, [_packet(each) for each in packets])


def _packet(told: dict[str, Any]) -> Packet:
    pts, dts, duration, size, position = (int(told[name]) for name in ("pts", "dts", "duration", "size", "pos"))
    return Packet(pts, dts, duration, size, "K" in told["flags"], position)


def read(path: Path) -> list[Packet]:
    """Ask our own reader."""
    with SourceFile(path) as file:
        return [packet for _, start, samples in file.fragments() for packet in _decoded_from(start, samples)]


def _decoded_from(start: int, samples: list[Sample]) -> Iterator[Packet]:
    """The samples of a fragment, the first of which is decoded at `start`."""
    clocks = accumulate((sample.duration for sample in samples), initial=start)
    for sample, clock in zip(samples, clocks, strict=False):
        yield Packet(sample.shown, clock, sample.duration, sample.size, sample.sync, sample.offset)


@pytest.fixture(scope="session")
def odd_title(
    encode_video: Encode, encode_audio: Encode, tmp_path_factory: pytest.TempPathFactory
) -> tuple[AssetIndex, Path]:
    """23.976 frames a second, pixels of 4:3, colours of television in standard definition, and mono."""
    timeline = Timeline(Fraction(24000, 1001), frames=60, gop_frames=24, segment_gops=2)
    directory = tmp_path_factory.mktemp("odd")
    colours = "color_primaries=smpte170m:color_trc=smpte170m:colorspace=smpte170m:range=tv"
    looks = ("-vf", f"setsar=4/3,setparams={colours}")
    pictures = encode_video(60, *looks, rate="24000/1001", size="120x90")
    sound = encode_audio(timeline.audio_frames, "-ac", "1")
    tracks = (
        write_video_track([pictures], timeline, directory / "v90.mp4", name="v90.mp4", rung=90),
        write_audio_track(sound, timeline, directory / "a0-fra.mp4", name="a0-fra.mp4", language="fra"),
    )
    return AssetIndex(timeline, tracks), directory


@pytest.fixture(params=["title", "odd_title"])
def packaged(request: pytest.FixtureRequest) -> tuple[AssetIndex, Path]:
    found: tuple[AssetIndex, Path] = request.getfixturevalue(request.param)
    return found


def test_every_packet_is_the_one_that_our_reader_reads(packaged: tuple[AssetIndex, Path]) -> None:
    index, directory = packaged
    for track in index.tracks:
        path = directory / track.name
        assert probe(path).packets == read(path)


def test_fragments_lie_where_the_index_says(packaged: tuple[AssetIndex, Path]) -> None:
    index, directory = packaged
    for track in index.tracks:
        packets = probe(directory / track.name).packets
        for start, end, duration in zip(track.offsets, track.offsets[1:], track.durations, strict=False):
            inside = [each for each in packets if start < each.position < end]
            assert sum(each.duration for each in inside) == duration
            assert all(now.end == later.position for now, later in pairwise(inside))
            assert inside[-1].end == end


def test_keyframes_lie_where_the_index_says_and_nowhere_else(packaged: tuple[AssetIndex, Path]) -> None:
    index, directory = packaged
    for track in index.video():
        ends = [each.end for each in probe(directory / track.name).packets if each.key]
        assert ends == [start + size for start, size in zip(track.offsets, track.keyframe_sizes, strict=False)]


def test_pictures_are_those_of_the_index_and_the_sample_entry(packaged: tuple[AssetIndex, Path]) -> None:
    index, directory = packaged
    for track in index.video():
        stream = probe(directory / track.name).stream
        entry = entry_of(directory / track.name)
        assert isinstance(entry, VideoEntry)
        profile, level = int(track.codecs[5:7], 16), int(track.codecs[9:11], 16)
        assert (stream["codec_name"], stream["codec_tag_string"]) == ("h264", track.codecs[:4])
        assert (stream["profile"], stream["level"]) == (PROFILES[profile], level)
        assert (stream["width"], stream["height"]) == (track.width, track.height)
        assert Fraction(stream["sample_aspect_ratio"].replace(":", "/")) == track.sample_aspect
        assert Fraction(stream["avg_frame_rate"]) == index.timeline.frame_rate
        colours = stream["color_primaries"], stream["color_transfer"], stream["color_space"]
        told = entry.colour.primaries, entry.colour.transfer, entry.colour.matrix
        assert colours == tuple(COLOURS[each] for each in told)
        assert stream["color_range"] == RANGES[entry.colour.full_range]


def test_sound_is_that_of_the_index_and_the_sample_entry(packaged: tuple[AssetIndex, Path]) -> None:
    index, directory = packaged
    for track in index.audio():
        stream = probe(directory / track.name).stream
        entry = entry_of(directory / track.name)
        assert isinstance(entry, AudioEntry)
        assert (stream["codec_name"], stream["profile"], track.codecs) == ("aac", "LC", "mp4a.40.2")
        assert int(stream["sample_rate"]) == entry.sample_rate == track.timescale
        assert stream["channels"] == entry.channels == track.channels
        assert stream["tags"]["language"] == track.language


def entry_of(path: Path) -> VideoEntry | AudioEntry:
    with SourceFile(path) as file:
        return file.movie.entry


def test_a_track_has_the_clock_and_the_length_of_the_index(packaged: tuple[AssetIndex, Path]) -> None:
    index, directory = packaged
    for track in index.tracks:
        stream = probe(directory / track.name).stream
        assert stream["time_base"] == f"1/{track.timescale}"
        assert stream["start_pts"] == first_shown(index, track)
        assert stream["duration_ts"] - stream["start_pts"] == sum(track.durations)


def first_shown(index: AssetIndex, track: Track) -> int:
    """Pictures are shown from T0 on; sound begins with the lead-in."""
    return int(index.timeline.lead_in * track.timescale) if track.kind == "video" else 0
