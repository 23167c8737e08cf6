"""The catalogue as a publisher keeps it from the command line, and as viewers meet it over REST."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.films import film
from tests.stack import ROOT, Stack

pytestmark = pytest.mark.integration


def titles(stack: Stack, *words: str) -> Any:
    """What a command about titles prints for scripts."""
    done = stack.matinee("titles", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def series(stack: Stack) -> str:
    """The id of a series with a season."""
    made = titles(stack, "create", "Heimat", "--kind", "series")["title_id"]
    titles(stack, "create", "Heimat eins", "--kind", "season", "--parent-id", made, "--number", "1")
    return str(made)


def test_a_title_is_edited_found_and_shown(stack: Stack, series: str) -> None:
    described = ["--genre", "Drama", "--genre", "History", "--year", "1984", "--cast", "Marita Breuer=Maria"]
    edited = titles(stack, "edit", series, *described, "--synopsis", "A village in the Hunsrück.")
    assert (edited["kind"], edited["genres"], edited["year"]) == ("series", ["Drama", "History"], 1984)
    assert [title["title_id"] for title in titles(stack, "search", "hunsruck mari")] == [series]
    assert [title["title_id"] for title in titles(stack, "--kind", "series", "--genre", "drama")] == [series]
    shown = stack.matinee("titles", "show", series).stdout
    assert "Marita Breuer (Maria)" in shown
    assert "Drama, History" in shown


def test_a_series_with_seasons_is_deleted_by_force_alone(stack: Stack) -> None:
    made = titles(stack, "create", "Short-lived", "--kind", "series")["title_id"]
    titles(stack, "create", "Its season", "--kind", "season", "--parent-id", made, "--number", "1")
    refused = stack.matinee("titles", "delete", made)
    assert (refused.returncode, refused.stderr.count("\n")) == (73, 1)
    assert "force" in refused.stderr
    assert titles(stack, "delete", made, "--force") == {"title_id": made, "state": "deleted"}
    assert titles(stack, "search", "short-lived") == []


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 130)])
def test_on_a_terminal_deleting_what_has_seasons_is_a_question(stack: Stack, answer: str, status: int) -> None:
    made = titles(stack, "create", "Asked for", "--kind", "series")["title_id"]
    titles(stack, "create", "Its season", "--kind", "season", "--parent-id", made, "--number", "1")
    person, terminal = pty.openpty()
    os.write(person, f"{answer}\n".encode())
    command = [sys.executable, "-m", "matinee", "titles", "delete", made]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=stack.environment,
        stdin=terminal,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    for end in (person, terminal):
        os.close(end)
    assert (done.returncode, "Delete it all the same?" in done.stderr) == (status, True), done.stderr
    assert (stack.matinee("titles", "show", made).returncode == 0) == (answer == "n")


def test_a_poster_is_kept_by_browsers_under_its_version(stack: Stack, series: str, tmp_path: Path) -> None:
    Image.new("RGB", (600, 900), "red").save(tmp_path / "poster.png")
    version = titles(stack, "artwork", series, str(tmp_path / "poster.png"))["poster_version"]
    path = f"/api/v1/titles/{series}/poster?width=200&version={version}"
    with httpx.Client(base_url=stack.url) as browser:
        login = {"email": stack.email, "password": stack.password}
        tokens = browser.post("/api/v1/auth:login", json=login).json()
        browser.headers["authorization"] = f"Bearer {tokens['access_token']}"
        answer = browser.get(path)
        assert Image.open(io.BytesIO(answer.content)).size == (320, 480)
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        again = browser.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_film_gets_a_new_version_and_is_rolled_back(stack: Stack, tmp_path: Path) -> None:
    title_id = stack.ingest(film(tmp_path / "first.mp4", seconds=2, audio=()), "Two versions")
    second = film(tmp_path / "second.mp4", seconds=3, audio=())
    done = stack.matinee("ingest", str(second), "--title-id", title_id, "--wait", "--json")
    assert json.loads(done.stdout)["title_id"] == title_id, done.stderr
    newest, first = titles(stack, "versions", title_id)
    assert [round(newest["duration_seconds"]), round(first["duration_seconds"])] == [3, 2]
    assert (newest["active"], first["active"]) == (True, False)
    assert titles(stack, "rollback", title_id) == {"title_id": title_id, "asset_id": first["asset_id"]}
    assert first["asset_id"] in stack.play(title_id)["hls"]
    assert [each["active"] for each in titles(stack, "versions", title_id, "--delete", newest["asset_id"])] == [True]
    assert titles(stack, "show", title_id)["name"] == "Two versions"
