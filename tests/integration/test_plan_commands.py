"""`matinee plans` and `matinee subscriptions` at a real door."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.control_house import House, claims_of, running_control
from tests.door import open_door
from tests.ports import free_port
from tests.stack import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture
async def house(tmp_path: Path, house_database_url: str, anyio_backend: Any) -> AsyncIterator[House]:
    http = {"port": free_port("127.0.0.1")}
    async with (
        running_control(tmp_path / "data", http=http, database={"url": house_database_url}) as running,
        open_door(running),
    ):
        yield running


async def matinee(house: House, *words: str) -> str:
    """What a command of the admin prints."""
    done = await _run(house, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


async def refused(house: House, *words: str) -> str:
    """Why a command of the admin is refused."""
    done = await _run(house, *words)
    assert done.returncode
    return done.stderr


async def _run(house: House, *words: str) -> subprocess.CompletedProcess[str]:
    token = (await house.admin())[0][1].removeprefix("Bearer ")
    environment = {**os.environ, "MATINEE_URL": house.settings.public_url, "MATINEE_TOKEN": token}
    command = [sys.executable, "-m", "matinee", *words]
    return await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


async def test_a_plan_is_made_changed_and_retired(house: House) -> None:
    await matinee(house, "plans", "create", "family", "--name", "All of us", "--streams", "4", "--tag", "kids")
    changed = json.loads(await matinee(house, "plans", "edit", "family", "--height", "720", "--tag", "", "--json"))
    assert (changed["max_streams"], changed["max_height"], changed["tags"]) == (4, 720, [])
    shown = await matinee(house, "plans")
    assert all(word in shown for word in ("family", "All of us", "720", "30 + 0", "yes"))
    assert await matinee(house, "plans", "retire", "family") == "Retired family.\n"
    assert json.loads(await matinee(house, "plans", "--json")) == []


async def test_an_operator_says_who_has_paid(house: House) -> None:
    await matinee(house, "plans", "create", "family")
    account_id = claims_of(await house.person("viewer"))["sub"]
    day = datetime.fromtimestamp(house.clock() + 400 * 86_400, tz=UTC).astimezone().date().isoformat()
    said = await matinee(house, "subscriptions", "set", account_id, "family", "--until", day)
    assert said == f"Subscribed to family, paid until {day} 00:00.\n"
    (listed,) = json.loads(await matinee(house, "subscriptions", "--json"))
    by_mail = "viewer@matinee.local"
    assert (listed["account_id"], listed["email"], listed["state"]) == (account_id, by_mail, "active")
    assert listed["plan"]["plan_id"] == "family"
    shown = await matinee(house, "subscriptions")
    assert all(word in shown for word in (by_mail, "active", "is renewed", "manual"))
    assert account_id not in shown
    assert await matinee(house, "subscriptions", "set", by_mail, "none") == "The subscription to family has ended.\n"
    assert json.loads(await matinee(house, "subscriptions", "--json"))[0]["state"] == "ended"


async def test_a_refusal_is_in_the_words_of_the_command(house: House) -> None:
    await matinee(house, "plans", "create", "family")
    account_id = claims_of(await house.person("viewer"))["sub"]
    said = await refused(house, "subscriptions", "set", account_id, "family", "--until", "2020-01-31")
    assert said == "matinee: --until must lie ahead; to end the subscription give the plan 'none'\n"
    said = await refused(house, "plans", "edit", "family", "--streams", "-1")
    assert said.startswith("matinee: --streams must be 0 to ")
    title_id = await house.film()
    said = await refused(house, "titles", "edit", title_id, "--parent-id", title_id)
    assert said == "matinee: a film belongs to nothing: leave --parent-id and number away\n"
    said = await refused(house, "users", "disable", "nobody")
    assert said == "matinee: USER is not an id of this instance\n"
