"""`matinee events tail`, from the outbox of a running instance to a person's terminal."""

import asyncio
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from control.database import accounts, outbox
from control.database.accounts import Account
from control.database.engine import open_database
from control.identifiers import new_id
from protos.v1.events_pb2 import MoviePaused
from tests.control_house import QUICK_HASHER
from tests.patience import PATIENCE, wait_until
from tests.stack import ROOT, Stack, running_stack

pytestmark = pytest.mark.integration


async def record(stack: Stack, account_id: str) -> None:
    """Record an event as a service of control does."""
    database = await open_database(stack.database_url)
    async with database.write() as connection:
        await outbox.record(connection, MoviePaused(account_id=account_id, title_id="\x9b31m"), time.time)
    await database.close()


async def register(stack: Stack, email: str) -> None:
    database = await open_database(stack.database_url)
    async with database.write() as connection:
        account = Account(new_id(time.time), email, QUICK_HASHER.hash("password"), "viewer", time.time())
        await accounts.add(connection, account)
    await database.close()


@contextmanager
def tail(stack: Stack, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "matinee", "events", "tail", *arguments],
        cwd=ROOT, env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_scripts_get_one_event_a_line_until_they_are_interrupted(stack: Stack) -> None:
    asyncio.run(record(stack, "account-of-a-script"))
    with tail(stack, "--json", "--from-beginning", "--topic", "movie-paused") as process:
        event = json.loads(next_line(process))
        while event["key"] != "account-of-a-script":
            event = json.loads(next_line(process))
        assert event["topic"] == "movie-paused"
        assert event["data"]["account_id"] == "account-of-a-script"
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.communicate() == ("", "")


def test_people_see_time_topic_key_and_data_and_nothing_that_their_terminal_obeys(stack: Stack) -> None:
    asyncio.run(record(stack, "account-of-a-person"))
    with tail(stack, "--from-beginning") as process:
        line = next_line(process)
        while "account-of-a-person" not in line:
            line = next_line(process)
        assert re.match(r"\d\d:\d\d:\d\d  movie-paused {13} account-of-a-person {9}\{", line)
        assert "\\x9b31m" in line


def test_a_tail_goes_on_where_it_was_when_control_is_killed(tmp_path: Path, house_database_url: str) -> None:
    with (
        running_stack(tmp_path / "data", DATABASE__URL=house_database_url) as stack,
        tail(stack, "--json", "--topic", "movie-paused") as process,
    ):
        wait_until(lambda: recorded_and_seen(stack, process))
        os.kill(stack.children()["control"], signal.SIGKILL)
        keys = [f"after-{number}" for number in range(3)]
        for key in keys:
            asyncio.run(record(stack, key))
        shown: list[str] = []
        while len(shown) < len(keys):
            key = json.loads(next_line(process))["key"]
            shown += [key] if key != "before" else []
        assert shown == keys


def recorded_and_seen(stack: Stack, process: "subprocess.Popen[str]") -> bool:
    """Whether the tail is open by now: it shows an event that happens."""
    asyncio.run(record(stack, "before"))
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0.5)[0])


def test_who_may_not_look_is_told_so(stack: Stack) -> None:
    asyncio.run(register(stack, "curious@matinee.local"))
    credential = {"email": "curious@matinee.local", "password": "password"}
    token = httpx.post(f"{stack.url}/api/v1/auth:login", json=credential, trust_env=False).json()["access_token"]
    curious = Stack(
        stack.data, stack.process,
        environment={**stack.environment, "MATINEE_URL": stack.url, "MATINEE_TOKEN": token},
    )  # fmt: skip
    refused = curious.matinee("events", "tail")
    assert refused.returncode == 77
    assert refused.stderr == "matinee: only administrators may look at events: sign in as one\n"
