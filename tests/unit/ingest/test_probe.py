"""Probing: what is learnt of a film, and what is refused."""

import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from ingest.probe import probe
from ingest.source import Source
from ingest.times import SoundEnd, Times
from matinee.errors import Cancelled, SourceRefused
from matinee.settings import SourceSettings
from matinee.showreel import clips
from tests import odd_sources as odd
from tests.films import film, run, shared_film
from tests.stopping import stopping

LIMITS = SourceSettings()
MEMORY = 1536 * 1024**2
PROBE_IN_LITTLE_MEMORY = f"""
import resource, sys
from pathlib import Path
from ingest.probe import probe
from matinee.settings import SourceSettings
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
try:
    probe(Path(sys.argv[1]), SourceSettings())
except Exception as error:
    print(type(error).__name__, error)
"""


def times(shown: list[int], time_base: Fraction = Fraction(1, 1000)) -> Times:
    gathered = Times(time_base, longest=3600)
    for number, moment in enumerate(shown):
        gathered.add(moment, 40, keyframe=number % 10 == 0)
    return gathered


def reached(packets: list[tuple[int, int]]) -> Fraction | None:
    """Where a sound ends that has packets at these times, of these lengths, in milliseconds."""
    end = SoundEnd(Fraction(1, 1000))
    for heard, duration in packets:
        end.add(heard, duration)
    return end.moment


def test_a_common_film() -> None:
    source = probe(shared_film(), LIMITS)
    picture = source.picture
    assert source.container == "mov"
    assert (picture.codec, picture.width, picture.height, picture.bit_depth) == ("h264", 320, 180, 8)
    assert [picture.frames, picture.start, picture.duration, picture.frame_rate] == [100, 0, 4, 25]
    assert list(picture.keyframes) == [0, 2]
    assert [(sound.language, sound.channels, sound.codec) for sound in source.sounds] == [("eng", 2, "aac")]


def test_a_real_clip() -> None:
    source = probe(clips() / "bigbuckbunny.mp4", LIMITS)
    assert list(source.picture.display_size) == [1280, 720]
    assert [sound.layout for sound in source.sounds] == ["5.1"]


def test_what_is_learnt_survives_json() -> None:
    source = probe(clips() / "carphone_pristine.mp4", LIMITS)
    assert Source.model_validate_json(source.model_dump_json()) == source


def test_a_film_in_high_dynamic_range(tmp_path: Path) -> None:
    picture = probe(odd.high_dynamic_range(tmp_path / "film.mp4", "smpte2084"), LIMITS).picture
    assert (picture.transfer, picture.matrix, picture.bit_depth) == ("pq", "bt2020", 10)


def test_a_film_that_lies_on_its_side(tmp_path: Path) -> None:
    picture = probe(odd.rotated(tmp_path / "film.mp4", 90), LIMITS).picture
    assert [picture.rotation, picture.width, picture.height, *picture.display_size] == [90, 180, 320, 320, 180]


def test_a_film_of_fields(tmp_path: Path) -> None:
    assert probe(odd.interlaced(tmp_path / "film.ts"), LIMITS).picture.interlaced


def test_a_language_that_is_none_is_undetermined(tmp_path: Path) -> None:
    source = probe(film(tmp_path / "film.mkv", seconds=1, audio=("../../x",)), LIMITS)
    assert source.sounds[0].language == "und"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (SourceSettings(max_pixels=50_000), "its pictures are 320x180; at most 50000 pixels are taken"),
        (SourceSettings(max_frame_rate=24), "it has 25 frames per second; at most 24 are taken"),
    ],
)
def test_limits(limits: SourceSettings, reason: str) -> None:
    with pytest.raises(SourceRefused, match=reason):
        probe(shared_film(), limits)


def test_the_smallest_film_that_is_taken(tmp_path: Path) -> None:
    assert list(probe(odd.sized(tmp_path / "film.mkv", 16, 16), LIMITS).picture.display_size) == [16, 16]


