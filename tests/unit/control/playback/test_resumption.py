"""Where a title goes on that the account watches, or has watched, on another device."""

from collections.abc import Awaitable, Callable

import pytest

from control.playback.sweep import Sweep
from protos.v1 import playback_pb2 as pb
from protos.v1.analytics_pb2 import ForgetHistoryRequest, ListHistoryRequest, ListUnfinishedRequest
from protos.v1.events_pb2 import HistoryUpdated, MoviePaused
from tests.control_house import House, Metadata
from tests.edges import listening
from tests.patience import until

pytestmark = pytest.mark.anyio

NEAR = 2
"""Clocks of houses run, while tests do."""


class Room:
    """A viewer with a film of a minute, on several devices."""

    def __init__(self, house: House, viewer: Metadata, title_id: str) -> None:
        self.house, self.viewer, self.title_id = house, viewer, title_id

    async def open(self, device: str) -> str:
        """A new playback session."""
        return (await self.house.play(self.title_id, self.viewer, device_id=device)).session_id

    async def offered(self) -> float:
        """Where a device that opens the title goes on."""
        return (await self.house.play(self.title_id, self.viewer, device_id="offered")).resume_seconds

    async def report(self, session_id: str, position: float) -> None:
        request = pb.ReportPlaybackRequest(session_id=session_id, position_seconds=position)
        await self.house.playback.ReportPlayback(request, metadata=self.viewer)

    async def seek(self, session_id: str, position: float) -> None:
        request = pb.SeekPlaybackRequest(session_id=session_id, position_seconds=position)
        await self.house.playback.SeekPlayback(request, metadata=self.viewer)

    async def pause(self, session_id: str, position: float | None = None) -> pb.PlaybackSession:
        request = pb.PausePlaybackRequest(session_id=session_id, position_seconds=position)
        return (await self.house.playback.PausePlayback(request, metadata=self.viewer)).session

    async def resume(self, session_id: str) -> None:
        request = pb.ResumePlaybackRequest(session_id=session_id)
        await self.house.playback.ResumePlayback(request, metadata=self.viewer)

    async def stop(self, session_id: str, position: float | None = None) -> None:
        request = pb.StopPlaybackRequest(session_id=session_id, position_seconds=position)
        await self.house.playback.StopPlayback(request, metadata=self.viewer)

    async def watch(self, session_id: str, start: float, end: float) -> None:
        """Report from one position to another, every ten seconds."""
        for position in range(round(start), round(end) + 1, 10):
            await self.report(session_id, position)
            self.house.clock.turn(10)
        self.house.clock.turn(-10)

    async def paused(self, device: str, start: float, end: float) -> str:
        """A playback session that was watched from one position to another, where it stands still now."""
        session_id = await self.open(device)
        await self.watch(session_id, start, end)
        await self.pause(session_id, end)
        return session_id

    async def kept(self) -> float:
        """The resume point of the history, or -1 when it has none."""
        listed = await self.house.analytics.ListHistory(ListHistoryRequest(), metadata=self.viewer)
        return next((entry.position_seconds for entry in listed.entries), -1)

    async def unfinished(self) -> float:
        """The position in "continue watching", or -1 when nothing is to be continued."""
        listed = await self.house.analytics.ListUnfinished(ListUnfinishedRequest(), metadata=self.viewer)
        return next((entry.position_seconds for entry in listed.entries), -1)

    async def sweep(self) -> None:
        async with self.house.database() as database:
            await Sweep(database, self.house.settings.playback.idle_seconds, self.house.clock)()


@pytest.fixture
async def room(house: House) -> Room:
    return Room(house, await house.person("viewer"), await house.film())


async def test_a_film_that_plays_elsewhere_is_offered_where_it_is_by_now(room: Room) -> None:
    first = await room.paused("tv", 0, 10)
    await until(lambda: _is(room.kept, 10))
    await room.resume(first)
    await room.watch(first, 10, 30)
    room.house.clock.turn(5)
    assert await room.offered() == pytest.approx(35, abs=NEAR)


async def test_a_player_that_died_without_a_word_is_offered_where_it_was_last_heard_of(room: Room) -> None:
    first = await room.open("tv")
    await room.watch(first, 0, 30)
    room.house.clock.turn(40)
    assert await room.offered() == pytest.approx(30, abs=NEAR)
    room.house.clock.turn(600)
    await room.sweep()
    assert await room.offered() == pytest.approx(30, abs=NEAR)


async def test_the_newest_of_several_sessions_counts(room: Room) -> None:
    tv, phone = await room.open("tv"), await room.open("phone")
    await room.watch(tv, 0, 50)
    await room.watch(phone, 0, 20)
    assert await room.offered() == pytest.approx(20, abs=NEAR)
    await room.report(tv, 55)
    await room.report(phone, 40)
    await room.pause(phone, 40)
    room.house.clock.turn(1)
    await room.report(tv, 56)
    assert await room.offered() == pytest.approx(56, abs=NEAR)


async def test_what_was_stopped_a_moment_ago_is_offered_before_the_history_has_heard_of_it(room: Room) -> None:
    for end in (20.0, 30.0, 40.0):
        session_id = await room.open("tv")
        await room.report(session_id, end - 5)
        room.house.clock.turn(5)
        await room.stop(session_id, end)
        assert await room.offered() == end


async def test_a_session_in_which_nothing_was_watched_offers_nothing(room: Room) -> None:
    first = await room.open("tv")
    await room.watch(first, 0, 30)
    await room.stop(first, 30)
    second = await room.open("phone")
    await room.pause(second, 0)
    assert await room.offered() == 30
    await room.stop(second, 0)
    assert await room.offered() == 30


