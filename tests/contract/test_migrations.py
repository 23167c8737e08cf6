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
from matinee.errors import InvalidInput

pytestmark = pytest.mark.anyio

Answer = TypeVar("Answer")

REVISIONS = sorted(path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("v*.py"))
ACCOUNT_ID, TITLE_ID = "a" * 26, "t" * 26
SESSION_ID, JOB_ID, ASSET_ID = "s" * 26, "j" * 26, "x" * 26
ENTERED = {
    "v0001": (
        f"INSERT INTO accounts VALUES ('{ACCOUNT_ID}', 'a@b.example', 'hash', 'admin', 1.5)",
        f"INSERT INTO sessions VALUES ('{SESSION_ID}', '{ACCOUNT_ID}', 3)",
        f"INSERT INTO refresh_tokens VALUES ('spent', '{SESSION_ID}', 9, true), ('fresh', '{SESSION_ID}', 9, false)",
        "INSERT INTO signing_keys VALUES ('k', 'pem', 1, 1, 60)",
        (
            f"INSERT INTO titles VALUES "
            f"('{TITLE_ID}', 'Été', 'Of rain.', true, '{ASSET_ID}', 6, 4, 3, 'eng,deu', 1099511627776, 1.5, 2)"
        ),
        (
            f"INSERT INTO jobs VALUES ('{JOB_ID}', '{TITLE_ID}', 'u1', '{ACCOUNT_ID}', 'f.mkv', 5, '', 'published',"
            f" 0, 0, '', 1, 0, 0, 1, '', 0, 1, 1)"
        ),
        "INSERT INTO removals VALUES ('uploads/u0/', 1)",
    ),
    "v0002": (
        "INSERT INTO outbox (event_id, topic, key, time, data) VALUES ('e', 'movie-played', 'k', 1, '')",
        "INSERT INTO handled_events VALUES ('history', 'e', 1)",
    ),
    "v0003": (f"INSERT INTO identities VALUES ('https://id.example', 'ada', '{ACCOUNT_ID}', 1)",),
    "v0005": (
        "INSERT INTO plans VALUES ('family', 'Family', 1, '', '', 1, 2, 0, 0, 0, 30, 0, '[]', false)",
        f"INSERT INTO subscriptions VALUES ('s', '{ACCOUNT_ID}', 'family', 'active', 1, 9, 'manual', false)",
    ),
    "v0006": (
        (
            f"INSERT INTO playback_sessions VALUES ('p', '{TITLE_ID}', '{ACCOUNT_ID}', '{ASSET_ID}', 'TV', 1, 1, 9,"
            f" 'd', '{SESSION_ID}', 0, NULL, 'playing', 0, NULL, true)"
        ),
    ),
    "v0007": (
        f"INSERT INTO history VALUES ('{ACCOUNT_ID}', '{TITLE_ID}', 'h', 1, 1, false, 2, 3)",
        f"INSERT INTO plays VALUES ('p', '{TITLE_ID}', '{ACCOUNT_ID}', 20000, true, 2000, 500)",
        (
            f"INSERT INTO playback_quality VALUES"
            f" ('p', '{TITLE_ID}', '{ACCOUNT_ID}', '{ASSET_ID}', 20000, 0.5, 60, 1, 2, 800, 0, 0, true, '', '{{}}')"
        ),
    ),
}
"""What somebody may have entered into the tables when a release had them first."""
KEPT = {
    "accounts": 1, "sessions": 1, "refresh_tokens": 2, "signing_keys": 1, "titles": 1, "assets": 1, "jobs": 1,
    "removals": 1, "outbox": 1, "handled_events": 1, "identities": 1, "plans": 1, "subscriptions": 1,
    "playback_sessions": 1, "history": 1, "plays": 1, "playback_quality": 1,
}  # fmt: skip
"""How many rows of it there are to be, once all of it was entered."""


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


def enter(connection: SyncConnection, last: str) -> None:
    """Use every release, up to one."""
    for revision in REVISIONS[: REVISIONS.index(last) + 1]:
        upgrade(connection, revision)
        for statement in ENTERED.get(revision, ()):
            connection.execute(text(statement))


def kept(connection: SyncConnection) -> dict[str, int]:
    """How many rows there are of what was entered."""
    return {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in KEPT}


async def test_the_migrations_make_exactly_the_tables(empty_database_url: str) -> None:
    await (await open_database(empty_database_url)).close()
    assert await run(empty_database_url, differences) == []


@pytest.mark.parametrize("revision", REVISIONS)
async def test_every_release_is_brought_up_to_date_and_keeps_what_it_had(
    empty_database_url: str, revision: str
) -> None:
    await run(empty_database_url, lambda connection: enter(connection, revision))
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
    later = {table for release, lines in ENTERED.items() if release > revision for table in map(_table, lines)}
    assert await run(empty_database_url, kept) == {table: KEPT[table] * (table not in later) for table in KEPT}


def _table(statement: str) -> str:
    """Into which table a statement enters something."""
    return statement.split()[2]


async def test_a_database_of_a_newer_release_is_refused_and_left_as_it_is(empty_database_url: str) -> None:
    await (await open_database(empty_database_url)).close()
    await run(empty_database_url, lambda each: each.execute(text("UPDATE alembic_version SET version_num = 'v9999'")))
    with pytest.raises(InvalidInput, match="changed by a newer Matinee"):
        await open_database(empty_database_url)
    assert await run(empty_database_url, lambda each: each.scalar(text("SELECT * FROM alembic_version"))) == "v9999"


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
