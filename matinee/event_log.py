"""The embedded event bus: a durable log in a SQLite file of its own, for the processes of one machine.

Events have one order, that in which they were published, and so have those with one key. A consumer group has one
member at work at a time; others stand by, and one of them goes on where the last commit was when it leaves or dies.
As in Kafka, retention wins: what is too old or too much goes, whether every group has read it or not.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from matinee.bell import Bell
from matinee.bus import Event, Subscription
from matinee.errors import InvalidInput, Unavailable
from matinee.gaps import Gaps
from matinee.locks import held
from matinee.log_file import LogFile, Stored, Trimmed, open_log_file
from matinee.tokens import Clock
from matinee.write_ahead_log import writes

TRIM_SECONDS = 60.0
FOLLOWED = 100
"""Most events that a follower holds in memory."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger()


class EventLog:
    """An `EventBus` over one file. Events are kept for `retention_seconds`, and up to `most_bytes` of them."""

    def __init__(self, path: Path, file: LogFile, clock: Clock, *, retention_seconds: float, most_bytes: int) -> None:
        self._path = path
        self._file = file
        self._clock = clock
        self._retention_seconds = retention_seconds
        self._most_bytes = most_bytes
        self._news = Bell()
        self.gaps = Gaps()

    async def publish(self, events: Sequence[Event]) -> None:
        """Put events onto their topics; all of them are kept when this returns."""
        if events:
            await self._file.append(events, self._clock())
            self._news.ring()

    @asynccontextmanager
    async def subscribe(self, group: str, topics: Collection[str]) -> AsyncIterator[Subscription]:
        """Join a consumer group, and wait until this member is the one at work."""
        if not _NAME.fullmatch(group):
            raise InvalidInput("a consumer group is named with 1 to 64 letters, digits, dots, - or _")
        async with held(self._path.with_name(f"{self._path.name}.{group}.lock")):
            await self._file.join(group, topics)
            yield _Member(self._file, self._news, group, topics)

    async def rewind(self, group: str, topics: Collection[str], since: float = 0.0) -> None:
        """Set a group back, at work or not: it sees again what is kept of these topics from the time `since` on."""
        await self._file.rewind(group, topics, since)
        self._news.ring()

    async def follow(self, topics: Collection[str] = (), *, since: float | None = None) -> AsyncIterator[Event]:
        """Events of these topics, or of all, without a group."""
        position = await self._file.newest() if since is None else await self._file.before(since)
        while True:
            news = self._news.listen()
            found = await self._after(position, topics)
            for stored in found:
                position = stored.position
                yield stored.event
            if not found:
                await news.wait()

    async def check(self) -> None:
        """Look whether the file answers."""
        await self._file.newest()

    async def lag(self, groups: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, int]]:
        """How many events of each of its topics each group has not done yet."""
        return {group: await self._file.lag(group, topics) for group, topics in groups.items()}

    async def trim(self) -> None:
        """Remove what is older than the retention, and then the oldest while the log is larger than it may be."""
        oldest_kept = self._clock() - self._retention_seconds
        while (trimmed := await self._file.trim_older(oldest_kept)).events:
            self._tell(trimmed)
        while (trimmed := await self._file.trim_oldest(self._most_bytes)).events:
            self._tell(trimmed)

    async def tend(self) -> None:
        """Hear of other processes, and trim, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear_others())
            tasks.create_task(self._trim_regularly())

    def _tell(self, trimmed: Trimmed) -> None:
        for group, topic, first, last, events in trimmed.missed:
            self.gaps.note(group, topic, range(first, last + 1), events=events)

    async def _after(self, position: int, topics: Collection[str]) -> list[Stored]:
        if not topics:
            return await self._file.after(position, FOLLOWED)
        return await self._file.of_topics(dict.fromkeys(topics, position), FOLLOWED)

    async def _hear_others(self) -> None:
        async for _ in writes(self._path):
            self._news.ring()

    async def _trim_regularly(self) -> None:
        while True:
            try:
                await self.trim()
            except Unavailable as error:
                log.warning("the event log could not be trimmed yet", reason=str(error))
            await asyncio.sleep(TRIM_SECONDS)


class _Member:
    """The member of a consumer group that is at work."""

    def __init__(self, file: LogFile, news: Bell, group: str, topics: Collection[str]) -> None:
        self._file = file
        self._news = news
        self._group = group
        self._topics = topics
        self._committed: dict[str, int] = {}
        self._taken: dict[str, int] = {}

    async def take(self, most: int) -> Sequence[Event]:
        """At least one event and at most so many, in order."""
        while True:
            news = self._news.listen()
            if found := await self._next(most):
                return found
            await news.wait()

    async def commit(self) -> None:
        """Note that all events taken so far are done."""
        await self._file.advance(self._group, self._committed, self._taken)
        self._committed = dict(self._taken)

    async def _next(self, most: int) -> list[Event]:
        committed = await self._file.offsets(self._group, self._topics)
        if committed != self._committed:  # at the start, and when the group was set back
            self._committed, self._taken = committed, dict(committed)
        found = await self._file.of_topics(self._taken, most)
        self._taken.update({stored.event.topic: stored.position for stored in found})
        return [stored.event for stored in found]


@asynccontextmanager
async def open_event_log(
    path: Path, clock: Clock, *, retention_seconds: float, most_bytes: int
) -> AsyncIterator[EventLog]:
    """The log in a file, for as long as the context lasts.

    Raises `InvalidInput` when the file cannot be used, `Unavailable` when it does not answer.
    """
    file = await open_log_file(path)
    event_log = EventLog(path, file, clock, retention_seconds=retention_seconds, most_bytes=most_bytes)
    tending = asyncio.create_task(event_log.tend())
    try:
        yield event_log
    finally:
        tending.cancel()
        await asyncio.wait([tending])
        await file.close()
