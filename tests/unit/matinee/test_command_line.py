"""The command line: what people read, and what scripts get."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from matinee.cli.state import Session, Sessions, state_directory
from matinee.cli.tables import duration, state_word
from tests.canned_api import answering
from tests.stack import ROOT


def matinee(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "matinee", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.4, "0:59"), (59.5, "1:00"), (3600, "1:00:00"), (7384, "2:03:04")]
)
def test_a_length_is_shown_in_hours_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_state_is_one_plain_word_for_scripts() -> None:
    assert (state_word("JOB_STATE_PUBLISHED"), state_word("TITLE_STATE_DRAFT")) == ("published", "draft")


@pytest.mark.parametrize(("base", "folder"), [("/state", "/state/matinee"), ("", "/home/ada/.local/state/matinee")])
def test_what_is_remembered_lies_in_the_users_state_directory(
    monkeypatch: pytest.MonkeyPatch, base: str, folder: str
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_STATE_HOME", base)
    assert state_directory() == Path(folder)


def test_a_session_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    first, second = Session("spent once", "access", 900.0), Session("another", "access", 901.5)
    with sessions.held():
        sessions.put("https://one.example", first)
        sessions.put("https://two.example", second)
    assert (sessions.get("https://one.example"), sessions.get("https://two.example")) == (first, second)
    assert (tmp_path / "sessions.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"https://one.example": "of an earlier release"}'])
def test_a_file_of_sessions_that_cannot_be_read_holds_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "sessions.json").write_text(content)
    assert Sessions(tmp_path).get("https://one.example") is None


def test_a_folder_that_takes_no_sessions_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = matinee("titles", MATINEE_URL="http://127.0.0.1:9", XDG_STATE_HOME=str(tmp_path / "file"))
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert "logins cannot be kept in" in done.stderr


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    done = matinee("ingest", "no-such-film.mkv")
    assert (done.returncode, done.stderr) == (65, "matinee: no-such-film.mkv is not a file\n")


def test_one_title_is_not_given_to_two_films() -> None:
    done = matinee("ingest", "README.md", "LICENSE", "--title", "Both")
    assert (done.returncode, done.stderr) == (65, "matinee: --title names one film: give one FILE with it\n")


def test_a_new_version_takes_one_film_and_no_name() -> None:
    for words in (("README.md", "LICENSE"), ("README.md", "--title", "Another")):
        done = matinee("ingest", *words, "--title-id", "X")
        assert (done.returncode, done.stderr.count("\n")) == (65, 1)
        assert "--title-id is for one FILE" in done.stderr


def test_bad_settings_are_one_sentence_that_names_them() -> None:
    done = matinee("titles", MATINEE_HTTP__PORT="70000")
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert "http.port" in done.stderr


def test_an_instance_that_cannot_be_reached_is_one_sentence() -> None:
    done = matinee("titles", MATINEE_URL="http://127.0.0.1:9", MATINEE_TOKEN="any")
    assert (done.returncode, done.stderr.count("\n")) == (69, 1)
    assert "http://127.0.0.1:9 cannot be reached" in done.stderr


def test_an_instance_without_a_session_says_how_to_sign_in(tmp_path: Path) -> None:
    done = matinee("titles", MATINEE_URL="http://127.0.0.1:9", XDG_STATE_HOME=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (77, 1)
    assert "matinee login" in done.stderr


@pytest.mark.parametrize(
    "words", [["foo"], ["events"], ["ingest"], ["up", "--port", "abc"], ["jobs", "cancel"], ["titles", "-x"]]
)
def test_a_command_that_is_not_used_as_it_should_be_is_one_sentence(words: list[str]) -> None:
    done = matinee(*words)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert done.stderr.endswith(": see `matinee --help`\n")


@pytest.mark.parametrize(
    "words",
    [
        ("titles", "--data", "{data}", "delete", "X"),
        ("titles", "delete", "X", "--data", "{data}"),
        ("titles", "--data", "elsewhere", "delete", "X", "--data", "{data}"),
        ("jobs", "--data", "{data}", "cancel", "X"),
        ("jobs", "--data", "{data}", "retry", "X"),
    ],
)
def test_an_option_of_a_group_holds_for_its_subcommands(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = matinee(*(word.format(data=tmp_path) for word in words))
    assert f"no Matinee runs on {tmp_path}:" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("users", "delete", "../titles/X"),
        ("users", "role", "..", "admin"),
        ("titles", "show", ""),
        ("titles", "show", "X?force=true"),
        ("titles", "versions", "X", "--delete", ".."),
        ("titles", "rollback", "X", "--to", "../.."),
        ("ingest", "README.md", "--title-id", "../X"),
        ("stats", "../X"),
        ("plans", "retire", "../X"),
        ("jobs", "cancel", "../X"),
        ("subscriptions", "set", "../X", "none"),
    ],
)
def test_an_id_that_would_lead_elsewhere_in_the_api_is_refused_before_it_is_sent(words: tuple[str, ...]) -> None:
    done = matinee(*words, MATINEE_URL="http://127.0.0.1:9", MATINEE_TOKEN="any")
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (65, 1, "")
    assert done.stderr.endswith("is not an id\n")


@pytest.mark.parametrize("words", [("titles", "--json", "delete", "X"), ("titles", "delete", "X", "--json")])
def test_json_may_be_asked_for_before_a_subcommand_or_behind_it(words: tuple[str, ...]) -> None:
    with answering({"DELETE /api/v1/titles/X": {}}) as url:
        done = matinee(*words, MATINEE_URL=url, MATINEE_TOKEN="any")
    assert json.loads(done.stdout) == {"title_id": "X", "state": "deleted"}


def test_the_doctors_json_is_all_that_is_on_standard_output(tmp_path: Path) -> None:
    findings = json.loads(matinee("doctor", "--json", "--data", str(tmp_path)).stdout)
    assert {"name", "well", "state", "mend"} == set(findings[0])


def test_help_names_every_command() -> None:
    shown = matinee("--help").stdout
    for command in ("up", "control", "edge", "worker", "ingest", "titles", "play", "jobs", "login", "doctor", "demo"):
        assert f"\n  {command} " in shown


@pytest.mark.parametrize("service", ["up", "worker"])
def test_an_ffmpeg_that_cannot_be_used_is_told_at_the_start(tmp_path: Path, service: str) -> None:
    done = matinee(service, "--data", str(tmp_path), MATINEE_WORKER__FFMPEG="/no/ffmpeg")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        69, "matinee: worker.ffmpeg '/no/ffmpeg' is not a program; correct it, or leave it empty"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("titles", "--kind", "bogus"), "'--kind': 'bogus' is not one of 'film', 'series', 'season', 'episode'"),
        (("users", "role", "ada@a.example", "king"), "'role': 'king' is not one of 'viewer', 'publisher', 'admin'"),
        (("titles", "--limit", "x"), "'--limit': should be a valid integer"),
        (("stats", "--days", "500"), "'--days': should be less than or equal to 400"),
    ],
)
def test_a_value_that_is_refused_is_told_in_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    done = matinee(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"matinee: Invalid value for {sentence}: see `matinee --help`\n"


def test_a_name_that_the_terminal_has_no_letters_for_is_shown_in_escapes() -> None:
    plan = {"plan_id": "kino", "name": "Łódź"}
    with answering({"PATCH /api/v1/plans/kino": {"plan": plan}}) as url:
        done = matinee("plans", "edit", "kino", MATINEE_URL=url, MATINEE_TOKEN="any", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Changed \\u0141\\xf3d\\u017a.\n", "")


UNBUFFERED = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["written at the end", "written at once"])


@UNBUFFERED
@pytest.mark.parametrize("words", [("titles",), ("titles", "--json"), ("titles", "--help")])
def test_a_full_disk_is_told_in_one_sentence(words: tuple[str, ...], unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = printing(full.fileno(), *words, PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (74, "matinee: not all could be written: No space left on device\n")


@UNBUFFERED
def test_who_reads_no_further_ends_a_command_in_peace(unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = printing(writing, "titles", PYTHONUNBUFFERED=unbuffered)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def printing(output: int, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that prints into a file."""
    with answering({"GET /api/v1/titles": {"titles": []}}) as url:
        return subprocess.run(
            [sys.executable, "-m", "matinee", *arguments], cwd=ROOT, stdout=output, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "MATINEE_URL": url, "MATINEE_TOKEN": "any", **environment}, timeout=60, check=False,
        )  # fmt: skip
