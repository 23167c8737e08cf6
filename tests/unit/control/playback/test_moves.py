"""Pause, resume, seek, report and stop over the wire, and the events of what was watched."""

import pytest

from control.playback.sweep import Sweep
from protos.v1 import playback_pb2 as pb
from protos.v1.auth_pb2 import RevokeSessionRequest
from protos.v1.catalogue_pb2 import ListTitlesRequest
from protos.v1.events_pb2 import MoviePaused, MoviePlayed
from tests.control_house import House, Metadata, bearer, claims_of, refusal
from tests.patience import until

pytestmark = pytest.mark.anyio

LENGTH = 60.5
PLAYING, PAUSED = pb.PLAYBACK_STATE_PLAYING, pb.PLAYBACK_STATE_PAUSED


class Player:
    """A player of one session."""

    def __init__(self, house: House, session_id: str, metadata: Metadata) -> None:
        self.house, self.session_id, self.metadata = house, session_id, metadata

    async def pause(self, position: float | None = None) -> pb.PlaybackSession:
        request = pb.PausePlaybackRequest(session_id=self.session_id, position_seconds=position)
        return (await self.house.playback.PausePlayback(request, metadata=self.metadata)).session

    async def resume(self, position: float | None = None) -> pb.PlaybackSession:
        request = pb.ResumePlaybackRequest(session_id=self.session_id, position_seconds=position)
        return (await self.house.playback.ResumePlayback(request, metadata=self.metadata)).session

    async def seek(self, position: float) -> pb.PlaybackSession:
        request = pb.SeekPlaybackRequest(session_id=self.session_id, position_seconds=position)
        return (await self.house.playback.SeekPlayback(request, metadata=self.metadata)).session

    async def report(self, position: float) -> pb.PlaybackSession:
        request = pb.ReportPlaybackRequest(session_id=self.session_id, position_seconds=position)
        return (await self.house.playback.ReportPlayback(request, metadata=self.metadata)).session

    async def stop(self, position: float | None = None) -> None:
        request = pb.StopPlaybackRequest(session_id=self.session_id, position_seconds=position)
        await self.house.playback.StopPlayback(request, metadata=self.metadata)


async def opened(house: House) -> Player:
    """A player that has opened a session of a viewer."""
    viewer = await house.person("viewer")
    return Player(house, (await house.play(await house.film(), viewer)).session_id, viewer)


async def sweep(house: House) -> None:
    async with house.database() as database:
        await Sweep(database, house.settings.playback.idle_seconds, house.clock)()


async def test_a_session_tells_its_state_its_position_and_its_title(house: House) -> None:
    player = await opened(house)
    assert (await player.report(10.5)).state == PLAYING
    assert (await player.pause(11)).state == PAUSED
    session = await player.seek(40)
    assert (session.state, session.position_seconds, session.title_name) == (PAUSED, 40, "A film")
    assert (await player.resume()).state == PLAYING
    listed = await house.playback.ListPlaybackSessions(pb.ListPlaybackSessionsRequest(), metadata=player.metadata)
    assert (listed.sessions[0].position_seconds, listed.sessions[0].title_name) == (40, "A film")


async def test_what_is_told_again_changes_nothing(house: House) -> None:
    player = await opened(house)
    for _ in range(2):
        assert (await player.pause(11)).state == PAUSED
    for _ in range(2):
        assert (await player.resume(11)).state == PLAYING
    await player.stop()
    await player.stop()


async def test_a_position_is_never_behind_the_end(house: House) -> None:
    player = await opened(house)
    assert (await player.report(1e12)).position_seconds == LENGTH


@pytest.mark.parametrize("position", [-1.0, float("nan"), float("inf"), float("-inf")])
async def test_a_position_that_is_none_is_refused(house: House, position: float) -> None:
    player = await opened(house)
    for move in (player.report, player.seek, player.pause, player.resume, player.stop):
        async with refusal("INVALID_ARGUMENT", "position_seconds"):
            await move(position)


async def test_a_stopped_session_hears_nothing_more(house: House) -> None:
    player = await opened(house)
    await player.stop()
    async with refusal("FAILED_PRECONDITION", "play the title again"):
        await player.report(3)


