"""`matinee recommendations`: what people read, and what scripts get."""

import json

import pytest

from tests.canned_api import answering
from tests.unit.matinee.test_command_line import matinee

BEGUN = {
    "state": "TRAINING_STATE_RUNNING", "begun_at": "2026-11-27T12:00:00Z", "message": "", "accounts": 943,
    "titles": 1682,
}  # fmt: skip
DONE = BEGUN | {"state": "TRAINING_STATE_DONE", "ended_at": "2026-11-27T12:01:00Z"}
FAILED = DONE | {"state": "TRAINING_STATE_FAILED", "message": "memory does not suffice"}
NEVER = {"state": "TRAINING_STATE_UNSPECIFIED", "message": "", "accounts": 0, "titles": 0}
TRAINING = "GET /api/v1/recommendations/training"
TRAIN = "POST /api/v1/recommendations:train"


def test_people_read_how_it_was_learnt_last() -> None:
    with answering({TRAINING: {"training": FAILED}}) as url:
        head, row = matinee("recommendations", MATINEE_URL=url, MATINEE_TOKEN="t", TZ="UTC").stdout.splitlines()
    assert head.split() == ["TRAINING", "BEGUN", "ENDED", "ACCOUNTS", "TITLES", "MESSAGE"]
    assert row.split(maxsplit=7) == [
        "failed", "2026-11-27", "12:00", "2026-11-27", "12:01", "943", "1,682", "memory does not suffice",
    ]  # fmt: skip


@pytest.mark.parametrize(("training", "word"), [(NEVER, "never"), (BEGUN, "running"), (DONE, "done")])
def test_scripts_get_one_plain_word_for_how_it_goes(training: dict[str, object], word: str) -> None:
    with answering({TRAINING: {"training": training}}) as url:
        done = matinee("recommendations", "--json", MATINEE_URL=url, MATINEE_TOKEN="t")
    assert json.loads(done.stdout) == training | {"state": word}


@pytest.mark.parametrize(("words", "state"), [((), "running"), (("--wait",), "done")])
def test_it_is_begun_and_waited_for_if_one_likes(words: tuple[str, ...], state: str) -> None:
    with answering({TRAIN: {"training": BEGUN}, TRAINING: [{"training": BEGUN}, {"training": DONE}]}) as url:
        done = matinee("recommendations", "train", "--json", *words, MATINEE_URL=url, MATINEE_TOKEN="t")
    assert json.loads(done.stdout)["state"] == state


def test_who_waits_for_one_that_fails_is_told_why() -> None:
    with answering({TRAIN: {"training": BEGUN}, TRAINING: {"training": FAILED}}) as url:
        done = matinee("recommendations", "train", "--wait", MATINEE_URL=url, MATINEE_TOKEN="t")
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == "matinee: recommendations could not be learnt: memory does not suffice\n"
