"""The databases that control is tested with: SQLite, and a real PostgreSQL.

A fresh one is a copy of one that has its tables: migrating takes longer than most tests.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from control.database import Connection, Database
from control.database.engine import open_database
from tests.machine import require
from tests.services.postgresql import postgresql

DATABASES = ("sqlite", "postgresql")


def chosen(usual: str) -> str:
    """What whole houses are tested with: as whoever runs the tests has chosen, or as usual.

    Everything that has to do with queries, locks and races is tested with both.
    """
    return os.environ.get("MATINEE_TEST_DATABASE", usual)


HOUSE_DATABASE = chosen("sqlite")
"""Quick to have: units of control are many."""


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{quote(str(path))}"


def migrate(url: str) -> str:
    """Make the tables of a database."""

    async def make() -> None:
        await (await open_database(url)).close()

    asyncio.run(make())
    return url


class Server:
    """A running PostgreSQL, by the URL of its superuser."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        self.run("CREATE DATABASE migrated")
        migrate(self._of("migrated"))

    @contextmanager
    def database(self, template: str = "migrated") -> Iterator[str]:
        """A database of its own, which is a copy."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield self._of(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Run a statement of the superuser."""

        async def execute() -> None:
            engine = create_async_engine(self._url, isolation_level="AUTOCOMMIT")
            async with engine.connect() as connection:
                await connection.execute(text(statement))
            await engine.dispose()

        asyncio.run(execute())

    def _of(self, database: str) -> str:
        return self._url.replace("/postgres?", f"/{database}?")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with its tables and nothing in them, to copy."""
    path = tmp_path_factory.mktemp("migrated") / "matinee.db"
    migrate(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for the whole run."""
    require("PostgreSQL")
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder, postgresql(Path(folder, "postgresql")) as url:
        yield Server(url)


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of either kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "matinee.db")
    else:
        with request.getfixturevalue("server").database("template1") as url:
            yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with its tables, of either kind."""
    with fresh(request, request.param, tmp_path) as url:
        yield url


@pytest.fixture
def house_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database for a whole control."""
    with fresh(request, HOUSE_DATABASE, tmp_path) as url:
        yield url


@pytest.fixture
async def database(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    """A fresh database with its tables, of either kind, opened."""
    opened = await open_database(database_url)
    yield opened
    await opened.close()


@contextmanager
def fresh(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[str]:
    """A fresh database with its tables, of one kind; that of SQLite lies in a folder."""
    if kind == "sqlite":
        yield sqlite_url(Path(shutil.copy(request.getfixturevalue("migrated"), folder / "matinee.db")))
    else:
        with request.getfixturevalue("server").database() as url:
            yield url


async def waits_for_a_lock(connection: Connection) -> bool:
    """Whether anybody else on this database waits for what another transaction has to itself; on PostgreSQL."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(await connection.scalar(text(query)))
