"""`matinee demo`: a house of its own, whatever else its user works with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.films import shared_film

pytestmark = pytest.mark.integration


@pytest.mark.timeout(300)
def test_the_demonstration_shows_its_own_house_to_a_user_of_another(tmp_path: Path) -> None:
    (tmp_path / "matinee.toml").write_text('url = "http://127.0.0.1:9"\ntoken = "of the file"\n')
    command = ["demo", str(shared_film()), "--once", "--port", "0", "--data", str(tmp_path / "data")]
    environment = {**os.environ, "MATINEE_URL": "http://127.0.0.1:9", "MATINEE_TOKEN": "of the environment"}
    done = subprocess.run(
        [sys.executable, "-m", "matinee", *command],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Decoded HLS whole: 100 frames" in done.stdout
