"""`matinee users`: what people read, and what scripts get."""

import json
import os
import subprocess
import sys

import pytest

from matinee.cli.api import Answer
from tests.canned_api import answering
from tests.stack import ROOT

ACCOUNT: Answer = {
    "account_id": "0" * 26, "email": "ada@example.org", "role": "ROLE_PUBLISHER", "disabled": False,
    "providers": ["company"], "created_at": "2026-11-26T12:00:00Z", "last_login_at": "2026-11-26T13:00:00Z",
}  # fmt: skip
SIGN_INS: list[Answer] = [
    {
        "session_id": "1" * 26, "method": "password", "device": "Firefox on Linux", "address": "192.0.2.1",
        "time": "2026-11-26T13:00:00Z", "active": True,
    },
    {
        "session_id": "0" * 26, "method": "company", "device": "", "address": "192.0.2.2",
        "time": "2026-11-26T12:00:00Z", "active": False,
    },
]  # fmt: skip
ISSUED = {"token": "secret", "expires_at": "2026-11-26T13:00:00Z"}
PATH = f"/api/v1/accounts/{ACCOUNT['account_id']}"
ANSWERS: dict[str, Answer | list[Answer]] = {
    "GET /api/v1/accounts": {"accounts": [ACCOUNT], "next_page_token": ""},
    "POST /api/v1/accounts": {"account": ACCOUNT},
    f"PATCH {PATH}": {"account": ACCOUNT | {"disabled": True}},
    f"DELETE {PATH}": {},
    f"POST {PATH}:issuePasswordReset": ISSUED,
    f"GET {PATH}/signIns": {"sign_ins": SIGN_INS, "next_page_token": ""},
}


def users(*arguments: str, **answers: Answer) -> subprocess.CompletedProcess[str]:
    """Run `matinee users` against canned answers."""
    with answering(ANSWERS | {"GET /api/v1/accounts": answers.get("accounts", ANSWERS["GET /api/v1/accounts"])}) as url:
        return subprocess.run(
            [sys.executable, "-m", "matinee", "users", *arguments], cwd=ROOT, text=True, timeout=60, check=False,
            env={**os.environ, "MATINEE_URL": url, "MATINEE_TOKEN": "t"}, capture_output=True,
        )  # fmt: skip


def test_people_read_a_table() -> None:
    head, line = users().stdout.splitlines()
    assert head.split() == ["E-MAIL", "ROLE", "STATE", "LAST", "LOGIN", "PROVIDERS", "CREATED"]
    assert line.split()[:3] == ["ada@example.org", "publisher", "active"]


def test_scripts_read_plain_words() -> None:
    assert json.loads(users("--json").stdout) == [ACCOUNT | {"role": "publisher"}]


def test_who_makes_an_account_gets_the_link_that_sets_its_password() -> None:
    made = json.loads(users("create", "ada@example.org", "--role", "publisher", "--json").stdout)
    assert made["reset_url"].endswith("/reset?token=secret")
    assert made["role"] == "publisher"


def test_the_audit_of_an_account_tells_of_its_sign_ins() -> None:
    head, latest, first = users("audit", "ada@example.org").stdout.splitlines()
    assert head.split() == ["SIGNED", "IN", "BY", "DEVICE", "ADDRESS", "SESSION"]
    assert latest.split()[2:] == ["password", "Firefox", "on", "Linux", "192.0.2.1", "active"]
    assert first.split()[2:] == ["company", "unknown", "192.0.2.2", "ended"]
    assert json.loads(users("audit", "ada@example.org", "--json").stdout) == SIGN_INS
    assert json.loads(users("audit", "ada@example.org", "--limit", "1", "--json").stdout) == SIGN_INS[:1]


@pytest.mark.parametrize("user", ["ada@example.org", ACCOUNT["account_id"]])
def test_an_account_is_named_by_its_address_or_its_id(user: str) -> None:
    assert users("disable", user).stdout == "ada@example.org may not sign in any more.\n"
    assert "/reset?token=secret\n" in users("reset-password", user).stdout
    assert json.loads(users("delete", user, "--json").stdout)["state"] == "deleted"


def test_an_address_without_an_account_is_one_sentence() -> None:
    done = users("role", "eve@example.org", "admin", accounts={"accounts": [], "next_page_token": ""})
    assert (done.returncode, done.stderr) == (66, "matinee: there is no account of eve@example.org\n")


def test_a_role_that_is_none_is_refused() -> None:
    assert users("role", "ada@example.org", "king").returncode == 2
