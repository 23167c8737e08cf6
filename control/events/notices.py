"""Notices: what happened on the bus, as news for those whose pages are open.

Every control process follows the bus by itself and tells the streams that it has. A stream that nobody reads is ended
rather than let grow; its client comes back and asks for what is.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import structlog
from google.protobuf.message import Message

from control.database import Database, playback_sessions, titles
from control.database.announcements import Announcement, Kind
from control.events import reading
from control.events.backoff import Backoff
from control.events.runner import topic_of
from control.playback import messages
from matinee.bus import Event, EventBus
from matinee.errors import InvalidInput, ResourceExhausted, Unavailable
from protos.v1.events_pb2 import (
    HistoryUpdated,
    MoviePaused,
    MoviePlayed,
    SubscriptionUpdated,
    TitlePublished,
    UserAuthenticated,
)
from protos.v1.notices_pb2 import (
    AccountNews,
    HistoryNews,
    SignInNews,
    SubscriptionNews,
    TitleNews,
    WatchNoticesResponse,
    WithdrawalNews,
)
from protos.v1.playback_pb2 import (
    PLAYBACK_STATE_PAUSED,
    PLAYBACK_STATE_PLAYING,
    PLAYBACK_STATE_STOPPED,
    PlaybackSession,
    PlaybackState,
)

_FOLLOWED = (MoviePlayed, MoviePaused, HistoryUpdated, SubscriptionUpdated, TitlePublished, UserAuthenticated)
KINDS: dict[str, type[Message]] = {topic_of(kind): kind for kind in _FOLLOWED}
EVERYBODY = ""
MOST_STREAMS = 20
"""Of one account: a browser with many tabs, but no crowd."""
LONGEST_INBOX = 100

Inbox = asyncio.Queue[WatchNoticesResponse | None]
News = tuple[str, WatchNoticesResponse]
"""The account that it is for, or EVERYBODY, and what it hears."""

log = structlog.get_logger()


class Notices:
    """The streams of this process, and what they hear."""

    def __init__(self, database: Database, bus: EventBus) -> None:
        self._database = database
        self._bus = bus
        self._inboxes: dict[str, set[Inbox]] = defaultdict(set)
        self._closed = False

    @contextmanager
    def watching(self, account_id: str) -> Iterator[Inbox]:
        """A queue of news for an account, for as long as the context lasts; None in it means that no more will come.

        Raises `ResourceExhausted` when the account has too many of them.
        """
        if len(self._inboxes[account_id]) >= MOST_STREAMS:
            raise ResourceExhausted(f"this account has {MOST_STREAMS} open streams of notices: close a page")
        inbox = Inbox(LONGEST_INBOX)
        self._inboxes[account_id].add(inbox)
        if self._closed:
            _put(inbox, None)
        try:
            yield inbox
        finally:
            self._inboxes[account_id].discard(inbox)
            if not self._inboxes[account_id]:
                del self._inboxes[account_id]

    def post(self, account_id: str, news: WatchNoticesResponse) -> None:
        """Tell the pages of an account, or of EVERYBODY, that this process serves."""
        audience = self._inboxes.values() if account_id == EVERYBODY else [self._inboxes.get(account_id, set())]
        for inboxes in audience:
            for inbox in inboxes:
                _put(inbox, news)

    async def announced(self, news: Sequence[Announcement]) -> None:
        """Tell of what is announced and no event: seeks, ends of what is paused, and what accounts, or all, have lost.

        The end of what plays comes as an event too, and is told twice. Raises `Unavailable`.
        """
        for account_id in sorted({one.subject_id for one in news if one.kind is Kind.ACCOUNT}):
            self.post(account_id, WatchNoticesResponse(account=AccountNews()))
        if gone := sorted({one.subject_id for one in news if one.kind is Kind.WITHDRAWN}):
            self.withdrawn(gone)
        if moved := sorted({one.subject_id for one in news if one.kind in {Kind.SOUGHT, Kind.ENDED}}):
            await self._tell_moved(moved)

    def withdrawn(self, title_ids: Sequence[str]) -> None:
        """Tell everybody of titles that viewers see no more."""
        self.post(EVERYBODY, WatchNoticesResponse(withdrawal=WithdrawalNews(title_ids=title_ids)))

    async def run(self) -> None:
        """Follow the bus until cancelled."""
        backoff = Backoff()
        while True:
            try:
                async for event in self._bus.follow(list(KINDS)):
                    backoff.reset()
                    async for account_id, news in self._news(event):
                        self.post(account_id, news)
            except Unavailable as error:
                log.warning("notices wait for the bus", reason=str(error))
                self._end()
                await backoff.wait()

    def close(self) -> None:
        """Tell every stream that no more will come."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                _put(inbox, None)

    async def _tell_moved(self, session_ids: Sequence[str]) -> None:
        async with self._database.read() as connection:
            found = await playback_sessions.named(connection, session_ids)
        for stored, title_name in found:
            news = messages.playback_session(stored, title_name)
            self.post(stored.account_id, WatchNoticesResponse(playback=news))

    async def _news(self, event: Event) -> AsyncIterator[News]:
        try:
            message = reading.read(KINDS[event.topic], event.data)
        except InvalidInput as error:
            log.warning("an event cannot be read", topic=event.topic, event_id=event.event_id, reason=str(error))
            return
        if isinstance(message, MoviePlayed | MoviePaused) and self._inboxes.get(message.account_id):
            yield message.account_id, WatchNoticesResponse(playback=await self._session(message))
        if (news := news_of(message)) is not None:
            yield news

    async def _session(self, message: MoviePlayed | MoviePaused) -> PlaybackSession:
        """The playback session as the event left it."""
        async with self._database.read() as connection:
            stored = await playback_sessions.find(connection, message.session_id)
            title = await titles.find(connection, message.title_id)
        name = title.name if title else ""
        session = messages.playback_session(stored, name) if stored else PlaybackSession(session_id=message.session_id)
        session.title_id, session.account_id = message.title_id, message.account_id
        session.state, session.position_seconds = _state(message), message.position_seconds
        return session


def news_of(message: Message) -> News | None:
    """What an event is as news, where it alone tells that."""
    match message:
        case HistoryUpdated():
            return message.account_id, WatchNoticesResponse(history=HistoryNews(title_id=message.title_id))
        case SubscriptionUpdated():
            news = SubscriptionNews(state=message.state)
            return message.account_id, WatchNoticesResponse(subscription=news)
        case UserAuthenticated():
            sign_in = SignInNews(session_id=message.session_id, device=message.device)
            return message.account_id, WatchNoticesResponse(sign_in=sign_in)
        case TitlePublished():
            title = TitleNews(title_id=message.title_id, name=message.name)
            return EVERYBODY, WatchNoticesResponse(title=title)
    return None


def _state(message: MoviePlayed | MoviePaused) -> "PlaybackState.ValueType":
    if isinstance(message, MoviePlayed):
        return PLAYBACK_STATE_PLAYING
    return PLAYBACK_STATE_STOPPED if message.stopped else PLAYBACK_STATE_PAUSED


def _put(inbox: Inbox, news: WatchNoticesResponse | None) -> None:
    """Put news into an inbox, or the end; one that nobody empties is ended."""
    try:
        inbox.put_nowait(news)
    except asyncio.QueueFull:
        while not inbox.empty():
            inbox.get_nowait()
        inbox.put_nowait(None)
