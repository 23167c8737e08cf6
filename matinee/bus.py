"""The event bus, as those see it who put events onto it or take them off it.

At least once: whoever takes events off the bus may see one again, and tells them apart by their ids. Events of one
topic with one key keep their order.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a CloudEvent (CloudEvents 1.0), whose data is a message of ours as proto3 JSON.

    `time` is in Unix seconds. `reason` tells why the event lies on a dead-letter topic, and is empty elsewhere.
    """

    event_id: str
    topic: str
    key: str
    time: float
    data: bytes
    reason: str = ""


class Subscription(Protocol):
    """The share that one member of a consumer group has in its topics."""

    async def take(self, most: int) -> Sequence[Event]:
        """At least one event and at most so many, in order; waits for the first. Raises `Unavailable`."""
        ...

    async def commit(self) -> None:
        """Note that all events taken so far are done: the group does not see them again. Raises `Unavailable`."""
        ...


class EventBus(Protocol):
    """Topics, and the consumer groups that read them. Every method raises `Unavailable` when the bus is away."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Put events onto their topics; all of them are kept when this returns."""
        ...

    def subscribe(self, group: str, topics: Collection[str]) -> AbstractAsyncContextManager[Subscription]:
        """Join a consumer group for as long as the context lasts; a new group begins with the oldest event."""
        ...

    async def rewind(self, group: str, topics: Collection[str], since: float = 0.0) -> None:
        """Set a group back: it sees again what is kept from the time `since` (Unix seconds) on; 0: everything."""
        ...

    def follow(self, topics: Collection[str] = (), *, since: float | None = None) -> AsyncIterator[Event]:
        """Events of these topics, or of all, without a group: from now on, or from a time as `rewind` takes it."""
        ...

    async def check(self) -> None:
        """Look whether the bus is there. Raises `Unavailable` when it is not."""
        ...

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[str, int]:
        """How many events of each of these topics a group has not done yet."""
        ...
