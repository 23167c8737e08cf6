"""What is announced reaches edges at once, and pages however many sessions it is about; on every database."""

import asyncio
from dataclasses import replace

import pytest

from control.database import Database, announcements, playback_sessions
from control.database.announcements import Announcement, Kind
from control.events.notices import Notices
from control.playback.announcer import Announcer
from control.playback.session import PlaybackSession
from control.playback.session_states import State
from matinee.bus import EventBus
from protos.v1.playback_pb2 import PLAYBACK_STATE_STOPPED
from tests.control_house import TurnedClock
from tests.statements import counted
from tests.viewing import HOUR, NOON, Cinema, numbered, opened

pytestmark = pytest.mark.anyio


def stopped(cinema: Cinema) -> PlaybackSession:
    return PlaybackSession(
        session_id="",
        title_id=cinema.titles[0],
        account_id=cinema.accounts[0],
        asset_id="a" * 26,
        device="Sofa",
        started_at=NOON,
        last_seen_at=NOON,
        expires_at=NOON + HOUR,
        state=State.STOPPED,
    )


async def test_edges_hear_of_an_end_while_pages_are_still_being_told(database: Database, clock: TurnedClock) -> None:
    all_told = asyncio.Event()

    async def keys() -> None:
        """Nothing changes."""

    async def pages(_: object) -> None:
        await all_told.wait()

    announcer = Announcer(database, clock, keys, pages, grant_seconds=60)
    await announcer.open()
    running = asyncio.create_task(announcer.run())
    with announcer.listening() as inbox:
        async with database.write() as connection:
            await announcements.revoke(connection, [numbered("s", 1)], "it is over", clock())
        announcer.wake()
        async with asyncio.timeout(10):
            heard = await inbox.get()
    all_told.set()
    running.cancel()
    assert heard is not None
    assert [one.reason for one in heard.revoked] == ["it is over"]


async def test_many_ends_are_looked_up_together(database: Database, bus: EventBus) -> None:
    cinema = await opened(database)
    ended = [numbered("s", number) for number in range(5)]
    async with database.write() as connection:
        for session_id in ended:
            await playback_sessions.add(connection, replace(stopped(cinema), session_id=session_id))
    notices = Notices(database, bus)
    with notices.watching(cinema.accounts[0]) as inbox, counted("FROM playback_sessions") as asked:
        await notices.announced([Announcement(0, Kind.ENDED, each, "it is over", "") for each in ended])
        told = [news.playback for _ in ended if (news := await inbox.get())]
    assert [(one.session_id, one.title_name, one.state) for one in told] == [
        (each, "Film 0", PLAYBACK_STATE_STOPPED) for each in ended
    ]
    assert len(asked) == 1
