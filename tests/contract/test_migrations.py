"""The tables are the same wherever they come from: made anew, or brought up to date from any release."""

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from control.database import accounts, search, titles
from control.database.engine import open_database
from control.database.migration import MIGRATIONS, upgrade
from control.database.search import Position
from control.database.tables import metadata

pytestmark = pytest.mark.anyio

Answer = TypeVar("Answer")

REVISIONS = sorted(path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("v*.py"))
ACCOUNT_ID, TITLE_ID = "a" * 26, "t" * 26
FIRST_RELEASE = (
    f"INSERT INTO accounts VALUES ('{ACCOUNT_ID}', 'a@b.example', 'hash', 'admin', 1.5)",
    f"INSERT INTO titles VALUES ('{TITLE_ID}', 'Été', 'Of rain.', true, '', 0, 0, 0, 'eng,deu', 1099511627776, 1.5, 2)",
)
"""What somebody may have entered into the tables of the first release."""


async def run(url: str, work: Callable[[SyncConnection], Answer]) -> Answer:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        answer = await connection.run_sync(work)
    await engine.dispose()
    return answer


def differences(connection: SyncConnection) -> list[object]:
    """What would have to be done to make the tables those of `control.database.tables`."""
    context = MigrationContext.configure(connection, opts={"include_name": is_ours})
    return list(compare_metadata(context, metadata))


def is_ours(name: str | None, kind: str, _: object) -> bool:
    return not (kind in {"table", "index"} and str(name).startswith("title_search"))  # only the database knows these


TEXTS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version' AND data_type IN ('character varying', 'text')
"""


def enter_first_release(connection: SyncConnection) -> None:
    upgrade(connection, "v0001")
    for statement in FIRST_RELEASE:
        connection.execute(text(statement))


async def test_the_migrations_make_exactly_the_tables(empty_database_url: str) -> None:
    await (await open_database(empty_database_url)).close()
    assert await run(empty_database_url, differences) == []


@pytest.mark.parametrize("revision", REVISIONS)
async def test_every_release_is_brought_up_to_date_and_keeps_what_it_had(
    empty_database_url: str, revision: str
) -> None:
    await run(empty_database_url, enter_first_release)
    await run(empty_database_url, lambda connection: upgrade(connection, revision))
    database = await open_database(empty_database_url)
    async with database.read() as connection:
        account, title = await accounts.find(connection, ACCOUNT_ID), await titles.find(connection, TITLE_ID)
        found = [await search.page(connection, query, Position(), 10, None) for query in ("ete", "rain")]
    await database.close()
    assert account is not None
    assert title is not None
    assert (account.email, title.name, title.size_bytes, title.published) == ("a@b.example", "Été", 2**40, True)
    assert [hits.title_ids for hits in found] == [[TITLE_ID], [TITLE_ID]]
    assert await run(empty_database_url, differences) == []


START = """
import asyncio, sys
from control.database.engine import open_database
asyncio.run(open_database(sys.argv[1]))
"""


async def test_who_starts_at_the_same_time_migrates_once(empty_database_url: str) -> None:
    command = (sys.executable, "-c", START, empty_database_url)
    starting = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
    assert [await one.wait() for one in starting] == [0, 0, 0]
    assert await run(empty_database_url, differences) == []


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
async def test_postgresql_compares_texts_byte_by_byte_as_sqlite_does(empty_database_url: str) -> None:
    await (await open_database(empty_database_url)).close()
    others = f"{TEXTS} AND collation_name IS DISTINCT FROM 'C'"
    assert await run(empty_database_url, lambda connection: connection.execute(text(others)).all()) == []
