"""The daily sums that the migration makes of what there was are those that the consumers would have made."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from control.analytics.plays import STATISTICS
from control.analytics.quality import keep
from control.database.migration import MIGRATIONS
from control.database.quality import SessionQuality
from tests.viewing import NOON, Cinema, numbered, paused, played

pytestmark = pytest.mark.anyio

DAY = 86_400
Rows = list[tuple[Any, ...]]
ENDS: tuple[dict[str, Any], ...] = ({"started": True, "ended": "quit"}, {"ended": "quit"}, {"ended": "failed"}, {}, {})
SUMS = ("play_days", "account_days", "viewer_days", "quality_days", "startup_days")


def upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def stored(cinema: Cinema, table: str) -> Rows:
    async with cinema.read() as connection:
        return [tuple(row) for row in await connection.execute(text(f"SELECT * FROM {table}"))]


async def watch(cinema: Cinema) -> None:
    """Two accounts watch two films on several days, one of them twice; a session began only to be told of."""
    views = [(0, 0, 0), (0, 0, 2), (0, 1, 2), (1, 0, 1), (1, 0, 1), (1, 1, 5)]
    for session, (person, film, day) in enumerate(views):
        who, what, at = numbered("a", person), numbered("t", film), NOON + day * DAY
        end = paused(who, what, at + 60, 1_800, session=session, watched=61.5)
        await cinema.consume(STATISTICS, [played(who, what, at, session=session), end])
    await cinema.consume(STATISTICS, [paused(numbered("a", 0), numbered("t", 2), NOON, 9, session=9)])


async def report(cinema: Cinema) -> None:
    for number, startup in enumerate((0.5, None, 0.50001, 12.0, 0.0)):
        ids = (numbered("s", number), numbered("t", number % 2), numbered("a", 0), numbered("x", 0))
        how = (90.0004 + number, 1.5, 1, 1e6 * (number % 2))
        told = SessionQuality(*ids, number % 3, startup, *how, experience="{}", **ENDS[number])
        async with cinema.database.write() as connection:
            await keep(connection, [(None, told)])


def migrated(path: Path, old: dict[str, Rows]) -> dict[str, Rows]:
    """The sums after the migrations of a database that knows so much."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection, "v0008")
        for table, rows in old.items():
            columns = len(connection.exec_driver_sql(f"PRAGMA table_info({table})").all())  # newer ones are behind them
            marks = ", ".join("?" * columns)
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", [row[:columns] for row in rows])
        upgrade(connection, "head")
        made = {table: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table}")))) for table in SUMS}
    engine.dispose()
    return made


async def test_what_was_known_is_summed_up(cinema: Cinema, tmp_path: Path) -> None:
    await watch(cinema)
    await report(cinema)
    old = {table: await stored(cinema, table) for table in ("plays", "playback_quality")}
    old["title_days"] = [row for row in await stored(cinema, "play_days") if row[0]]
    made = await asyncio.to_thread(migrated, tmp_path / "old.db", old)
    assert made == {table: sorted(await stored(cinema, table)) for table in SUMS}
