"""Validation of a whole title: a good one has no faults, and one that cannot be read says why."""

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from matinee.errors import Cancelled
from packager.index import AssetIndex
from packager.timeline import Timeline
from packager.tracks import write_audio_track, write_video_track
from packager.validation import Verdict, judge
from tests.stopping import stopping
from tests.unit.packager.conftest import Encode


def test_a_good_title_has_no_faults(title: tuple[AssetIndex, Path]) -> None:
    assert judge(*title) == Verdict()


@pytest.mark.parametrize(
    ("timeline", "size"),
    [
        (Timeline(Fraction(24000, 1001), 30, 24, 3), "160x90"),
        (Timeline(Fraction(30000, 1001), 61, 30, 3), "98x160"),
        (Timeline(Fraction(25), 2, 50, 3), "160x68"),
        (Timeline(Fraction(60), 61, 60, 3), "160x90"),
        (Timeline(Fraction(15), 31, 30, 3), "64x64"),
    ],
)
def test_odd_titles_have_no_faults(
    timeline: Timeline, size: str, encode_video: Encode, encode_audio: Encode, tmp_path: Path
) -> None:
    encoded = encode_video(timeline.frames, rate=str(timeline.frame_rate), gop=timeline.gop_frames, size=size)
    sound = encode_audio(timeline.audio_frames)
    tracks = (
        write_video_track([encoded], timeline, tmp_path / "v90.mp4", name="v90.mp4", rung=90),
        write_audio_track(sound, timeline, tmp_path / "a0-und.mp4", name="a0-und.mp4"),
    )
    assert judge(AssetIndex(timeline, tracks), tmp_path).faults == ()
    assert judge(AssetIndex(timeline, tracks[:1]), tmp_path).faults == ()


def test_a_title_without_pictures_is_a_fault(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    assert judge(replace(index, tracks=index.audio()), directory).faults == ("the title has no video track",)


def test_a_wish_to_stop_is_heard_at_every_fragment(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    fragments = sum(len(track.sizes) for track in index.tracks)
    with pytest.raises(Cancelled):
        judge(index, directory, check=stopping(after=fragments - 1))


def test_a_missing_file_is_a_fault(title: tuple[AssetIndex, Path], tmp_path: Path) -> None:
    (fault,) = judge(title[0], tmp_path).faults
    assert "v180.mp4" in fault


@pytest.mark.parametrize("size", [0, 4, 30, 700, 5000])
def test_a_file_that_was_cut_short_is_a_fault(title: tuple[AssetIndex, Path], tmp_path: Path, size: int) -> None:
    directory = Path(shutil.copytree(title[1], tmp_path / "title"))
    with (directory / "v90.mp4").open("r+b") as file:
        file.truncate(size)
    (fault,) = judge(title[0], directory).faults
    assert fault.startswith("the title cannot be read: ")
