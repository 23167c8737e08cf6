"""The demonstration film, as ffmpeg cuts it."""

import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from matinee import showreel

pytestmark = pytest.mark.integration


def test_the_film_has_every_frame_and_sound(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    subprocess.run(showreel.command(imageio_ffmpeg.get_ffmpeg_exe(), showreel.clips(), film), check=True)
    with av.open(film) as opened:
        assert opened.streams.video[0].frames == 40 * showreel.RATE
        assert opened.streams.audio[0].language == "eng"
