"""The first start of several controls at once: they make one admin, whose login lies where it was made."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from control.accounts.first_start import create_admin
from control.accounts.passwords import Passwords
from control.database import accounts
from control.database.engine import open_database
from matinee.settings import load_settings
from tests.control_house import QUICK_HASHER

pytestmark = pytest.mark.anyio


async def start(database_url: str, *folders: Path) -> list[Path]:
    """Make the admin from each of these data folders at once; the logins that are there then."""
    passwords, database = Passwords(QUICK_HASHER), await open_database(database_url)
    for folder in folders:
        folder.mkdir(exist_ok=True)
    await asyncio.gather(*(create_admin(database, passwords, load_settings(data=one), time.time) for one in folders))
    logins = [folder / "admin.json" for folder in dict.fromkeys(folders) if (folder / "admin.json").exists()]
    for login in logins:
        told = json.loads(login.read_text())
        async with database.read() as connection:
            made = await accounts.by_email(connection, told["email"])
        assert made
        assert await passwords.matches(told["password"], made.password_hash)
    await database.close()
    passwords.close()
    return logins


async def test_the_login_lies_in_one_data_folder_alone(database_url: str, tmp_path: Path) -> None:
    assert len(await start(database_url, *(tmp_path / f"control-{number}" for number in range(4)))) == 1


async def test_controls_of_one_data_folder_keep_its_login(database_url: str, tmp_path: Path) -> None:
    assert await start(database_url, *[tmp_path / "data"] * 4) == [tmp_path / "data" / "admin.json"]
