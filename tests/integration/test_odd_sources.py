"""What becomes of odd sources: refused for a reason that is named, or published within the standard.

A title that is published has no faults, shows every picture of its source in order, keeps its shape within 0.5 %, and
has sound and picture together within one frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

from ingest.probe import probe
from matinee.errors import SourceRefused
from matinee.settings import LadderSettings, SourceSettings
from packager.timeline import AUDIO_RATE
from tests import odd_sources as odd
from tests.films import is_flash, luma_frames, read_counter, samples
from tests.titles import Title, make_title

pytestmark = pytest.mark.integration

Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Refused:
    """A source that is not taken, and what is said of it."""

    name: str
    ending: str
    make: Make
    reason: str


@dataclass(frozen=True)
class Published:
    """A source that becomes a title: the size of its largest rung, its frames, and how many pictures are not shown."""

    name: str
    ending: str
    make: Make
    size: tuple[int, int] = (320, 180)
    frames: int = 75
    missing: int = 0


GOES_ON = partial(odd.outlasted, pictures=3, sound=5)

REFUSED = [
    Refused("an empty file", "mp4", odd.empty, "the file is empty"),
    Refused("1 % of an MP4", "mp4", partial(odd.truncated, percent=1), "the file has no video"),
    Refused("1 % of a Matroska file", "mkv", partial(odd.truncated, percent=1), "the file cannot be read as a film"),
    Refused("only sound", "mp4", odd.only_sound, "the file has no video"),
    Refused("sound with a cover", "mp4", odd.with_cover_only, "the file has no video"),
    Refused("2 x 2", "mkv", partial(odd.sized, width=2, height=2), "its pictures are 2x2; at least 16x16 are needed"),
    Refused(
        "a slip", "mkv", partial(odd.sized, width=320, height=14), "its pictures are 320x14; at least 16x16 are needed"
    ),
    Refused("an MP3 file", "mp3", odd.only_sound, "the file is none of MP4"),
]

PUBLISHED = [
    Published("half of an MP4", "mp4", partial(odd.truncated, percent=50), frames=31, missing=3),
    Published("99 % of an MP4", "mp4", partial(odd.truncated, percent=99), missing=2),
    Published("half of a Matroska file", "mkv", partial(odd.truncated, percent=50), frames=28),
    Published("99 % of a Matroska file", "mkv", partial(odd.truncated, percent=99), missing=1),
    Published("1 % of a transport stream", "ts", partial(odd.truncated, percent=1), frames=2, missing=1),
    Published("half of a transport stream", "ts", partial(odd.truncated, percent=50), frames=40, missing=1),
    Published("99 % of a transport stream", "ts", partial(odd.truncated, percent=99)),
    Published("variable frame rate", "mp4", odd.variable_rate, missing=25),
    Published("no sound", "mp4", odd.silent),
    Published("odd size", "mkv", partial(odd.sized, width=321, height=181)),
    Published("wide", "mkv", partial(odd.sized, width=479, height=201), size=(478, 200)),
    Published("upright", "mkv", partial(odd.sized, width=180, height=320), size=(180, 320)),
    Published("anamorphic", "mp4", odd.anamorphic),
    Published("turned right", "mp4", partial(odd.rotated, degrees=90)),
    Published("upside down", "mp4", partial(odd.rotated, degrees=180)),
    Published("turned left", "mp4", partial(odd.rotated, degrees=270)),
    Published("10 bit", "mp4", odd.ten_bit),
    Published("HDR10", "mp4", partial(odd.high_dynamic_range, transfer="smpte2084")),
    Published("HLG", "mkv", partial(odd.high_dynamic_range, transfer="arib-std-b67")),
    Published("5.1 in two languages", "mkv", odd.surround),
    Published("sound that changes its layout and rate", "ts", odd.changing_sound, frames=150),
    Published("a clock before zero", "ts", partial(odd.shifted, seconds=-0.5)),
    Published("a clock that is late", "ts", partial(odd.shifted, seconds=7.3)),
    Published("sound that starts late", "mkv", odd.sound_late),
    Published("sound that starts early", "mkv", odd.sound_early, frames=50),
    Published("sound that goes on", "mkv", GOES_ON, frames=125, missing=50),
    Published("sound that goes on in MP4", "mp4", GOES_ON, frames=125, missing=50),
    Published(
        "sound that goes on in a transport stream",
        "ts",
        GOES_ON,
        frames=125,
        missing=50,
    ),
    Published("sound that goes on in AVI", "avi", GOES_ON, frames=126, missing=51),
    Published("sound that goes on for half a second", "mkv", partial(odd.outlasted, pictures=3, sound=3.5)),
    Published("one picture with sound", "mp4", partial(odd.outlasted, pictures=0.04, sound=5), frames=125, missing=124),
    Published("an edit list", "mp4", odd.edited, frames=87),
    Published("AVI", "avi", odd.plain),
    Published("AVI, MPEG-4", "avi", partial(odd.repackaged, options=["-c:v", "mpeg4", "-bf", "2"])),
    Published("MXF", "mxf", partial(odd.repackaged, options=odd.MPEG2)),
    Published("WebM", "webm", partial(odd.repackaged, options=["-c:v", "libvpx", "-deadline", "realtime"])),
    Published("ProRes", "mov", partial(odd.repackaged, options=["-c:v", "prores"])),
    Published("AV1", "mkv", partial(odd.repackaged, options=odd.AV1)),
]


BARS, GRAPHICS = "smptehdbars=s=640x360:r=24", "testsrc2=s=640x360:r=24"
NOISE = "nullsrc=s={size}:r=24,format=rgb24,geq=r=random(1)*255:g=random(2)*255:b=random(3)*255"

SATURATED: dict[str, Make] = {
    "bars in HDR10": partial(odd.bright_graphics, pattern=BARS, transfer="smpte2084"),
    "graphics in HDR10": partial(odd.bright_graphics, pattern=GRAPHICS, transfer="smpte2084"),
    "graphics in HLG": partial(odd.bright_graphics, pattern=GRAPHICS, transfer="arib-std-b67"),
    "bars in BT.601": partial(odd.graphics, pattern="smptebars=s=640x360:r=24", matrix="smpte170m"),
    "graphics of full range": partial(odd.graphics, pattern="testsrc2=s=96x64:r=24", matrix="smpte170m", levels="pc"),
    "primaries in BT.2020": partial(odd.graphics, pattern="rgbtestsrc=s=640x360:r=24", matrix="bt2020nc"),
    "a fractal": partial(odd.graphics, pattern="mandelbrot=s=96x64:r=24", matrix="bt709"),
    "noise": partial(odd.graphics, pattern=NOISE.format(size="160x90"), matrix="bt709"),
    "small noise": partial(odd.graphics, pattern=NOISE.format(size="32x18"), matrix="bt709"),
}


def numbers(title: Title) -> list[int]:
    width, height = title.plan.rungs[0].width, title.plan.rungs[0].height
    return [read_counter(frame) for frame in luma_frames(title.path(0), (width, height))]


def flashes(title: Title) -> list[float]:
    """Seconds on the track's clock at which flashes begin."""
    shown = [is_flash(frame) for frame in luma_frames(title.path(0))]
    timeline = title.plan.timeline
    begun = [number for number, flash in enumerate(shown) if flash and (number == 0 or not shown[number - 1])]
    return [float(timeline.lead_in + number * timeline.frame_duration) for number in begun]


