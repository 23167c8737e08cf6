"""Events for tests: how they are recorded, and what lies on a bus."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

from control.database import Database, outbox
from matinee.bus import Event, EventBus, Undelivered
from matinee.errors import Unavailable
from matinee.tokens import Clock
from protos.v1.events_pb2 import MoviePaused, MoviePlayed

ADA = "a" * 26


def played(position: float = 0.0, account_id: str = ADA) -> MoviePlayed:
    return MoviePlayed(account_id=account_id, title_id="t" * 26, position_seconds=position)


def paused(position: float = 0.0, account_id: str = ADA) -> MoviePaused:
    return MoviePaused(account_id=account_id, title_id="t" * 26, position_seconds=position)


async def record(database: Database, clock: Clock, *messages: MoviePlayed | MoviePaused) -> None:
    """Record events, all with one cause."""
    async with database.write() as connection:
        for message in messages:
            await outbox.record(connection, message, clock)


async def waiting(database: Database) -> list[Event]:
    """What lies in the outbox."""
    async with database.read() as connection:
        return await outbox.oldest(connection, 10_000)


async def on_the_bus(bus: EventBus, count: int, *topics: str) -> list[Event]:
    """The first events on the bus, once there are so many."""
    found: list[Event] = []
    async with _following(bus, topics) as events:
        while len(found) < count:
            found.append(await anext(events))
    return found


@asynccontextmanager
async def _following(bus: EventBus, topics: Sequence[str]) -> AsyncIterator[AsyncIterator[Event]]:
    async with aclosing(cast("Any", bus.follow(topics, since=0.0))) as events:
        yield events


class Outage:
    """A bus that can be away."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self.away = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def publish(self, events: Sequence[Event]) -> None:
        if self.away:
            self.refused += 1
            raise Unavailable("the bus is away")
        await self._bus.publish(events)


def nobody(_: Event) -> bool:
    """Refuse none."""
    return False


class Particular:
    """A bus that refuses some events for good, and takes nothing of a closed topic."""

    def __init__(self, bus: EventBus, refuses: Callable[[Event], bool] = nobody, closed: str = "") -> None:
        self._bus = bus
        self._refuses = refuses
        self.closed = closed
        self.attempts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def publish(self, events: Sequence[Event]) -> None:
        self.attempts += 1
        refused = {event.event_id: "too large" for event in events if self._refuses(event)}
        taken = [event for event in events if event.event_id not in refused and event.topic != self.closed]
        await self._bus.publish(taken)
        if len(taken) < len(events):
            closed = {self.closed: "not allowed"} if self.closed else {}
            raise Undelivered("the bus refuses events", {event.event_id for event in taken}, refused, closed)
