"""What transactions do to each other: some cannot all go on, some take too long, and there are only so many at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from control.catalogue.deletion import delete_title
from control.database import Connection, Database, plans, playback_sessions, titles
from control.database.engine import open_database
from control.database.titles import Title
from matinee.errors import NotFound
from protos.v1.analytics_pb2 import ForgetHistoryRequest, ListHistoryRequest
from protos.v1.playback_pb2 import ReportPlaybackRequest
from protos.v1.subscriptions_pb2 import SetSubscriptionRequest
from tests.control_house import TurnedClock, claims_of, refusal, running_control
from tests.databases import waits_for_a_lock
from tests.offers import make_plan, subscribe
from tests.patience import until

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]

FIRST, SECOND = [Title(letter * 26, "A film", created_at=1) for letter in "ab"]


@pytest.fixture
async def both(database_url: str, anyio_backend: str) -> AsyncIterator[tuple[Database, Database]]:
    """One database, as two controls have it, with two titles in it."""
    one, two = await open_database(database_url), await open_database(database_url)
    async with one.write() as connection:
        await titles.add(connection, FIRST)
        await titles.add(connection, SECOND)
    yield one, two
    await one.close()
    await two.close()


class Meeting:
    """Work that widens two titles, of which the second is reached only when somebody else is as far with another."""

    def __init__(self, barrier: asyncio.Barrier, *order: Title) -> None:
        self.barrier = barrier
        self.order = order
        self.attempts = 0

    async def __call__(self, connection: Connection) -> None:
        self.attempts += 1
        for each in self.order:
            title = await titles.find(connection, each.title_id, lock=True)
            assert title
            await titles.save(connection, replace(title, width=title.width + 1))
            if self.attempts == 1 and each is self.order[0]:
                await self.barrier.wait()


async def widths(database: Database) -> list[int]:
    async with database.read() as connection:
        found = await titles.among(connection, [FIRST.title_id, SECOND.title_id])
    return [title.width for title in found.values()]


async def test_of_two_that_wait_for_each_other_both_are_done(both: tuple[Database, Database]) -> None:
    barrier = asyncio.Barrier(2)
    works = Meeting(barrier, FIRST, SECOND), Meeting(barrier, SECOND, FIRST)
    await asyncio.gather(*(database.transact(work) for database, work in zip(both, works, strict=True)))
    assert sorted(work.attempts for work in works) == [1, 2]
    assert await widths(both[0]) == [2, 2]


async def test_what_cannot_be_told_as_one_after_the_other_is_done_again(both: tuple[Database, Database]) -> None:
    barrier, tries = asyncio.Barrier(2), 0

    async def add_up(connection: Connection, read: Title, written: Title) -> None:
        nonlocal tries
        tries += 1
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
        known = await titles.find(connection, read.title_id)
        assert known
        if tries <= 2:
            await barrier.wait()
        await titles.save(connection, replace(written, width=known.width + 1))

    await asyncio.gather(
        both[0].transact(lambda connection: add_up(connection, FIRST, SECOND)),
        both[1].transact(lambda connection: add_up(connection, SECOND, FIRST)),
    )
    assert tries == 3
    assert sorted(await widths(both[0])) == [1, 2]


async def test_what_fails_for_another_reason_is_done_once(both: tuple[Database, Database]) -> None:
    tries = 0

    async def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        raise NotFound("there is no such title")

    with pytest.raises(NotFound):
        await both[0].transact(work)
    assert tries == 1


async def test_who_starts_a_title_that_is_being_deleted_holds_nothing_that_its_deletion_needs(
    tmp_path: Path, database_url: str
) -> None:
    async with running_control(tmp_path, database={"url": database_url}) as house:
        viewer, title_id = await house.person("viewer"), await house.film()
        await house.play(title_id, viewer)
        async with house.written() as connection:
            title = await titles.find(connection, title_id, lock=True)
            assert title
            starting = asyncio.create_task(house.play(title_id, viewer))
            await until(lambda: waits_for_a_lock(connection))
            await connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
            await delete_title(connection, title, TurnedClock(), idle=60, force=True)
        async with refusal("NOT_FOUND", "no such title"):
            await starting


async def test_who_forgets_a_title_that_is_being_deleted_holds_nothing_that_its_deletion_needs(
    tmp_path: Path, database_url: str
) -> None:
    async with running_control(tmp_path, database={"url": database_url}) as house:
        viewer, title_id = await house.person("viewer"), await house.film()
        session_id = (await house.play(title_id, viewer)).session_id
        await house.playback.ReportPlayback(ReportPlaybackRequest(session_id=session_id), metadata=viewer)

        async def watched() -> bool:
            return bool((await house.analytics.ListHistory(ListHistoryRequest(), metadata=viewer)).entries)

        await until(watched)
        async with house.written() as connection:
            title = await titles.find(connection, title_id, lock=True)
            assert title
            await playback_sessions.of_title(connection, title_id)
            request = ForgetHistoryRequest(title_id=title_id)
            forgetting = asyncio.ensure_future(house.analytics.ForgetHistory(request, metadata=viewer))
            await until(lambda: waits_for_a_lock(connection))
            await connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
            await delete_title(connection, title, TurnedClock(), idle=60, force=True)
        async with refusal("NOT_FOUND", "no such title"):
            await forgetting


@pytest.mark.parametrize("by_whom", ["viewer", "operator"])
async def test_who_gets_a_plan_that_is_withdrawn_just_now_hears_that_there_is_none(
    tmp_path: Path, database_url: str, by_whom: str
) -> None:
    async with running_control(tmp_path, database={"url": database_url}) as house:
        viewer, admin = await house.person("viewer"), await house.admin()
        await make_plan(house)
        giving = SetSubscriptionRequest(account_id=claims_of(viewer)["sub"], plan_id="family")
        async with house.written() as connection:
            await plans.find(connection, "family", lock=True)
            await plans.remove(connection, "family")
            getting = asyncio.ensure_future(
                subscribe(house, viewer)
                if by_whom == "viewer"
                else house.subscriptions.SetSubscription(giving, metadata=admin)
            )
            await until(lambda: waits_for_a_lock(connection))
        async with refusal("NOT_FOUND", "no such plan"):
            await getting
