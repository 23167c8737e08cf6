"""`matinee stats`: what people read, and what scripts get."""

import json
import os
import subprocess
import sys

from matinee.cli.api import Answer
from tests.canned_api import answering
from tests.stack import ROOT

ID = "0pgjb8896hop58gj3k6qn0egbk"
FIGURES = {
    "plays": "1200", "unique_viewers": "34", "watch_seconds": 7384.0, "completion": 0.5, "startup_seconds": 0.42,
    "rebuffer_ratio": 0.0125, "average_bitrate": 4_200_000.0, "reported_sessions": "1100", "exits_before_start": "12",
    "start_failures": "3", "stalls": "1234", "rebuffer_seconds": 99.5, "dropped_frames": "54321",
}  # fmt: skip
COUNTS = {
    "plays": 1200, "unique_viewers": 34, "reported_sessions": 1100, "exits_before_start": 12, "start_failures": 3,
    "stalls": 1234, "dropped_frames": 54321,
}  # fmt: skip
COUNTED = FIGURES | COUNTS
UNREPORTED = FIGURES | {"startup_seconds": 0.0, "average_bitrate": 0.0, "reported_sessions": "0"}
SHOWN = ["1,200", "34", "2:03:04", "50%", "15", "0.42", "s", "1,234", "1.25%", "54,321", "4.2", "Mbit/s"]
HEADS = ["PLAYS", "VIEWERS", "WATCHED", "REACHED", "NO", "START", "START-UP", "STALLS", "STALLED", "DROPPED", "BITRATE"]
ANSWERS: dict[str, Answer | list[Answer]] = {
    "GET /api/v1/statistics": {
        "titles": [{"title_id": ID, "title_name": "A film", "statistics": FIGURES}], "total": UNREPORTED,
    },
    f"GET /api/v1/titles/{ID}/statistics": {
        "days": [{"day": "2026-11-27", "statistics": FIGURES}], "total": FIGURES,
    },
    "GET /api/v1/audience": {
        "viewers": 5, "titles": [{"title_id": ID, "title_name": "A film", "viewers": 3}],
    },
}  # fmt: skip


def stats(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `matinee stats` against canned answers."""
    with answering(ANSWERS) as url:
        return subprocess.run(
            [sys.executable, "-m", "matinee", "stats", *arguments], cwd=ROOT, text=True, timeout=60, check=False,
            env={**os.environ, "MATINEE_URL": url, "MATINEE_TOKEN": "t"}, capture_output=True,
        )  # fmt: skip


def test_people_read_a_table_of_titles_and_all_together() -> None:
    head, title, total = stats("--days", "7").stdout.splitlines()
    assert head.split() == ["TITLE", "NAME", *HEADS]
    assert title.split() == [ID, "A", "film", *SHOWN]
    assert total.split() == ["all", "together", *SHOWN[:4]]


def test_one_title_is_shown_day_by_day() -> None:
    _, day, total = stats(ID).stdout.splitlines()
    assert day.split() == ["2026-11-27", *SHOWN]
    assert total.split() == ["all", "together", *SHOWN]


def test_the_audience_is_shown_now() -> None:
    _, title, total = stats("--live").stdout.splitlines()
    assert (title.split(), total.split()) == ([ID, "A", "film", "3"], ["all", "together", "5"])


def test_scripts_get_what_the_api_says_with_counts_as_numbers() -> None:
    figures, unreported = COUNTED, UNREPORTED | COUNTS | {"reported_sessions": 0}
    assert json.loads(stats("--json").stdout) == {
        "titles": [{"title_id": ID, "title_name": "A film", "statistics": figures}], "total": unreported,
    }  # fmt: skip
    assert json.loads(stats(ID, "--json").stdout) == {
        "days": [{"day": "2026-11-27", "statistics": figures}], "total": figures,
    }  # fmt: skip
    assert json.loads(stats("--live", "--json").stdout) == ANSWERS["GET /api/v1/audience"]


def test_the_audience_of_one_title_is_refused() -> None:
    done = stats(ID, "--live")
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert "--live" in done.stderr
