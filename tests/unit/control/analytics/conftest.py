"""What the tests of analytics start from."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control.database.engine import open_database
from tests.viewing import Cinema, opened


@pytest.fixture
async def cinema(tmp_path: Path, migrated: Path, anyio_backend: str) -> AsyncIterator[Cinema]:
    """Two accounts and three films."""
    shutil.copy(migrated, tmp_path)
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'matinee.db'}")
    yield await opened(database)
    await database.close()
