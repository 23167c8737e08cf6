"""Tables on screens of every width, and what scripts get instead."""

import io
from collections.abc import Sequence
from datetime import datetime

import pytest
from rich.console import Console, RenderableType

from matinee.cli import catalogue, jobs, users
from matinee.cli.api import Answer
from matinee.cli.tables import Column, moment, plain, table

ID = "0pgjb8896hop58gj3k6qn0egbk"


def screen(width: int, height: int = 24) -> Console:
    return Console(width=width, height=height, file=io.StringIO())


def lines(on: Console, shown: RenderableType) -> list[str]:
    with on.capture() as captured:
        on.print(shown)
    return [line.rstrip() for line in captured.get().splitlines()]


def job(number: int = 0, message: str = "") -> Answer:
    return {
        "job_id": f"{number:026}", "title_name": "A film with a long name", "state": "JOB_STATE_PUBLISHED",
        "stage": "JOB_STAGE_VALIDATE", "progress": 1.0, "message": message, "updated_at": "2026-11-26T12:00:00Z",
    }  # fmt: skip


def title() -> Answer:
    return {
        "title_id": ID, "name": "A film with a long name", "state": "TITLE_STATE_PUBLISHED", "width": 1920,
        "height": 1080, "duration_seconds": 7384.0, "created_at": "2026-11-26T12:00:00Z",
    }  # fmt: skip


def heads(columns: Sequence[Column], row: Sequence[RenderableType], width: int) -> list[str]:
    on = screen(width)
    return lines(on, table(columns, [row], on))[0].split()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (240, ["JOB", "TITLE", "STATE", "STAGE", "PROGRESS", "DONE", "UPDATED", "MESSAGE"]),
        (100, ["JOB", "TITLE", "STATE", "STAGE", "PROGRESS", "DONE", "MESSAGE"]),
        (80, ["JOB", "TITLE", "STATE", "DONE", "MESSAGE"]),
        (50, ["JOB", "STATE", "DONE"]),
    ],
)
def test_jobs_show_as_much_as_the_screen_is_wide(width: int, shown: list[str]) -> None:
    assert heads(jobs.COLUMNS, jobs.row(job()), width) == shown


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, ["TITLE", "NAME", "STATE", "KIND", "YEAR", "LENGTH", "SIZE", "ADDED"]),
        (100, ["TITLE", "NAME", "STATE", "KIND", "LENGTH", "SIZE", "ADDED"]),
        (80, ["TITLE", "NAME", "STATE", "LENGTH", "SIZE"]),
        (60, ["TITLE", "NAME", "STATE"]),
        (45, ["TITLE", "NAME"]),
    ],
)
def test_titles_show_as_much_as_the_screen_is_wide(width: int, shown: list[str]) -> None:
    assert heads(catalogue.COLUMNS, catalogue.row(title()), width) == shown


def test_a_job_that_has_been_asked_to_stop_is_not_said_to_run() -> None:
    asked = job() | {"state": "JOB_STATE_RUNNING", "cancel_requested": True}
    on = screen(240)
    assert "cancelling" in lines(on, table(jobs.COLUMNS, [jobs.row(asked)], on))[1].split()


def test_an_address_stays_whole() -> None:
    on, address = screen(80), "somebody@company.example"
    account = {
        "email": address, "role": "ROLE_VIEWER", "disabled": False, "providers": [],
        "created_at": "2026-11-26T12:00:00Z", "last_login_at": "2026-11-26T12:00:00Z",
    }  # fmt: skip
    assert lines(on, table(users.COLUMNS, [users.row(account)], on))[1].startswith(f"{address} ")


def test_only_prose_is_folded_and_only_between_words() -> None:
    on = screen(80)
    shown = lines(on, table(jobs.COLUMNS, [jobs.row(job(7, "the film has no picture in it"))], on))
    assert shown[1].split()[0] == f"{7:026}"
    assert "published" in shown[1]
    words = " ".join(line[26:44].strip() for line in shown[1:]).split()
    assert words == ["A", "film", "with", "a", "long", "name"]


@pytest.mark.parametrize(
    ("now", "next_try"),
    [("12:04", "{due}"), ("12:06", "as soon as a worker can")],
    ids=["it waits for its time", "it waits for a worker"],
)
def test_a_job_that_waits_says_for_what_since_when_and_until_when(now: str, next_try: str) -> None:
    waiting = {**job(), "message": "no store", "waits_since": "2026-11-26T12:00:00Z", "due_at": "2026-11-26T12:05:00Z"}
    told = jobs.told(waiting, datetime.fromisoformat(f"2026-11-26T{now}:00Z").timestamp())
    since, due = moment(waiting["waits_since"]), moment(waiting["due_at"])
    assert told == f"no store (waits since {since}, next try {next_try.format(due=due)})"


def test_a_job_that_waits_for_nothing_says_only_its_message() -> None:
    assert jobs.told(job(message="it has no video"), now=0) == "it has no video"


def test_the_live_view_shows_the_newest_jobs_and_how_many_more_there_are() -> None:
    on = screen(80, height=10)
    shown = lines(on, jobs.live_view([job(number, "a message of many words") for number in range(50)], on))
    assert [line.split()[0] for line in shown[1:-1]] == [f"{number:026}" for number in range(8)]
    assert shown[-1] == "and 42 more"


def test_a_live_view_with_room_for_every_job_says_no_more() -> None:
    on = screen(80)
    assert len(lines(on, jobs.live_view([job(1), job(2)], on))) == 3


def test_scripts_read_plain_words() -> None:
    running = job() | {"state": "JOB_STATE_RUNNING"}
    assert plain(running)["state"] == "running"
    assert plain(running)["stage"] == "validate"
    assert plain(title())["state"] == "published"


def test_a_job_that_does_not_run_is_in_no_stage() -> None:
    assert (plain(job())["state"], plain(job())["stage"]) == ("published", "")
