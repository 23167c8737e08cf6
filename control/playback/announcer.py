"""Passes announcements on to the streams of the edges: at once what this process announced, soon what others did.

Every control process follows one table, so an edge hears what any of them announced. Transactions may commit in another
order than that of their ids; ids are therefore looked at again until they are SETTLE_SECONDS old.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog

from control.database import Connection, Database, announcements, playback_sessions
from control.database.announcements import Announcement, Kind
from control.playback import messages
from matinee.errors import Unavailable
from matinee.tokens import Clock
from protos.v1.playback_pb2 import ConnectResponse, Revocation

RETRY_SECONDS = 0.25
SETTLE_SECONDS = 10.0
LONGEST_INBOX = 1_000

Inbox = asyncio.Queue[ConnectResponse | None]

log = structlog.get_logger()


class Announcer:
    """Follows the table of announcements, and hands news to everybody who listens.

    `keys_changed` is called when there is a new signing key, before edges hear of it; `announced` with all that is new,
    after them: some of it is for pages. Where one of these fails edges hear the same again.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keys_changed: Callable[[], Awaitable[None]],
        announced: Callable[[Sequence[Announcement]], Awaitable[None]],
        *,
        grant_seconds: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._grant_seconds = grant_seconds
        self._keys_changed = keys_changed
        self._announced = announced
        self._inboxes: set[Inbox] = set()
        self._wake = asyncio.Event()
        self._settled = 0
        self._seen: dict[int, float] = {}
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen: one for each edge."""
        return len(self._inboxes)

    async def open(self) -> None:
        """Begin after what has been announced already."""
        async with self._database.read() as connection:
            self._settled = await announcements.newest(connection)

    @contextlib.contextmanager
    def listening(self) -> Iterator[Inbox]:
        """A queue of news for as long as the context lasts; None in it means that no more will come."""
        inbox: Inbox = asyncio.Queue(LONGEST_INBOX)
        self._inboxes.add(inbox)
        if self._closed:
            post(inbox, None)
        try:
            yield inbox
        finally:
            self._inboxes.discard(inbox)

    def wake(self) -> None:
        """Look at once: something was announced, or may have been."""
        self._wake.set()

    async def run(self) -> None:
        """Follow the table until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._pass_on()
            except Unavailable as error:
                log.warning("announcements wait for the database", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                self.wake()

    def close(self) -> None:
        """Tell every listener that no more will come."""
        self._closed = True
        for inbox in self._inboxes:
            post(inbox, None)

    async def _pass_on(self) -> None:
        async with self._database.read() as connection:
            found = await announcements.later_than(connection, self._settled)
            news = [one for one in found if one.announcement_id not in self._seen]
            response = await self._response(connection, news)
        if response.keys_changed:
            await self._keys_changed()
        for inbox in self._inboxes if response.ByteSize() else ():
            post(inbox, response)
        await self._announced(news)  # edges do not wait for pages
        self._remember(news)

    async def _response(self, connection: Connection, news: list[Announcement]) -> ConnectResponse:
        now = self._clock()
        changed = [one.subject_id for one in news if one.kind is Kind.CHANGED]
        sessions = await playback_sessions.among(connection, changed, now) if changed else []
        return ConnectResponse(
            renewed=[messages.grant(session, now, self._grant_seconds) for session in sessions],
            revoked=[
                Revocation(session_id=one.subject_id, reason=one.reason, cause=one.cause)
                for one in news
                if one.kind is Kind.ENDED
            ],
            keys_changed=any(one.kind is Kind.KEY for one in news),
        )

    def _remember(self, news: list[Announcement]) -> None:
        now = self._clock()
        self._seen.update({one.announcement_id: now for one in news})
        old = [number for number, moment in self._seen.items() if moment < now - SETTLE_SECONDS]
        self._settled = max([self._settled, *old])
        self._seen = {number: moment for number, moment in self._seen.items() if number > self._settled}


def post(inbox: Inbox, response: ConnectResponse | None) -> None:
    """Put a response into an inbox, or the end; one that nobody empties is ended, and its edge will connect again."""
    try:
        inbox.put_nowait(response)
    except asyncio.QueueFull:
        while not inbox.empty():
            inbox.get_nowait()
        inbox.put_nowait(None)
