"""PostgreSQL: one database for many control processes.

Transactions that read see one state of it (REPEATABLE READ). Those that write see at each statement what is committed
by then (READ COMMITTED), and lock what they have read in order to change it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import URL, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from matinee.errors import Unavailable
from matinee.settings import DatabaseSettings

READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
WRITING: dict[str, Any] = {}
"""How transactions begin that read, and those that write: as options of SQLAlchemy."""

POLL_SECONDS = 0.25
"""How often it is looked whether a role has become free."""
MARGIN_SECONDS = 5.0
"""How much longer than the server takes for a statement it is waited for its answer."""

OF_DRIVER = (InterfaceError, PostgresError)
"""What SQLAlchemy has no part in: how connections begin, and what they hear."""
AWAY = ("08", "53", "57")
"""Classes of SQLSTATE: connections, resources, and what operators did; see appendix A of PostgreSQL's manual."""
IN_THE_WAY = frozenset({"25P03", "40001", "40P01", "55P03"})
"""An idle transaction that was ended, failed serialization, a deadlock, and a lock that was not to be had."""
REFUSED = ("28", "3D", "42501")
"""Classes of SQLSTATE: somebody who may not connect, a database that is not there, and what may not be done in it."""

# A machine that vanishes with a role must not keep it: the server asks after it.
_WATCHED = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


def engine(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    """Connections in a pool, each looked at before it is used: the server may have been away since."""
    limits = {
        "statement_timeout": _milliseconds(settings.statement_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(settings.idle_seconds),
    }
    return create_async_engine(
        url,
        pool_size=settings.connections,
        max_overflow=0,
        pool_timeout=settings.connect_seconds,
        pool_pre_ping=True,
        connect_args={
            "timeout": settings.connect_seconds,
            "command_timeout": settings.statement_seconds + MARGIN_SECONDS,
            "server_settings": {"application_name": "matinee", **limits},
        },
    )


@asynccontextmanager
async def apart(url: URL, purpose: str, connect_seconds: float) -> AsyncIterator[AsyncConnection]:
    """A connection that is for nothing else, and commits each statement at once."""
    arguments = {
        "timeout": connect_seconds,
        "command_timeout": connect_seconds,
        "server_settings": {"application_name": f"matinee {purpose}", **_WATCHED},
    }
    keeper = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments)
    async with keeper.connect() as connection:
        yield connection


@asynccontextmanager
async def alone(url: URL, role: str, connect_seconds: float) -> AsyncIterator[None]:
    """The lock of a role: one of the server's, of a connection that is for nothing else.

    The server lets it go with the connection, however that ends; then the context ends with `Unavailable`.
    """
    async with apart(url, role, connect_seconds) as connection:
        while not await connection.scalar(select(func.pg_try_advisory_lock(_key(role)))):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(POLL_SECONDS)
        async with _while_connected(connection):
            yield


async def turn(connection: AsyncConnection, name: str) -> None:
    """Wait until no other transaction is open that has taken the turn of this name."""
    await connection.execute(select(func.pg_advisory_xact_lock(_key(name))))


async def have_time(connection: AsyncConnection) -> None:
    """Let this transaction take as long as it takes."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        await connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def may_come_back(error: DBAPIError) -> bool:
    """Whether the same may succeed later."""
    state = _state(error)
    return error.connection_invalidated or state.startswith(AWAY + REFUSED) or state in IN_THE_WAY


def refusal(error: BaseException | None) -> str:
    """What the server says that answers, but does not let us in; empty for any other error."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return ""
    return str(error.orig.__cause__) if _state(error).startswith(REFUSED) else ""


@asynccontextmanager
async def _while_connected(connection: AsyncConnection) -> AsyncIterator[None]:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        async with asyncio.timeout(None) as scope:

            def end(_: object) -> None:
                scope.reschedule(0)

            driver.add_termination_listener(end)
            try:
                yield
            finally:
                driver.remove_termination_listener(end)
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise Unavailable("the connection that held the role has ended; try again") from error


def _key(name: str) -> Any:
    return func.hashtextextended(f"matinee {name}", 0)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1_000))


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
