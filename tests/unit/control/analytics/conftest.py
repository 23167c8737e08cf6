"""What the tests of analytics start from."""

import pytest

from control.database import Database
from tests.viewing import Cinema, opened


@pytest.fixture
async def cinema(database: Database, anyio_backend: str) -> Cinema:
    """Two accounts and three films."""
    return await opened(database)
