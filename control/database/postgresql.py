"""PostgreSQL: one database for many control processes.

Transactions that read see one state of it (REPEATABLE READ). Those that write see at each statement what is committed
by then (READ COMMITTED), and lock what they have read in order to change it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from asyncpg import ClientConfigurationError, InterfaceError, PostgresError
from sqlalchemy import URL, func, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError
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

SILENT_SECONDS = 30.0
"""How long a process that hangs keeps a role: the machine below it still answers for its connections."""
SIGN_SECONDS = 5.0
"""How often who has a role shows the server that it lives."""

OF_DRIVER = (InterfaceError, PostgresError)
"""What SQLAlchemy has no part in: how connections begin, and what they hear."""
AWAY = "the database does not answer; try again"
FIXED = "the database takes no changes at present; try again"
PASSING = ("08", "25P03", "53", "55P03", "57", "58")
"""Classes of SQLSTATE: connections, an idle transaction that was ended, resources, a lock that was not to be had, what
operators did, and what the system below fails at; see appendix A of PostgreSQL's manual."""
IN_THE_WAY = frozenset({"40001", "40P01"})
"""Failed serialization, and a deadlock."""
TOO_LONG = "57014"
READ_ONLY = "25006"
"""Of a server that stands by for another, or whose operators let nothing be changed."""
REFUSED = ("28", "3D", "42501")
"""Classes of SQLSTATE: somebody who may not connect, a database that is not there, and what may not be done in it."""
UNUSABLE = (ClientConfigurationError, ssl.SSLCertVerificationError)
"""What a URL asks for and cannot be, and servers that are not who the certificates say that they are."""

_IN_URLS = frozenset(
    {"host", "port", "user", "password", "database", "passfile", "service", "servicefile", "ssl"}
    | {"target_session_attrs", "krbsrvname", "gsslib", "prepared_statement_cache_size"}
)
"""What a URL may ask for after its `?`: what asyncpg takes as text, and one number that SQLAlchemy reads."""

# A statement that is prepared would soon have one plan for any values: for the two titles of a year as for a million.
_PLANNED = {"plan_cache_mode": "force_custom_plan"}
# A machine that vanishes with a role must not keep it: the server asks after it.
_WATCHED = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


class InTheWay(Unavailable):
    """Of transactions that cannot all go on, this one was undone: at once it may succeed."""


def engine(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    """Connections in a pool, each looked at before it is used: the server may have been away since.

    Errors do not say the values of a statement: they are logged, and there are keys and links in letters among them.

    Raises `ArgumentError` for a URL that asks for what is not known.
    """
    if unknown := sorted(url.query.keys() - _IN_URLS):
        raise ArgumentError(f"it may ask for {', '.join(sorted(_IN_URLS))}, and not for {', '.join(unknown)}")
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
        hide_parameters=True,
        connect_args={
            "timeout": settings.connect_seconds,
            "command_timeout": settings.statement_seconds + MARGIN_SECONDS,
            "server_settings": {"application_name": "matinee", **limits, **_PLANNED},
        },
    )


@asynccontextmanager
async def apart(
    url: URL, purpose: str, connect_seconds: float, silent_seconds: float = 0
) -> AsyncIterator[AsyncConnection]:
    """A connection that is for nothing else, and commits each statement at once.

    The server ends it when nothing comes for `silent_seconds`; 0: it waits for ever.
    """
    arguments = {
        "timeout": connect_seconds,
        "command_timeout": connect_seconds,
        "server_settings": {
            "application_name": f"matinee {purpose}",
            "idle_session_timeout": _milliseconds(silent_seconds),
            **_WATCHED,
        },
    }
    keeper = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments)
    async with keeper.connect() as connection:
        yield connection


@asynccontextmanager
async def alone(url: URL, role: str, connect_seconds: float) -> AsyncIterator[None]:
    """The lock of a role: one of the server's, of a connection that is for nothing else.

    The server lets it go with the connection, however that ends; then the context ends with `Unavailable`.
    """
    async with apart(url, role, connect_seconds, SILENT_SECONDS) as connection:
        while not await connection.scalar(select(func.pg_try_advisory_lock(_key(role)))):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(POLL_SECONDS)
        async with _while_connected(connection):
            yield


async def check(connection: AsyncConnection) -> None:
    """Look whether the server takes changes. Raises `Unavailable` when it does not."""
    fixed = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
    if await connection.scalar(text(fixed)):
        raise Unavailable(FIXED)


async def turn(connection: AsyncConnection, name: str) -> None:
    """Wait until no other transaction is open that has taken the turn of this name."""
    await connection.execute(select(func.pg_advisory_xact_lock(_key(name))))


async def have_time(connection: AsyncConnection) -> None:
    """Let this transaction take as long as it takes."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        await connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


async def avoid(connection: AsyncConnection, method: Literal["seqscan", "sort"]) -> None:
    """Have the rest of this transaction planned without a method, where there is another (its manual, 19.7.1)."""
    await connection.exec_driver_sql(f"SET LOCAL enable_{method} = off")


def passing(error: DBAPIError) -> Unavailable | None:
    """What to say of an error when the same may succeed later; None when it would not."""
    state = _state(error)
    if state in IN_THE_WAY:
        return InTheWay("others changed the same at the same time; try again")
    if state == TOO_LONG:
        return Unavailable("the database took too long; try again")
    if state == READ_ONLY:
        return Unavailable(FIXED)
    return Unavailable(AWAY) if error.connection_invalidated or state.startswith(PASSING + REFUSED) else None


def refusal(error: BaseException | None) -> str:
    """What is said by a server that answers, but does not let us in, or of settings by which none is reached.

    Empty for any other error.
    """
    if isinstance(error, DBAPIError) and error.orig:
        error = error.orig.__cause__
    refused = (getattr(error, "sqlstate", None) or "").startswith(REFUSED)
    return str(error).partition("\n")[0] if refused or isinstance(error, UNUSABLE) else ""


@asynccontextmanager
async def _while_connected(connection: AsyncConnection) -> AsyncIterator[None]:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        async with asyncio.timeout(None) as scope:

            def end(_: object) -> None:
                scope.reschedule(0)

            driver.add_termination_listener(end)
            showing = asyncio.create_task(_show_life(connection))
            try:
                yield
            finally:
                driver.remove_termination_listener(end)
                showing.cancel()
                await asyncio.gather(showing, return_exceptions=True)  # what it raises, the end of the connection tells
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise Unavailable("the connection that held the role has ended; try again") from error


async def _show_life(connection: AsyncConnection) -> None:
    """Say something, again and again: without it the server ends the connection."""
    while True:
        await asyncio.sleep(SIGN_SECONDS)
        await connection.execute(select(1))


def _key(name: str) -> Any:
    return func.hashtextextended(f"matinee {name}", 0)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1_000))


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
