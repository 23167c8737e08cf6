"""`matinee demo`: what it refuses before anything starts, and what it goes on with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from matinee.cli.api import Answer, Api
from matinee.cli.demo import SHOWREEL, earlier_showreel
from matinee.cli.ingest import progress_bars
from tests.canned_api import answering
from tests.stack import ROOT


def title(state: str, name: str = SHOWREEL) -> Answer:
    return {"title_id": "T", "name": name, "state": f"TITLE_STATE_{state}"}


def job(state: str) -> Answer:
    return {
        "job_id": "J", "title_id": "T", "title_name": SHOWREEL, "state": f"JOB_STATE_{state}",
        "stage": "JOB_STAGE_ENCODE", "progress": 0.5, "message": "",
    }  # fmt: skip


def earlier(titles: list[Answer], jobs: list[Answer]) -> str:
    """What is found with these titles, and a job that has these states one after the other."""
    answers: dict[str, Answer | list[Answer]] = {
        "GET /api/v1/titles": {"titles": titles},
        "GET /api/v1/jobs": {"jobs": jobs[:1]},
        "GET /api/v1/jobs/J": [{"job": later} for later in jobs],
    }
    with answering(answers) as url, httpx.Client() as client, progress_bars() as progress:
        return earlier_showreel(Api(url, client), progress)


def test_the_film_of_an_earlier_demonstration_is_shown_again() -> None:
    assert earlier([title("PUBLISHED", "Another"), title("PUBLISHED")], []) == "T"


@pytest.mark.parametrize("state", ["QUEUED", "RUNNING"])
def test_the_film_of_an_interrupted_demonstration_is_waited_for(state: str) -> None:
    assert earlier([title("DRAFT")], [job(state), job("PUBLISHED")]) == "T"


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_film_that_nobody_works_on_any_more_is_made_again(state: str) -> None:
    assert not earlier([title("DRAFT")], [job(state)])


def test_a_film_that_is_not_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, "-m", "matinee", "demo", "no-such-film.mkv", "--port", "0", "--data", str(data)],
        capture_output=True, text=True, check=False, timeout=30, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (65, "matinee: no-such-film.mkv is not a file\n")
    assert not done.stdout
    assert not data.exists()


@pytest.mark.parametrize("name", ["a film.mkv", """it's "$HOME" $(shell) `here`; or.mkv""", "-x.mkv"])
def test_make_takes_a_film_whatever_its_name(tmp_path: Path, name: str) -> None:
    program = tmp_path / "matinee"
    program.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    program.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    outside = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", "demo", f"FILE={name}", "PORT=8080", f"BIN={tmp_path}", "RUNTIME=", "WEB="],
        cwd=tmp_path, env=outside, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-5:] == ["demo", "--port", "8080", "--", name]
