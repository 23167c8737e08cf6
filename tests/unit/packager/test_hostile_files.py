"""Damaged and hostile files: refused with a sentence, in bounded time, and never a crash."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.errors import MatineeError
from packager.index import AssetIndex
from packager.inspection import inspect
from packager.sources import SourceFile
from packager.timeline import Timeline
from packager.tracks import write_audio_track, write_video_track
from tests.unit.packager.conftest import Encode


@pytest.fixture(scope="module")
def clip(encode_video: Encode) -> bytes:
    return encode_video(60).read_bytes()


EDITS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)
fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def damage(data: bytes, edits: list[tuple[float, int]], kept: float = 1.0) -> bytes:
    damaged = bytearray(data[: round(len(data) * kept)] or b"\0")
    for place, value in edits:
        damaged[int(place * len(damaged))] = value
    return bytes(damaged)


def headers(data: bytes) -> bytes:
    """The bytes without samples, where every byte counts."""
    return data[: data.index(b"mdat") + 4]


@fuzzed
@given(edits=EDITS, kept=st.floats(0, 1))
def test_a_damaged_source_is_packaged_or_refused(
    clip: bytes, timeline: Timeline, tmp_path: Path, edits: list[tuple[float, int]], kept: float
) -> None:
    source = tmp_path / "source.mp4"
    head = headers(clip)
    source.write_bytes(damage(head, edits) + damage(clip[len(head) :], [], kept))
    with suppress(MatineeError):
        write_video_track([source], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)
    with suppress(MatineeError):
        write_audio_track(source, timeline, tmp_path / "a.mp4", name="a.mp4")


@fuzzed
@given(edits=EDITS)
def test_a_damaged_track_is_inspected_or_refused(
    title: tuple[AssetIndex, Path], tmp_path: Path, edits: list[tuple[float, int]]
) -> None:
    data = (title[1] / "a0-eng.mp4").read_bytes()
    path = tmp_path / "a.mp4"
    path.write_bytes(damage(headers(data), edits) + data[len(headers(data)) :])
    with suppress(MatineeError):
        inspect(path)


@fuzzed
@given(data=st.binary(max_size=300))
def test_noise_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(data)
    with pytest.raises(MatineeError):
        SourceFile(path)
    with pytest.raises(MatineeError):
        inspect(path)
