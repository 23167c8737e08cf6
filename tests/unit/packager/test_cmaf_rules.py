"""Each rule of CMAF tracks, broken in the bytes of a real title, and the fault that says so."""

import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from packager.boxes import box, children
from packager.fragments import DecodeTime, FragmentHeader, TrackFragmentHeader, TrackRun
from packager.index import AssetIndex
from packager.timeline import Timeline
from packager.validation import judge

Break = Callable[[bytearray], None]


@pytest.fixture
def directory(title: tuple[AssetIndex, Path], tmp_path: Path) -> Path:
    """A copy of the title that a test may break."""
    return Path(shutil.copytree(title[1], tmp_path / "title"))


@pytest.fixture
def index(title: tuple[AssetIndex, Path]) -> AssetIndex:
    return title[0]


def edit(path: Path, change: Break) -> None:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def at(data: bytes | bytearray, kind: bytes, number: int = 0) -> int:
    """Where the payload of the nth box of a kind starts."""
    found = data.index(kind)
    for _ in range(number):
        found = data.index(kind, found + 4)
    return found + 4


def put(kind: bytes, offset: int, value: bytes, number: int = 0) -> Break:
    """Overwrites bytes of the nth box of a kind, `offset` bytes into its payload."""

    def change(data: bytearray) -> None:
        start = at(data, kind, number) + offset
        data[start : start + len(value)] = value

    return change


def rename(kind: bytes, other: bytes) -> Break:
    def change(data: bytearray) -> None:
        start = at(data, kind) - 4
        data[start : start + 4] = other

    return change


def forget_brand(data: bytearray) -> None:
    data[: data.index(b"moov")] = data[: data.index(b"moov")].replace(b"cmfc", b"isom")


def append(*more: bytes) -> Break:
    return lambda data: data.extend(b"".join(more))


def negative_offset(data: bytearray) -> None:
    """Makes the last composition offset of the first fragment -1, in a run of version 1."""
    start = at(data, b"trun")
    data[start] = 1
    end = start - 8 + struct.unpack_from(">I", data, start - 8)[0]
    data[end - 4 : end] = struct.pack(">i", -1)


def later_offset(data: bytearray) -> None:
    """Shows the first picture one tick later."""
    start = at(data, b"trun") + 16
    data[start + 4 : start + 8] = struct.pack(">I", struct.unpack_from(">I", data, start + 4)[0] + 1)


def edit_list(data: bytearray) -> None:
    """Puts an edit list into `trak`."""
    entry = struct.pack(">IIIiI", 0, 1, 1000, 2000, 0x10000)
    edts = box(b"edts", box(b"elst", entry))
    moov = next(child for child in children(bytes(data)) if child.kind == b"moov")
    inner = bytes(data[moov.payload_start : moov.end])
    trak = next(child for child in children(inner) if child.kind == b"trak")
    for start, size in ((moov.start, moov.size), (moov.payload_start + trak.start, trak.size)):
        data[start : start + 4] = struct.pack(">I", size + len(edts))
    end = moov.payload_start + trak.end
    data[end:end] = edts


def two_runs(data: bytearray) -> None:
    """Writes the last fragment with its samples in two runs."""
    last = [child for child in children(bytes(data)) if child.kind == b"moof"][-1]
    header = (
        FragmentHeader(3).encode(),
        TrackFragmentHeader(duration=1000, flags=0).encode(),
        DecodeTime(48000).encode(),
    )
    runs = [TrackRun(1, 0, sizes=(8,)).encode(), TrackRun(1, 8, sizes=(8,)).encode()]
    moof = box(b"moof", header[0], box(b"traf", *header[1:], *runs))
    data[last.start :] = moof + box(b"mdat", bytes(16))


def plain_idr(data: bytearray) -> None:
    """Makes the slice of the second keyframe an ordinary one."""
    sample = at(data, b"mdat", 1)
    while data[sample + 4] & 0x1F != 5:
        sample += 4 + struct.unpack_from(">I", data, sample)[0]
    data[sample + 4] = 0x41


def second_sidx(data: bytearray) -> None:
    sidx = next(child for child in children(bytes(data)) if child.kind == b"sidx")
    data[sidx.end : sidx.end] = data[sidx.start : sidx.end]


