"""What PostgreSQL may cost a control at most: what a caller hears who meets a limit, and that all goes on then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from control.database import Connection, Database, subscriptions, titles
from control.database.engine import open_database
from control.database.titles import Title
from matinee.errors import Unavailable
from matinee.settings import DatabaseSettings
from protos.v1.catalogue_pb2 import ListTitlesRequest
from protos.v1.playback_pb2 import PlayRequest, PlayResponse
from tests.control_house import House, Metadata, claims_of, refusal, running_control
from tests.databases import waits_for_a_lock
from tests.patience import until, within
from tests.services.passage import passage

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]

SOON = 0.3
"""A limit that is met soon (seconds)."""


@asynccontextmanager
async def held(house: House, person: Metadata) -> AsyncIterator[None]:
    """Somebody else has an account to himself, so that whoever starts a title for it waits for a lock."""
    async with house.written() as connection:
        await subscriptions.hold(connection, claims_of(person)["sub"])
        yield


class Viewer:
    """A viewer of a film, who plays it."""

    def __init__(self, house: House, title_id: str, person: Metadata) -> None:
        self.house = house
        self.person = person
        self._request = PlayRequest(title_id=title_id, device="Sofa")

    async def play(self, seconds: float = 60) -> PlayResponse:
        answer: PlayResponse = await self.house.playback.Play(self._request, metadata=self.person, timeout=seconds)
        return answer

    async def has_come_to_a_lock(self) -> bool:
        async with self.house.written() as connection:
            return await waits_for_a_lock(connection)


@asynccontextmanager
async def watched(folder: Path, url: str, **limits: float) -> AsyncIterator[Viewer]:
    """A control with such limits, and a viewer."""
    async with running_control(folder, database={"url": url, **limits}) as house:
        viewer = Viewer(house, await house.film(), await house.person("viewer"))
        await viewer.play()
        yield viewer


async def test_a_statement_that_takes_too_long_is_ended(tmp_path: Path, database_url: str) -> None:
    async with watched(tmp_path, database_url, statement_seconds=2) as viewer:  # all other statements must fit too
        async with held(viewer.house, viewer.person), refusal("UNAVAILABLE", "the database took too long; try again"):
            await viewer.play()
        assert await viewer.play()


async def test_who_finds_no_connection_free_is_told_so_in_time(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.health.FAILURES", 1_000)  # without any connection for long, control does not serve
    told = "all its connections to the database in use; try again"
    async with watched(tmp_path, database_url, connections=1, connect_seconds=2) as viewer:
        async with held(viewer.house, viewer.person):
            waiting = asyncio.create_task(viewer.play())
            await until(viewer.has_come_to_a_lock)
            async with refusal("UNAVAILABLE", told):
                await viewer.house.catalogue.ListTitles(ListTitlesRequest(), metadata=viewer.person)
            async with refusal("UNAVAILABLE", told):
                await viewer.play()
        await asyncio.wait([waiting])  # refused too if control itself has come to the lock before it
        assert await viewer.play()


async def test_a_caller_who_leaves_takes_no_connection_along(tmp_path: Path, database_url: str) -> None:
    async with watched(tmp_path, database_url, connections=1) as viewer, held(viewer.house, viewer.person):
        async with refusal("DEADLINE_EXCEEDED"):
            await viewer.play(SOON)
        assert await viewer.house.catalogue.ListTitles(ListTitlesRequest(), metadata=viewer.person)


async def add_title(connection: Connection) -> None:
    await titles.add(connection, Title("t" * 26, "A film", created_at=1))


async def is_alone(database: Database) -> bool:
    """Whether this has the only connection of a control."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'matinee'"
    async with database.read() as connection:  # anew each time: within a transaction the view stays as it was
        return bool(await connection.scalar(text(query)) == 1)


async def test_a_transaction_that_waits_for_too_long_is_ended_and_leaves_nothing(database_url: str) -> None:
    database = await open_database(database_url, DatabaseSettings(idle_seconds=SOON, connections=1))
    other = await open_database(database_url)

    async def dawdle(connection: Connection) -> None:
        await add_title(connection)
        await until(lambda: is_alone(other))
        await add_title(connection)

    with pytest.raises(Unavailable, match="does not answer; try again"):
        await database.transact(dawdle)
    await database.transact(add_title)
    for each in (database, other):
        await each.close()


async def test_a_server_that_takes_no_connection_in_time_does_not_answer(tmp_path: Path, database_url: str) -> None:
    async with passage(database_url, tmp_path) as (passed, way):
        way.silence()
        async with within(10 * SOON):
            with pytest.raises(Unavailable, match="does not answer; try again"):
                await open_database(passed, DatabaseSettings(connect_seconds=SOON))
        way.reopen()
        await (await open_database(passed)).close()


async def test_one_slow_statement_does_not_make_a_control_unready(database_url: str) -> None:
    database = await open_database(database_url, DatabaseSettings(connections=2))
    slow = asyncio.create_task(database.transact(_sleep))
    for _ in range(20):
        await database.check()
    assert not slow.done()
    slow.cancel()
    await asyncio.wait([slow])
    await database.close()


async def _sleep(connection: Connection) -> None:
    await connection.execute(text("SELECT pg_sleep(60)"))
