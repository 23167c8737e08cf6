"""`matinee demo`: a house of its own, whatever else its user works with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.films import film, shared_film
from tests.patience import PATIENCE, wait_until
from tests.stack import services

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A demonstration on a fresh data directory that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "matinee", "demo", *arguments, "--once", "--port", "0", "--data", str(folder / "data")],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


def test_the_demonstration_shows_its_own_house_to_a_user_of_another(tmp_path: Path) -> None:
    (tmp_path / "matinee.toml").write_text('url = "http://127.0.0.1:9"\ntoken = "of the file"\n')
    done = demo(tmp_path, str(shared_film()), MATINEE_URL="http://127.0.0.1:9", MATINEE_TOKEN="of the environment")
    assert done.returncode == 0, done.stderr
    assert "Decoded HLS whole: 100 frames" in done.stdout


def test_a_silent_film_is_shown_too(tmp_path: Path) -> None:
    done = demo(tmp_path, str(film(tmp_path / "silent.mp4", seconds=2, audio=())))
    assert done.returncode == 0, done.stderr
    assert "Decoded DASH whole: 50 frames" in done.stdout


def test_a_film_that_is_refused_is_told_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("no film")
    done = demo(tmp_path, "words.mp4")
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert done.stderr.startswith("matinee: words: ")


def test_the_screen_stays_clean_when_a_service_is_started_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "matinee", "demo", str(shared_film()), "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        while "Ctrl-C" not in process.stdout.readline():
            assert process.poll() is None
        os.kill(services(process.pid)["worker"], signal.SIGKILL)
        wait_until(lambda: "child ended" in (data / "matinee.log").read_text())
        process.send_signal(signal.SIGINT)
        assert (process.wait(PATIENCE), process.stderr.read()) == (0, "")
