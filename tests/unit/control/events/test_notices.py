"""NoticeService: who hears what, how soon, and for how long."""

import json
from base64 import b64decode
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from control.database import outbox
from control.events import service
from control.events.notices import LONGEST_INBOX, MOST_STREAMS, Notices
from matinee.bus import Event
from protos.v1 import notices_pb2 as pb
from protos.v1.analytics_pb2 import ListUnfinishedRequest
from protos.v1.analytics_pb2_grpc import AnalyticsServiceStub
from protos.v1.auth_pb2 import ROLE_ADMIN, ROLE_VIEWER, LogoutRequest, Role, UpdateAccountRequest
from protos.v1.events_pb2 import MoviePaused, MoviePlayed, SubscriptionUpdated, TitlePublished, UserAuthenticated
from protos.v1.playback_pb2 import (
    PLAYBACK_STATE_PAUSED,
    PLAYBACK_STATE_PLAYING,
    PLAYBACK_STATE_STOPPED,
    PausePlaybackRequest,
    PlaybackSession,
    SeekPlaybackRequest,
)
from tests.catalogue import update
from tests.control_house import House, Metadata, bearer, claims_of, refusal, running_control
from tests.patience import until, within
from tests.streams import Stream

pytestmark = pytest.mark.anyio


async def happened(house: House, *messages: Message) -> None:
    async with house.written() as connection:
        for message in messages:
            await outbox.record(connection, message, house.clock)


def account(person: Metadata) -> str:
    return str(claims_of(person)["sub"])


async def test_the_news_of_an_account_reach_its_pages_within_a_second(house: House, viewer: Metadata) -> None:
    pages = [await Stream.watch(house, viewer), await Stream.watch(house, viewer)]
    async with within(1):
        await happened(house, SubscriptionUpdated(account_id=account(viewer), state="active"))
        for page in pages:
            assert (await page.next()).subscription.state == "active"


async def test_an_account_hears_nothing_of_another(house: House, viewer: Metadata) -> None:
    page = await Stream.watch(house, viewer)
    other = account(await house.admin())
    await happened(house, SubscriptionUpdated(account_id=other, state="ended"), MoviePaused(account_id=other))
    await happened(house, SubscriptionUpdated(account_id=account(viewer), state="active"))
    assert (await page.next()).subscription.state == "active"


async def test_everybody_hears_of_a_new_title(house: House, viewer: Metadata) -> None:
    pages = [await Stream.watch(house, viewer), await Stream.watch(house, await house.admin())]
    await happened(house, TitlePublished(title_id="t" * 26, name="Solaris"))
    for page in pages:
        assert (await page.next()).title == pb.TitleNews(title_id="t" * 26, name="Solaris")


async def test_a_sign_in_is_news(house: House, viewer: Metadata) -> None:
    page = await Stream.watch(house, viewer)
    await happened(house, UserAuthenticated(account_id=account(viewer), session_id="s" * 26, device="Firefox"))
    assert (await page.next()).sign_in == pb.SignInNews(session_id="s" * 26, device="Firefox")


async def test_playback_news_show_the_session_as_it_is(house: House, viewer: Metadata) -> None:
    title_id = await house.film()
    played = await house.play(title_id, viewer)
    page = await Stream.watch(house, viewer)
    of: dict[str, Any] = {"account_id": account(viewer), "title_id": title_id, "session_id": played.session_id}
    await happened(house, MoviePlayed(position_seconds=1.5, **of))
    session = await told_of_playback(page)
    assert (session.session_id, session.device, session.state) == (played.session_id, "Sofa", PLAYBACK_STATE_PLAYING)
    assert (await page.next()).history == pb.HistoryNews(title_id=title_id)
    await happened(house, MoviePaused(position_seconds=7.5, **of))
    session = (await page.next()).playback
    assert (session.position_seconds, session.state) == (7.5, PLAYBACK_STATE_PAUSED)
    assert (await page.next()).history == pb.HistoryNews(title_id=title_id)


