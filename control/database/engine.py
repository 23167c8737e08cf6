"""The engine and its transactions: SQLite for one machine; the SQL is portable to PostgreSQL."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.exc import ArgumentError, InterfaceError, InvalidRequestError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from control.database.migration import upgrade
from matinee.bell import Bell
from matinee.errors import InvalidInput, Unavailable
from matinee.locks import held
from matinee.small_files import make_private
from matinee.write_ahead_log import writes

Connection = AsyncConnection

BUSY_MILLISECONDS = 5_000
POLL_SECONDS = 0.25
"""How often to look whether another process has written, where nothing cheaper than a look tells that."""


class SqliteConnection(sqlite3.Connection):
    """Ends its transaction when it is closed: SQLite keeps that, and its lock, while a statement is still around."""

    def close(self) -> None:
        """Roll back, and close."""
        if self.in_transaction:
            self.rollback()
        super().close()


class Database:
    """Transactions over one database. Both kinds raise `Unavailable` when it does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writers = engine.execution_options(writes=True)
        self._written = Bell()
        # SQLite has one writer at a time: to wait here is fairer and cheaper than in its busy handler.
        self._turn = asyncio.Semaphore(1 if engine.dialect.name == "sqlite" else 64)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        with _translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """A transaction that may change things; it is committed at the end, and rolled back by an exception."""
        with _translated():
            async with self._turn, self._writers.begin() as connection:
                yield connection
        self._written.ring()

    def next_write(self) -> asyncio.Event:
        """What is set when a transaction has changed something from now on: one of this process, or one heard of."""
        return self._written.listen()

    async def hear_others(self, heard: Callable[[], None]) -> None:
        """Call `heard` soon after any process may have changed something, and wake who waits; until cancelled."""
        sqlite = self._engine.dialect.name == "sqlite"
        async for _ in writes(Path(str(self._engine.url.database))) if sqlite else _regularly():
            self._written.ring()
            heard()

    def alone(self, role: str) -> AbstractAsyncContextManager[None]:
        """Be the only one, of all processes on this database, who has a role; wait until that is so."""
        file = self._engine.url.database
        return held(Path(f"{file}.{role}.lock")) if file else nullcontext()

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def open_database(url: str) -> Database:
    """Open the database that a SQLAlchemy URL names, and bring its tables up to date.

    Raises `InvalidInput` for a URL that cannot be used, `Unavailable` when the database does not answer.
    """
    try:
        own = {"connect_args": {"factory": SqliteConnection}} if make_url(url).get_backend_name() == "sqlite" else {}
        engine = create_async_engine(url, **own)
    except (ArgumentError, InvalidRequestError, NoSuchModuleError, ImportError) as error:
        raise InvalidInput(f"database.url cannot be used: {error}") from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    with _translated():
        async with engine.execution_options(writes=True).begin() as connection:
            await connection.run_sync(upgrade)
    return Database(engine)


async def _regularly() -> AsyncIterator[None]:
    while True:
        yield
        await asyncio.sleep(POLL_SECONDS)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, ConnectionError) as error:
        raise Unavailable("the database does not answer; try again") from error


def _make_file(path: Path) -> None:
    try:
        make_private(path)
    except OSError as error:
        raise InvalidInput(f"the database {path} cannot be made: {error.strerror}") from error


def _prepare_sqlite(engine: AsyncEngine) -> None:
    """Write-ahead log, foreign keys, patience; and transactions that say at their begin whether they write.

    A transaction that reads first and writes later could not be promoted while another writes, so writers say so with
    BEGIN IMMEDIATE. The file holds keys and password hashes: only its owner may read it.
    """
    if engine.url.database and engine.url.database != ":memory:":
        _make_file(Path(engine.url.database))

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "foreign_keys = ON", f"busy_timeout = {BUSY_MILLISECONDS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: SyncConnection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