def beeps(title: Title, track: int = 0) -> list[float]:
    """Seconds on the track's clock at which beeps begin."""
    loud = np.abs(samples(title.path(track, "audio"))) > 0.05
    heard = np.flatnonzero(loud) / AUDIO_RATE
    return [float(moment) for moment in heard[np.diff(heard, prepend=-1) > 0.3]]


def assert_in_step(title: Title) -> None:
    """Each flash after the first frame has its beep within a frame."""
    frame = float(title.plan.timeline.frame_duration)
    heard = beeps(title)
    for flash in flashes(title)[1:]:
        assert min(abs(flash - beep) for beep in heard) <= frame, (flashes(title), heard)


@pytest.mark.parametrize("case", REFUSED, ids=attrgetter("name"))
def test_refused(case: Refused, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=case.reason):
        probe(case.make(tmp_path / f"source.{case.ending}"), SourceSettings())


@pytest.mark.parametrize("case", PUBLISHED, ids=attrgetter("name"))
def test_published(case: Published, tmp_path: Path) -> None:
    title = make_title(case.make(tmp_path / f"source.{case.ending}"), tmp_path)
    assert title.faults() == []
    assert (title.plan.rungs[0].width, title.plan.rungs[0].height) == case.size
    assert title.plan.frames == case.frames
    shown = numbers(title)
    assert shown == sorted(shown)
    assert len(set(shown)) == case.frames - case.missing
    if title.plan.audio:
        assert_in_step(title)


@pytest.mark.parametrize("make", SATURATED.values(), ids=SATURATED)
def test_strong_colours_and_noise_are_published(make: Make, tmp_path: Path) -> None:
    assert make_title(make(tmp_path / "source.mp4"), tmp_path).faults() == []


def test_the_last_picture_is_held_while_the_sound_goes_on(tmp_path: Path) -> None:
    source = odd.outlasted(tmp_path / "source.mp4", pictures=3, sound=14)
    title = make_title(source, tmp_path, LadderSettings(preset="superfast", span_segments=1))
    assert title.faults() == []
    assert [span.first for span in title.plan.spans] == [0, 150, 300]
    assert numbers(title) == [*range(75), *[74] * 275]
    assert len(beeps(title)) == 14


def test_flipped_bits_are_concealed_and_nothing_slips(tmp_path: Path) -> None:
    title = make_title(odd.bit_flipped(tmp_path / "source.ts"), tmp_path)
    assert title.faults() == []
    assert numbers(title)[-3:] == [72, 73, 74]
    assert_in_step(title)


def test_interlaced_pictures_become_progressive(tmp_path: Path) -> None:
    title = make_title(odd.interlaced(tmp_path / "source.ts"), tmp_path)
    assert title.faults() == []
    assert [number // 2 for number in numbers(title)] == list(range(75))
    assert_in_step(title)