async def test_news_of_the_history_come_when_it_can_be_read(house: House, viewer: Metadata) -> None:
    title_id = await house.film()
    page = await Stream.watch(house, viewer)
    of: dict[str, Any] = {"account_id": account(viewer), "title_id": title_id, "session_id": "p" * 26}
    await happened(house, MoviePaused(position_seconds=7.5, duration_seconds=60, watched_seconds=7, **of))
    while not (await page.next()).HasField("history"):
        continue
    found = await AnalyticsServiceStub(house.channel).ListUnfinished(ListUnfinishedRequest(), metadata=viewer)
    assert [entry.position_seconds for entry in found.entries] == [7.5]


async def test_the_end_of_a_session_that_is_gone_is_news_too(house: House, viewer: Metadata) -> None:
    page = await Stream.watch(house, viewer)
    await happened(house, MoviePaused(account_id=account(viewer), session_id="p" * 26, stopped=True))
    session = (await page.next()).playback
    assert (session.session_id, session.state) == ("p" * 26, PLAYBACK_STATE_STOPPED)


async def test_a_seek_is_news_though_it_is_no_event(house: House, viewer: Metadata) -> None:
    played = await house.play(await house.film(), viewer)
    page = await Stream.watch(house, viewer)
    await house.playback.SeekPlayback(
        SeekPlaybackRequest(session_id=played.session_id, position_seconds=12.5), metadata=viewer
    )
    session = await told_of_playback(page)
    assert (session.session_id, session.position_seconds) == (played.session_id, 12.5)


async def test_a_seek_through_another_control_is_news_here(house: House, viewer: Metadata) -> None:
    played = await house.play(await house.film(), viewer)
    page = await Stream.watch(house, viewer)
    async with running_control(house.settings.data) as other:
        await other.playback.SeekPlayback(
            SeekPlaybackRequest(session_id=played.session_id, position_seconds=7.5), metadata=viewer
        )
        assert (await told_of_playback(page)).position_seconds == 7.5


async def test_the_end_of_a_session_that_is_paused_is_news_though_it_is_no_event(
    house: House, viewer: Metadata
) -> None:
    title_id = await house.film()
    played = await house.play(title_id, viewer)
    pause = PausePlaybackRequest(session_id=played.session_id, position_seconds=7.5)
    await house.playback.PausePlayback(pause, metadata=viewer)
    page = await Stream.watch(house, viewer)
    async with within(1):
        await update(house, title_id, available_until=Timestamp(seconds=int(house.clock()) - 1))
        session = await told_of_playback(page)
    assert (session.session_id, session.state) == (played.session_id, PLAYBACK_STATE_STOPPED)
    assert session.position_seconds == 7.5


async def told_of_playback(page: Stream) -> PlaybackSession:
    """The next playback session that a page hears of; what everybody hears of its film may come before it."""
    while not (news := await page.next()).HasField("playback"):
        assert news.HasField("title") or news.HasField("withdrawal")
    session: PlaybackSession = news.playback
    return session


async def test_an_event_that_cannot_be_read_stops_nobody(house: House, viewer: Metadata) -> None:
    page = await Stream.watch(house, viewer)
    await house.bus.publish([Event("e" * 26, "movie-paused", "k", 1.0, b"\xff\xff")])
    await happened(house, SubscriptionUpdated(account_id=account(viewer), state="active"))
    assert (await page.next()).subscription.state == "active"


