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

from matinee.instance import free_port
from tests.control_house import House, claims_of, running_control
from tests.door import open_door
from tests.stack import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture
async def house(tmp_path: Path, anyio_backend: Any) -> AsyncIterator[House]:
    http = {"port": free_port("127.0.0.1")}
    async with running_control(tmp_path / "data", http=http) as running, open_door(running):
        yield running


async def matinee(house: House, *words: str) -> str:
    """What a command of the admin prints."""
    token = (await house.admin())[0][1].removeprefix("Bearer ")
    environment = {**os.environ, "MATINEE_URL": house.settings.public_url, "MATINEE_TOKEN": token}
    command = [sys.executable, "-m", "matinee", *words]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


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
    assert (listed["account_id"], listed["state"], listed["plan"]["plan_id"]) == (account_id, "active", "family")
    shown = await matinee(house, "subscriptions")
    assert all(word in shown for word in (account_id, "active", "is renewed", "manual"))
    by_mail = "viewer@matinee.local"
    assert await matinee(house, "subscriptions", "set", by_mail, "none") == "The subscription to family has ended.\n"
    assert json.loads(await matinee(house, "subscriptions", "--json"))[0]["state"] == "ended"
