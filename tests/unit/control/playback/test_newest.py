"""Which session of an account and a title is the newest, and what the history makes of it; on every database."""

from dataclasses import replace
from typing import Any

import pytest

from control.database import Database, playback_sessions
from control.database.history import Entry
from control.playback.resumption import followed_up, following, newest
from control.playback.session import PlaybackSession
from control.playback.session_states import State
from tests.viewing import HOUR, NOON, Cinema, numbered, opened

pytestmark = pytest.mark.anyio

PLAYS = PlaybackSession("p", "t", "a", "x", "TV", NOON, NOON + 50, NOON + HOUR, duration_seconds=HOUR)
PLAYS = replace(PLAYS, stretch_began_at=NOON, told_at=NOON + 45, position_seconds=300)
PAUSED = replace(PLAYS, session_id="q", state=State.PAUSED, stretch_began_at=None, told_at=NOON + 40)
ENTRY = Entry("a", "t", "e", 200, told_at=NOON + 30)


def test_the_newest_is_known_up_to_the_latest_moment() -> None:
    assert newest([PLAYS, PAUSED]) == {"t": PLAYS}
    assert newest([replace(PAUSED, told_at=NOON + 51), PLAYS])["t"].session_id == "q"
    assert newest([replace(PLAYS, told_at=None), replace(PLAYS, stretch_began_at=NOON + 50, told_at=NOON + 50)]) == {}


def test_what_is_newer_than_the_history_goes_before_it() -> None:
    assert following(ENTRY, PLAYS, NOON + 50).position_seconds == 305
    assert following(ENTRY, PAUSED, NOON + 50).position_seconds == 300
    assert following(replace(ENTRY, told_at=NOON + 50), PLAYS, NOON + 50).position_seconds == 200
    assert following(ENTRY, None, NOON + 50) == ENTRY


def test_what_runs_out_has_no_resume_point() -> None:
    assert following(ENTRY, replace(PLAYS, position_seconds=HOUR - 60), NOON + 50).position_seconds == 0


def stored(cinema: Cinema, number: int, **changes: Any) -> PlaybackSession:
    of = {"title_id": cinema.titles[0], "account_id": cinema.accounts[0], "asset_id": "a" * 26}
    return replace(PLAYS, session_id=numbered("s", number), **{**of, **changes})


async def test_the_sessions_of_others_and_those_that_told_nothing_do_not_count(database: Database) -> None:
    cinema = await opened(database)
    me, (film, other, _) = cinema.accounts[0], cinema.titles
    async with database.write() as connection:
        for each in (
            stored(cinema, 0),
            stored(cinema, 1, account_id=cinema.accounts[1], told_at=NOON + 49, last_seen_at=NOON + 60),
            stored(cinema, 2, told_at=None, last_seen_at=NOON + 60),
            stored(cinema, 3, title_id=other, state=State.STOPPED, stretch_began_at=None, position_seconds=40),
        ):
            await playback_sessions.add(connection, each)
        entries = [Entry(me, title) for title in cinema.titles]
        followed = await followed_up(connection, me, entries, NOON + 50)
        assert [entry.position_seconds for entry in followed] == [305, 40, 0]
        await playback_sessions.forget_told(connection, me, film)
        followed = await followed_up(connection, me, entries, NOON + 50)
        assert [entry.position_seconds for entry in followed] == [0, 40, 0]


async def test_the_round_finds_what_is_silent_and_has_something_to_tell(database: Database) -> None:
    cinema = await opened(database)
    quiet = {"state": State.PAUSED, "stretch_began_at": None}
    async with database.write() as connection:
        for each in (
            stored(cinema, 0),
            stored(cinema, 1, sought=True, **quiet),
            stored(cinema, 2, **quiet),
            stored(cinema, 3, sought=True, **{**quiet, "state": State.STOPPED}),
            stored(cinema, 4, last_seen_at=NOON + 90),
        ):
            await playback_sessions.add(connection, each)
        found = await playback_sessions.vanished(connection, NOON + 60, 10)
    assert [each.session_id for each in found] == [numbered("s", 0), numbered("s", 1)]