async def test_a_film_that_runs_out_elsewhere_is_offered_from_its_beginning(room: Room) -> None:
    first = await room.open("tv")
    await room.watch(first, 30, 50)
    room.house.clock.turn(10)
    assert await room.offered() == 0


async def test_what_others_watch_is_not_offered(room: Room) -> None:
    await room.watch(await room.open("tv"), 0, 30)
    other = await room.house.play(room.title_id, await room.house.person("publisher"))
    assert other.resume_seconds == 0


async def test_a_player_that_never_says_where_it_is_moves_no_resume_point(room: Room) -> None:
    first = await room.open("tv")
    await room.watch(first, 0, 30)
    await room.stop(first, 30)
    silent = await room.open("vlc")
    async with listening(room.house) as edge:
        for _ in range(3):
            await edge.write(pb.ConnectRequest(edge_id="edge-1", active_session_ids=[silent]))
            await edge.read()
            room.house.clock.turn(10)
    assert await room.offered() == 30


async def test_a_seek_while_paused_is_where_the_viewer_left_it_and_nothing_was_watched(room: Room) -> None:
    first = await room.paused("tv", 5, 15)
    room.house.clock.turn(20)
    await room.seek(first, 40)
    assert await room.offered() == 40
    room.house.clock.turn(20)
    await room.stop(first, 40)
    await until(lambda: _is(room.kept, 40))
    ends = await room.house.events(MoviePaused)
    assert [(end.position_seconds, end.stopped, end.sought) for end in ends] == [(15, False, False), (40, True, True)]
    assert sum(end.watched_seconds for end in ends) == pytest.approx(10, abs=NEAR)


async def test_a_stop_elsewhere_than_where_it_was_paused_is_where_the_viewer_left_it(room: Room) -> None:
    first = await room.paused("tv", 30, 40)
    room.house.clock.turn(300)
    await room.stop(first, 15)
    assert await room.offered() == 15
    await until(lambda: _is(room.kept, 15))


async def test_the_history_hears_of_a_seek_while_paused_when_nobody_stops_the_film(room: Room) -> None:
    first = await room.paused("tv", 5, 15)
    await room.seek(first, 40)
    room.house.clock.turn(600)
    await room.sweep()
    await until(lambda: _is(room.unfinished, 40))
    await room.stop(first, 40)
    assert [end.stopped for end in await room.house.events(MoviePaused)] == [False, False]


async def test_who_closes_a_paused_page_takes_back_nothing_that_was_watched_elsewhere(room: Room) -> None:
    tv = await room.paused("tv", 5, 15)
    await room.seek(tv, 20)
    await room.paused("phone", 20, 50)
    await room.stop(tv, 20)
    assert await room.offered() == 50
    await until(lambda: _is(room.kept, 50))
    assert len(await room.house.events(MoviePaused)) == 3


async def test_a_player_that_tells_late_where_it_was_left_overrides_nothing_newer(room: Room) -> None:
    laptop = await room.open("laptop")
    await room.watch(laptop, 0, 10)
    room.house.clock.turn(100)
    phone = await room.open("phone")
    await room.watch(phone, 10, 40)
    await room.stop(phone, 40)
    await room.stop(laptop, 15)
    assert await room.offered() == 40
    await until(lambda: _is(room.kept, 40))


async def test_a_pause_from_elsewhere_that_does_not_say_where_is_where_the_film_is_by_then(room: Room) -> None:
    first = await room.open("tv")
    await room.watch(first, 0, 20)
    room.house.clock.turn(6)
    assert (await room.pause(first)).position_seconds == pytest.approx(26, abs=NEAR)
    room.house.clock.turn(6)
    assert (await room.pause(first)).position_seconds == pytest.approx(26, abs=NEAR)


@pytest.mark.parametrize("leave", [Room.pause, Room.stop])
async def test_a_player_that_went_silent_is_left_where_it_was_last_heard_of(
    room: Room, leave: Callable[[Room, str], Awaitable[object]]
) -> None:
    first = await room.open("tv")
    await room.watch(first, 0, 10)
    room.house.clock.turn(40)
    assert await room.offered() == pytest.approx(10, abs=NEAR)
    await leave(room, first)
    assert await room.offered() == pytest.approx(10, abs=NEAR)
    await until(lambda: _is(room.kept, 10))


async def test_what_plays_now_is_where_it_is_in_the_history_too(room: Room) -> None:
    first = await room.open("tv")
    await room.watch(first, 0, 20)
    await until(lambda: _is(room.unfinished, 20))
    room.house.clock.turn(10)
    assert await room.unfinished() == pytest.approx(30, abs=NEAR)
    assert await room.kept() == pytest.approx(30, abs=NEAR)


async def test_a_title_that_is_forgotten_begins_at_its_beginning(room: Room) -> None:
    first = await room.open("tv")
    await room.watch(first, 0, 20)
    await room.stop(first, 20)
    await until(lambda: _told(room, 2))
    await room.house.analytics.ForgetHistory(ForgetHistoryRequest(title_id=room.title_id), metadata=room.viewer)
    assert await room.offered() == 0


async def _is(position: Callable[[], Awaitable[float]], wanted: float) -> bool:
    return abs(await position() - wanted) <= NEAR


async def _told(room: Room, times: int) -> bool:
    """Whether the history has heard of so many turns."""
    return len(await room.house.events(HistoryUpdated)) == times
