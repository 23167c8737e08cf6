"""The demonstration film."""

import subprocess
from pathlib import Path

import av
import imageio_ffmpeg

from matinee import showreel


def test_every_shot_has_its_clip() -> None:
    assert all((showreel.clips() / clip).is_file() for clip, *_ in showreel.SHOTS)


def test_the_film_lasts_between_30_and_60_seconds() -> None:
    assert 30 <= sum(seconds for *_, seconds in showreel.SHOTS) <= 60


def test_the_film_has_every_frame_and_sound(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    subprocess.run(showreel.command(imageio_ffmpeg.get_ffmpeg_exe(), showreel.clips(), film), check=True)
    with av.open(film) as opened:
        assert opened.streams.video[0].frames == 40 * showreel.RATE
        assert opened.streams.audio[0].language == "eng"