async def test_a_stream_ends_soon_after_its_session(
    house: House, viewer: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHECK_SECONDS", 0.05)
    signed_in = await house.sign_in()
    page = await Stream.watch(house, bearer(signed_in.access_token))
    other = await Stream.watch(house, viewer)
    await house.auth.Logout(LogoutRequest(refresh_token=signed_in.refresh_token))
    assert await page.ended() == "OK"
    await happened(house, TitlePublished(title_id="t" * 26, name="Solaris"))
    assert (await other.next()).title.name == "Solaris"


async def test_who_is_no_admin_any_more_follows_no_event(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHECK_SECONDS", 0.05)
    person, admin = await house.person("viewer"), await house.admin()

    async def become(role: "Role.ValueType") -> None:
        request = UpdateAccountRequest(account_id=account(person), role=role)
        await house.auth.UpdateAccount(request, metadata=admin)

    await become(ROLE_ADMIN)
    tail = await Stream.tail(house, person)
    await become(ROLE_VIEWER)
    assert await tail.ended() == "OK"


async def test_a_stream_lives_no_longer_than_its_token(
    house: House, viewer: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHECK_SECONDS", 0.05)
    page = await Stream.watch(house, viewer)
    house.clock.turn(16 * 60)
    assert await page.ended() == "OK"


async def test_streams_end_when_control_stops(house: House, viewer: Metadata) -> None:
    pages = [await Stream.watch(house, viewer), await Stream.tail(house, await house.admin())]
    house.stop.set()
    assert [await page.ended() for page in pages] == ["OK", "OK"]


async def test_an_account_has_so_many_streams_and_no_more(house: House, viewer: Metadata) -> None:
    pages = [await Stream.watch(house, viewer) for _ in range(MOST_STREAMS)]
    async with refusal("RESOURCE_EXHAUSTED", "close a page"):
        await (await Stream.watch(house, viewer)).next()
    pages[0].leave()

    async def another() -> bool:
        page = await Stream.watch(house, viewer)
        await happened(house, SubscriptionUpdated(account_id=account(viewer), state="active"))
        try:
            return bool(await page.next())
        except Exception:  # noqa: BLE001 - control has not heard yet that one has left
            return False

    await until(another)


async def test_nobody_watches_or_tails_without_the_right(house: House, viewer: Metadata) -> None:
    async with refusal("UNAUTHENTICATED"):
        await (await Stream.watch(house, ())).next()
    for person, status in (((), "UNAUTHENTICATED"), (viewer, "PERMISSION_DENIED")):
        async with refusal(status):
            await (await Stream.tail(house, person)).next()


async def test_the_tail_shows_events_as_json(house: House) -> None:
    tail = await Stream.tail(house, await house.admin(), from_beginning=True)
    await happened(house, MoviePaused(account_id="a" * 26, position_seconds=7.5))
    shown = await tail.next()
    while shown.topic != "movie-paused":
        shown = await tail.next()
    assert shown.key == "a" * 26
    assert json.loads(shown.data) == {"account_id": "a" * 26, "position_seconds": 7.5}
    assert abs(shown.time.seconds - house.clock()) < 60


async def test_the_tail_shows_dead_letters_and_what_cannot_be_read(house: House) -> None:
    tail = await Stream.tail(house, await house.admin(), topics=["movie-paused.dead-letter"], from_beginning=True)
    buried = Event("e" * 26, "movie-paused.dead-letter", "k", 1.0, b"\xff\xff", "history: why")
    await house.bus.publish([Event("f" * 26, "movie-paused", "k", 1.0, b""), buried])
    shown = await tail.next()
    assert (shown.event_id, shown.reason, json.loads(shown.data)) == ("e" * 26, "history: why", "//8=")


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"account_id": "\\ud800"}', b"[1", b""])
async def test_no_data_however_odd_ends_the_tail(house: House, data: bytes) -> None:
    tail = await Stream.tail(house, await house.admin(), topics=["movie-paused"], from_beginning=True)
    await house.bus.publish([Event("e" * 26, "movie-paused", "k", 1.0, data)])
    assert b64decode(json.loads((await tail.next()).data)) == data


@pytest.mark.parametrize("topics", [["movie-playd"], ["movie-paused.dead"], ["a\nb"], ["movie-paused"] * 21])
async def test_topics_that_there_are_not_are_refused(house: House, topics: list[str]) -> None:
    async with refusal("INVALID_ARGUMENT"):
        await (await Stream.tail(house, await house.admin(), topics=topics)).next()


async def test_a_page_that_does_not_read_is_ended_and_takes_no_memory(house: House, anyio_backend: str) -> None:
    notices = Notices(database=None, bus=house.bus)  # type: ignore[arg-type]
    with notices.watching("ada") as inbox:
        for _ in range(LONGEST_INBOX + 1):
            notices.post("ada", pb.WatchNoticesResponse())
        assert inbox.qsize() == 1
        assert await inbox.get() is None


async def test_what_is_posted_reaches_those_who_watch(house: House) -> None:
    notices = Notices(database=None, bus=house.bus)  # type: ignore[arg-type]
    news = pb.WatchNoticesResponse(history=pb.HistoryNews(title_id="t1"))
    with notices.watching("ada") as ada, notices.watching("bob") as bob:
        notices.post("ada", news)
        assert await ada.get() == news
        assert bob.empty()
    notices.post("ada", news)
