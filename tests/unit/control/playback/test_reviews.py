"""Which accounts are looked at again, and in which order; on every database."""

from typing import Any

import pytest

from control.database import Database, playback_sessions
from control.playback.session import PlaybackSession
from control.playback.session_states import State
from tests.viewing import HOUR, NOON, Cinema, numbered, opened

pytestmark = pytest.mark.anyio


def session(cinema: Cinema, number: int, account: int, **changes: Any) -> PlaybackSession:
    fields = {"started_at": NOON, "last_seen_at": NOON, "expires_at": NOON + HOUR, "review_at": NOON + 60}
    return PlaybackSession(
        session_id=numbered("s", number),
        title_id=cinema.titles[0],
        account_id=cinema.accounts[account],
        asset_id="a" * 26,
        device="Sofa",
        **{**fields, **changes},
    )


async def test_those_are_due_whose_moment_has_come_and_who_watches_now_comes_first(database: Database) -> None:
    cinema = await opened(database, accounts_wanted=5)
    async with database.write() as connection:
        for each in (
            session(cinema, 0, 0),
            session(cinema, 1, 1, last_seen_at=NOON + 59, state=State.PAUSED),
            session(cinema, 2, 1),
            session(cinema, 3, 2, review_at=NOON + 61),
            session(cinema, 4, 3, review_at=None),
            session(cinema, 5, 4, state=State.STOPPED),
        ):
            await playback_sessions.add(connection, each)
        assert await playback_sessions.reviews(connection, NOON + 60, 10) == [cinema.accounts[1], cinema.accounts[0]]
        assert await playback_sessions.reviews(connection, NOON + 60, 1) == [cinema.accounts[1]]
        due = [await playback_sessions.needs_review(connection, each, NOON + 60) for each in cinema.accounts]
    assert due == [True, True, False, False, False]
