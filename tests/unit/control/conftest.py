"""What the tests of control start from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.control_house import House, running_control


@pytest.fixture
async def house(tmp_path: Path, house_database_url: str, anyio_backend: str) -> AsyncIterator[House]:
    """A fresh control of this test's own."""
    async with running_control(tmp_path, database={"url": house_database_url}) as running:
        yield running
