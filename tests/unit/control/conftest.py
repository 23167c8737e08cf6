"""What the tests of control start from."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control.database.engine import open_database
from tests.control_house import House, running_control


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them, to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "matinee.db"

    async def make() -> None:
        await (await open_database(f"sqlite+aiosqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
async def house(tmp_path: Path, migrated: Path, anyio_backend: str) -> AsyncIterator[House]:
    """A fresh control of this test's own."""
    shutil.copy(migrated, tmp_path)
    async with running_control(tmp_path) as running:
        yield running