def test_a_codec_that_is_not_taken_is_refused(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", seconds=0.2, video_options=["-c:v", "magicyuv"])
    with pytest.raises(SourceRefused, match="its video codec is magicyuv, which is not taken"):
        probe(source, LIMITS)


def test_pictures_that_claim_to_be_huge_are_refused_in_little_memory(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", seconds=0.1, size=(320, 300), audio=(), video_options=["-c:v", "ffv1"])
    claimed = source.read_bytes().replace(b"\xb0\x82\x01\x40\xba\x82\x01\x2c", b"\xb0\x82\x40\x00\xba\x82\x40\x00")
    source.write_bytes(claimed)
    probing = [sys.executable, "-c", PROBE_IN_LITTLE_MEMORY, str(source)]
    said = subprocess.run(probing, capture_output=True, text=True, check=True).stdout
    assert said == "SourceRefused its pictures have no size, or more than the 35389440 pixels that are taken\n"


def test_the_rate_is_that_of_the_parts_without_gaps() -> None:
    assert times([0, 40, 80, 120, 400, 440, 480]).typical_rate() == 25


def test_the_rate_is_finer_than_the_clock() -> None:
    rate = times([round(number * 1000 / 24) for number in range(240)]).typical_rate()
    assert rate is not None
    assert abs(rate - 24) < Fraction(1, 100)


def test_pictures_are_put_in_order_before_intervals_are_taken() -> None:
    assert times([0, 120, 40, 80, 240, 160, 200]).typical_rate() == 25


def test_one_picture_has_no_rate() -> None:
    assert times([0]).typical_rate() is None


def test_a_wish_to_stop_is_heard_at_every_packet() -> None:
    with pytest.raises(Cancelled):
        probe(shared_film(), LIMITS, check=stopping(after=50))


def test_a_film_that_has_to_wait_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.probe.LONGEST_PROBE", 0.5)
    waits = iter([0.6])

    def wait_once() -> None:
        threading.Event().wait(next(waits, 0))

    probe(shared_film(), LIMITS, check=wait_once)


def test_a_film_that_takes_too_much_of_the_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.probe.LONGEST_PROBE", 0.01)

    def work() -> None:
        sum(range(100_000))

    with pytest.raises(SourceRefused, match=r"reading it took more than 0\.01 s of CPU time"):
        probe(shared_film(), LIMITS, check=work)


def test_a_clock_that_starts_anew_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"its clock jumps back after 3\.0 s"):
        probe(odd.joined(tmp_path / "film.ts"), LIMITS)


@pytest.mark.parametrize(("sound", "length"), [([(0, 3000)], 3), ([(0, 3500)], 3), ([(0, 3501)], Fraction(3501, 1000))])
def test_a_film_lasts_as_long_as_its_sound_where_that_goes_on(sound: list[tuple[int, int]], length: float) -> None:
    found = probe(shared_film(), LIMITS)
    ends = reached(sound)
    source = found.model_copy(
        update={
            "picture": found.picture.model_copy(update={"duration": Fraction(3)}),
            "sounds": (found.sounds[0].model_copy(update={"ends": ends}),),
        }
    )
    assert source.duration == length


def test_a_time_far_from_those_around_it_is_damage_and_no_end_of_a_sound() -> None:
    assert reached([(0, 1000), (1000, 1000), (9_000_000, 1000), (2000, 1000)]) == 3


def test_a_sound_that_is_announced_and_never_comes_is_none(tmp_path: Path) -> None:
    assert probe(odd.announced_sound(tmp_path / "film.mkv"), LIMITS).sounds == ()


def test_a_sound_may_have_gaps() -> None:
    assert reached([(0, 1000), (60_000, 1000), (61_000, 1000)]) == 62


def test_a_film_whose_sound_is_too_long_is_refused(tmp_path: Path) -> None:
    picture = ["-f", "lavfi", "-i", "color=s=64x36:d=0.1"]
    run([*picture, "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=3601", "-c:a", "flac", str(tmp_path / "film.mkv")])
    with pytest.raises(SourceRefused, match="longer than the 1 h that are taken"):
        probe(tmp_path / "film.mkv", SourceSettings(max_hours=1))


def test_a_film_that_is_too_long_is_refused() -> None:
    with pytest.raises(SourceRefused, match="longer than the 1 h"):
        times([0, 3_601_000])