async def test_only_the_owner_or_an_admin_moves_a_session(house: House) -> None:
    player = await opened(house)
    async with refusal("NOT_FOUND"):
        await Player(house, player.session_id, await house.person("publisher")).pause()
    assert (await Player(house, player.session_id, await house.admin()).pause()).state == PAUSED
    async with refusal("NOT_FOUND"):
        await Player(house, "0" * 26, player.metadata).pause()


async def test_a_stretch_is_told_when_it_begins_and_when_it_ends(house: House) -> None:
    player = await opened(house)
    assert await house.events(MoviePlayed) == []
    await player.report(10)
    house.clock.turn(30)
    await player.pause(40)
    (played,), (paused,) = await house.events(MoviePlayed), await house.events(MoviePaused)
    account_id = claims_of(player.metadata)["sub"]
    assert (played.account_id, played.session_id, played.position_seconds) == (account_id, player.session_id, 10)
    assert played.started
    assert (paused.account_id, paused.position_seconds, paused.duration_seconds) == (account_id, 40, LENGTH)
    assert paused.watched_seconds == pytest.approx(30, abs=5)
    assert not paused.stopped


async def shorten(house: House, title_id: str) -> None:
    """Give the film another version, of half a minute."""
    await house.upload("upload-2", title_id=title_id)
    await house.publish(await house.leased(), "b" * 26, duration_seconds=30)


async def test_who_watches_a_version_goes_on_to_its_end_when_the_title_comes_to_a_shorter_one(house: House) -> None:
    player = await opened(house)
    await player.report(40)
    await shorten(house, (await house.events(MoviePlayed))[0].title_id)
    assert (await player.report(41)).position_seconds == 41
    await player.pause(42)
    (paused,) = await house.events(MoviePaused)
    assert (paused.position_seconds, paused.duration_seconds) == (42, LENGTH)


async def test_a_version_that_ends_before_the_resume_point_begins_at_its_beginning(house: House) -> None:
    player = await opened(house)
    await player.report(40)
    await player.stop(41)
    title_id = (await house.events(MoviePaused))[0].title_id

    async def resumes() -> float:
        return (await house.play(title_id, player.metadata)).resume_seconds

    await until(resumes)
    assert await resumes() == 41
    await shorten(house, title_id)
    assert await resumes() == 0


async def test_a_second_stretch_does_not_start_the_session_again(house: House) -> None:
    player = await opened(house)
    await player.report(10)
    await player.pause(20)
    await player.resume(20)
    await player.stop(30)
    assert [event.started for event in await house.events(MoviePlayed)] == [True, False]
    assert [event.stopped for event in await house.events(MoviePaused)] == [False, True]


async def test_a_vanished_player_is_told_of_by_the_round(house: House) -> None:
    player = await opened(house)
    await player.report(10)
    house.clock.turn(10)
    await player.report(20)
    house.clock.turn(3_000)
    await sweep(house)
    (paused,) = await house.events(MoviePaused)
    assert paused.watched_seconds == pytest.approx(10, abs=5)
    assert (paused.position_seconds, paused.stopped) == (20, False)


async def test_an_expired_session_ends_its_stretch_and_is_forgotten(house: House) -> None:
    player = await opened(house)
    await player.report(10)
    house.clock.turn(13 * 3_600)
    for _ in range(2):
        await sweep(house)
    assert len(await house.events(MoviePlayed)) == len(await house.events(MoviePaused)) == 1
    player.metadata = await house.admin()
    async with refusal("NOT_FOUND"):
        await player.pause()


async def test_a_title_goes_on_where_the_account_left_it(house: House) -> None:
    player = await opened(house)
    await player.report(10)
    house.clock.turn(20)
    await player.stop(30)
    listed = await house.catalogue.ListTitles(ListTitlesRequest(), metadata=player.metadata)
    title_id = listed.titles[0].title_id

    async def resumes() -> bool:
        return (await house.play(title_id, player.metadata)).resume_seconds == 30

    await until(resumes)


async def test_a_sign_in_that_is_revoked_ends_what_was_begun_in_it(house: House) -> None:
    player = await opened(house)
    other = await house.sign_in(email="viewer@matinee.local", password="password")
    await player.report(10)
    request = RevokeSessionRequest(session_id=claims_of(player.metadata)["sid"])
    await house.auth.RevokeSession(request, metadata=bearer(other.access_token))
    (paused,) = await house.events(MoviePaused)
    assert (paused.session_id, paused.stopped) == (player.session_id, True)
