"""The engine and its transactions: SQLite for one machine, PostgreSQL for many; the queries are the same for both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from control.database import postgresql, sqlite
from control.database.migration import upgrade
from control.database.news import News
from matinee.bell import Bell
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import DatabaseSettings
from matinee.write_ahead_log import writes

Connection = AsyncConnection
Result = TypeVar("Result")

AWAY_SECONDS = 0.25
"""How long to wait before PostgreSQL is asked again for news, which was away."""
PAUSES = (0.01, 0.05, 0.25)
"""How long to let others go first before work is tried again that they were in the way of (seconds)."""


class Database:
    """Transactions over one database. Both kinds raise `Unavailable` when it does not answer."""

    def __init__(self, engine: AsyncEngine, settings: DatabaseSettings) -> None:
        kind = sqlite if _is_sqlite(engine.url) else postgresql
        self._engine = engine
        self._settings = settings
        self._readers = engine.execution_options(**kind.READING)
        self._writers = engine.execution_options(**kind.WRITING)
        self._written = Bell()
        self._news = None if kind is sqlite else News(engine.url, settings.connect_seconds)
        # SQLite has one writer at a time: to wait here is fairer and cheaper than in its busy handler.
        self._turn = asyncio.Semaphore(1) if kind is sqlite else nullcontext()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        with _translated():
            async with self._readers.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """A transaction that may change things; it is committed at the end, and rolled back by an exception."""
        with _translated():
            async with self._turn, self._writers.begin() as connection:
                yield connection
        self._written.ring()
        if self._news:
            self._news.tell()

    async def transact(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Do work in a transaction that may change things, and do it again when others were in its way.

        So it must leave no trace but in the database. Raises what the work does, and `Unavailable`.
        """
        for pause in PAUSES:
            with suppress(postgresql.InTheWay):
                async with self.write() as connection:
                    return await work(connection)
            await asyncio.sleep(pause)
        async with self.write() as connection:
            return await work(connection)

    async def check(self) -> None:
        """Look whether the database answers, and takes changes. Raises `Unavailable` when it does not."""
        async with self.read() as connection:
            if _is_sqlite(self._engine.url):
                await connection.execute(text("SELECT 1"))
            else:
                await postgresql.check(connection)

    def next_write(self) -> asyncio.Event:
        """What is set when a transaction has changed something from now on: one of this process, or one heard of."""
        return self._written.listen()

    async def hear_others(self, heard: Callable[[], None]) -> None:
        """Call `heard` soon after any process may have changed something, and wake who waits; until cancelled."""
        while True:
            with suppress(Unavailable), _translated():
                async for _ in self._news.follow() if self._news else writes(Path(str(self._engine.url.database))):
                    self._written.ring()
                    heard()
            await asyncio.sleep(AWAY_SECONDS)

    @asynccontextmanager
    async def alone(self, role: str) -> AsyncIterator[None]:
        """Be the only one, of all processes on this database, who has a role; wait until that is so.

        Raises `Unavailable`, also when the role was lost meanwhile.
        """
        async with AsyncExitStack() as stack:
            with _translated():
                await stack.enter_async_context(self._lock(role))
            yield

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    def _lock(self, role: str) -> AbstractAsyncContextManager[None]:
        if _is_sqlite(self._engine.url):
            return sqlite.alone(self._engine.url, role)
        return postgresql.alone(self._engine.url, role, self._settings.connect_seconds)


async def turn(connection: Connection, name: str) -> None:
    """Have a thing to oneself until this transaction ends, where there is no row to lock; SQLite's one writer has."""
    if not _is_sqlite(connection.engine.url):
        await postgresql.turn(connection, name)


async def open_database(url: str, settings: DatabaseSettings | None = None) -> Database:
    """Open the database that a SQLAlchemy URL names, and bring its tables up to date.

    Raises `InvalidInput` for a URL that cannot be used or a database of a newer release, `Unavailable` when it does not
    answer.
    """
    settings = settings or DatabaseSettings()
    engine = _engine(url, settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        with _admitted():
            await _migrate(engine)
        stack.pop_all()
    return Database(engine, settings)


async def describe(url: str, settings: DatabaseSettings) -> str:
    """The release of the PostgreSQL that a URL names. Raises as `open_database` does, and changes nothing."""
    async with looked_at(url, settings) as database, database.read() as connection:
        await postgresql.check(connection)
        release = await connection.scalar(text("SHOW server_version"))
    return f"PostgreSQL {release}"


@asynccontextmanager
async def looked_at(url: str, settings: DatabaseSettings) -> AsyncIterator[Database]:
    """The database as it is, whatever release it is of. Raises as `open_database` does, and changes nothing."""
    database = Database(_engine(url, settings), settings)
    try:
        with _admitted():
            yield database
    finally:
        await database.close()


@contextmanager
def _admitted() -> Iterator[None]:
    try:
        with _translated():
            yield
    except Unavailable as error:
        if reason := postgresql.refusal(error.__cause__):
            raise InvalidInput(f"database.url cannot be used: {reason}") from error
        raise


async def _migrate(engine: AsyncEngine) -> None:
    async with engine.execution_options(**sqlite.WRITING).begin() as connection:
        if not _is_sqlite(engine.url):
            await postgresql.have_time(connection)
        await turn(connection, "migration")
        await connection.run_sync(upgrade)


def _engine(url: str, settings: DatabaseSettings) -> AsyncEngine:
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql+asyncpg":
            return postgresql.engine(parsed, settings)
        if parsed.drivername == "sqlite+aiosqlite":
            return sqlite.engine(parsed)
    except ArgumentError as error:
        raise InvalidInput(f"database.url cannot be used: {error}") from error
    except ValueError:  # which would quote what stands there, be it half a password
        raise InvalidInput("database.url cannot be used: its port is no number") from None
    raise InvalidInput("database.url must begin with postgresql+asyncpg:// or sqlite+aiosqlite://")


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("control has all its connections to the database in use; try again") from error
    except (OperationalError, InterfaceError, OSError, *postgresql.OF_DRIVER) as error:
        raise Unavailable(postgresql.AWAY) from error
    except DBAPIError as error:
        if (passing := postgresql.passing(error)) is None:
            raise
        raise passing from error
