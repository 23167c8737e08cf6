"""Validation: a title as planned has no faults, and each kind of damage is named."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.assembly import assemble
from ingest.poster import write_poster
from ingest.signature import THUMBNAIL, Signature
from ingest.validation import judge_asset, picture_faults
from matinee.errors import Cancelled
from matinee.layout import POSTER
from matinee.settings import LadderSettings
from tests import odd_sources as odd
from tests.films import film, shared_film
from tests.stopping import stopping
from tests.titles import Title, make_title


@pytest.fixture(scope="module")
def title(tmp_path_factory: pytest.TempPathFactory) -> Title:
    return make_title(shared_film(), tmp_path_factory.mktemp("title"))


@pytest.fixture(scope="module")
def bright_title(tmp_path_factory: pytest.TempPathFactory) -> Title:
    folder = tmp_path_factory.mktemp("bright")
    return make_title(odd.high_dynamic_range(folder / "film.mp4", "smpte2084"), folder)


def looks(frames: int) -> Signature:
    return Signature(np.zeros((4, *THUMBNAIL), dtype=np.uint8), frames)


def test_a_title_as_planned_has_no_faults(title: Title) -> None:
    assert title.faults() == []


def test_a_title_of_another_film_is_seen(title: Title, tmp_path: Path) -> None:
    other = film(tmp_path / "other.mp4", video_options=["-vf", "negate", "-c:v", "libx264", "-preset", "ultrafast"])
    faults = replace(title, source=other).faults()
    assert any("does not look like the source at 0 s" in fault for fault in faults)


def test_a_title_of_a_film_in_strong_colours_has_no_faults(bright_title: Title) -> None:
    assert bright_title.faults() == []


@pytest.mark.parametrize(
    "change",
    ["tpad=start=25:start_mode=clone,trim=end_frame=75", "swapuv", "drawbox=c=black:t=fill"],
    ids=["a second late", "swapped colours", "black"],
)
def test_what_a_wrong_filter_would_make_of_strong_colours_is_seen(
    bright_title: Title, tmp_path: Path, change: str
) -> None:
    other = odd.high_dynamic_range(tmp_path / "other.mp4", "smpte2084", change)
    faults = replace(bright_title, source=other).faults()
    assert any("does not look like the source" in fault for fault in faults)


def test_damage_in_the_media_is_seen(title: Title, tmp_path: Path) -> None:
    for path in title.directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    damaged = bytearray(title.path(0).read_bytes())
    damaged[-4000:] = bytes(4000)
    (tmp_path / title.path(0).name).write_bytes(damaged)
    assert replace(title, directory=tmp_path).faults()


def test_sound_that_cannot_be_decoded_is_seen(title: Title, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(title.directory, tmp_path / "asset"))
    track = directory / title.path(0, "audio").name
    damaged = bytearray(track.read_bytes())
    damaged[-4000:] = b"\xff" * 4000
    track.write_bytes(damaged)
    faults = "; ".join(replace(title, directory=directory).faults())
    assert f"{track.name} cannot be decoded: ffmpeg gave up: Number of bands" in faults


def test_sound_of_another_loudness_is_seen(title: Title) -> None:
    (fault,) = title.faults(LadderSettings(loudness_lufs=-20))
    assert fault.startswith("a0-eng.mp4: its loudness is -16")


def test_frames_that_are_missing_are_counted(title: Title) -> None:
    faults = picture_faults(title.index.video()[0], title.plan, looks(100), looks(99))
    assert faults == ["v180.mp4 has 99 frames, the plan 100"]


def test_assembling_hears_a_wish_to_stop(title: Title, tmp_path: Path) -> None:
    parts = title.directory.parent
    sound = [parts / track.name for track in title.plan.audio]
    with pytest.raises(Cancelled):
        assemble(title.plan, [parts / "span0"], sound, tmp_path, check=stopping(after=2))


def test_validation_hears_a_wish_to_stop(title: Title) -> None:
    with pytest.raises(Cancelled):
        judge_asset(title.plan, title.index, title.directory, check=stopping(after=2))


def test_choosing_a_poster_hears_a_wish_to_stop(title: Title) -> None:
    with pytest.raises(Cancelled):
        write_poster(title.plan, title.index, title.directory, check=stopping(after=1))


def test_the_poster_lies_beside_the_tracks_and_has_their_shape(title: Title) -> None:
    write_poster(title.plan, title.index, title.directory)
    with Image.open(title.directory / POSTER) as poster:
        assert (poster.format, poster.size) == ("JPEG", (320, 180))
