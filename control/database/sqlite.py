"""SQLite: the embedded database, one file for one machine."""

import sqlite3
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from matinee.errors import InvalidInput
from matinee.locks import held
from matinee.small_files import make_private

BUSY_MILLISECONDS = 5_000
READING: dict[str, Any] = {}
WRITING: dict[str, Any] = {"writes": True}
"""How transactions begin that read, and those that write: as options of SQLAlchemy."""


class SqliteConnection(sqlite3.Connection):
    """Ends its transaction when it is closed: SQLite keeps that, and its lock, while a statement is still around."""

    def close(self) -> None:
        """Roll back, and close."""
        if self.in_transaction:
            self.rollback()
        super().close()


def engine(url: URL) -> AsyncEngine:
    """Write-ahead log, foreign keys, patience; and transactions that say at their begin whether they write.

    A transaction that reads first and writes later could not be promoted while another writes, so writers say so with
    BEGIN IMMEDIATE. The file holds keys and password hashes: only its owner may read it, and errors do not say the
    values of a statement.
    """
    made = create_async_engine(url, hide_parameters=True, connect_args={"factory": SqliteConnection})
    if url.database and url.database != ":memory:":
        _make_file(Path(url.database))

    @event.listens_for(made.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "foreign_keys = ON", f"busy_timeout = {BUSY_MILLISECONDS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(made.sync_engine, "begin")
    def begin(connection: SyncConnection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def alone(url: URL, role: str) -> AbstractAsyncContextManager[None]:
    """The lock of a role: a file beside the database, which the system lets go when its holder ends."""
    return held(Path(f"{url.database}.{role}.lock")) if url.database else nullcontext()


def _make_file(path: Path) -> None:
    try:
        make_private(path)
    except OSError as error:
        raise InvalidInput(f"the database {path} cannot be made: {error.strerror}") from error