CASES: dict[str, tuple[str, Break, str]] = {
    "brand": ("v180.mp4", forget_brand, "does not carry the brand cmfc"),
    "box order": ("v180.mp4", append(box(b"free")), "not ftyp, moov, one sidx"),
    "one traf and trun": ("v180.mp4", two_runs, "fragment 3 has not one traf with one trun"),
    "addresses from moof": ("v180.mp4", put(b"tfhd", 1, b"\0"), "fragment 1 has addresses that do not count from moof"),
    "samples are the mdat": (
        "a0-eng.mp4",
        put(b"trun", 8, struct.pack(">i", 99), 1),
        "fragment 2 does not fill its mdat",
    ),
    "sequence": ("v180.mp4", put(b"mfhd", 4, struct.pack(">I", 7)), "not numbered from 1"),
    "no gap": ("a0-eng.mp4", put(b"tfdt", 4, struct.pack(">Q", 96001), 1), "fragment 2 starts at 96001"),
    "start at 0": ("v180.mp4", put(b"tfdt", 4, struct.pack(">Q", 1)), "fragment 1 starts at 1 where 0"),
    "no edit list": ("v180.mp4", edit_list, "there is an edit list"),
    "no negative offset": ("v180.mp4", negative_offset, "fragment 1 has a negative composition offset"),
    "one start": ("v180.mp4", later_offset, "not shown 2 frame durations after its turn"),
    "closed GOP, IDR": ("v180.mp4", plain_idr, "fragment 2 is not one closed GOP"),
    "closed GOP, sync": (
        "v180.mp4",
        put(b"trun", 12, struct.pack(">I", 0x01010000)),
        "fragment 1 is not one closed GOP",
    ),
    "switching set": (
        "v90.mp4",
        put(b"tfdt", 4, struct.pack(">Q", 23999), 1),
        "renditions do not have the same fragments",
    ),
    "frame rate": ("v90.mp4", put(b"tfhd", 8, struct.pack(">I", 999)), "the GOPs are not those of the timeline"),
    "colour": ("v180.mp4", rename(b"colr", b"free"), "the sample entry has no colr"),
    "pixel aspect": ("v180.mp4", rename(b"pasp", b"free"), "the sample entry has no pasp"),
    "sidx sizes": ("v180.mp4", put(b"sidx", 32, struct.pack(">I", 10)), "do not sum to the end of the file"),
    "sidx segments": ("v180.mp4", put(b"sidx", 36, struct.pack(">I", 10)), "the sidx does not list the segments"),
    "sidx SAP": ("v180.mp4", put(b"sidx", 40, b"\0"), "does not start with a SAP of type 1"),
    "sidx start": (
        "v180.mp4",
        put(b"sidx", 8, struct.pack(">I", 90000)),
        "the sidx does not start where the track does",
    ),
    "one sidx": ("v180.mp4", second_sidx, "there are 2 sidx boxes"),
}


@pytest.mark.parametrize(("name", "change", "fault"), CASES.values(), ids=CASES.keys())
def test_a_broken_rule_is_a_fault(index: AssetIndex, directory: Path, name: str, change: Break, fault: str) -> None:
    edit(directory / name, change)
    assert any(fault in found and found.startswith((name, "the")) for found in judge(index, directory).faults)


def test_a_title_needs_an_avc_set_of_profile_high(index: AssetIndex, directory: Path) -> None:
    for name in ("v180.mp4", "v90.mp4"):
        edit(directory / name, put(b"avcC", 1, b"\x4d"))
    assert "no rendition is AVC High of level 5.2 at most" in judge(index, directory).faults


def test_a_title_needs_stereo_sound(index: AssetIndex, directory: Path) -> None:
    for name in ("a0-eng.mp4", "a1-deu.mp4"):
        edit(
            directory / name, lambda data: put(b"esds", data.index(b"\x11\x90") - at(data, b"esds"), b"\x11\x88")(data)
        )
    assert "no audio track is AAC-LC stereo at 48 kHz" in judge(index, directory).faults


def test_sound_must_be_cut_where_the_pictures_are(index: AssetIndex, directory: Path) -> None:
    other = replace(index, timeline=Timeline(Fraction(24), frames=60, gop_frames=20, segment_gops=2))
    assert "a0-eng.mp4: sound is not cut where the pictures are" in judge(other, directory).faults


def test_track_ends_must_agree(index: AssetIndex, directory: Path) -> None:
    other = replace(index, timeline=Timeline(Fraction(24), frames=96, gop_frames=24, segment_gops=2))
    assert "a0-eng.mp4: the track does not end with the title" in judge(other, directory).faults


def test_a_file_must_be_of_the_kind_that_the_index_says(index: AssetIndex, directory: Path) -> None:
    shutil.copy(directory / "a0-eng.mp4", directory / "v90.mp4")
    assert "v90.mp4: the file is not video" in judge(index, directory).faults


def test_the_index_must_describe_the_files(index: AssetIndex, directory: Path) -> None:
    first, *others = index.tracks
    other = replace(index, tracks=(replace(first, keyframe_sizes=(1, 2, 3)), *others))
    assert "v180.mp4: the asset index does not describe the file" in judge(other, directory).faults
