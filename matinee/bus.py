"""The event bus, as those see it who put events onto it or take them off it.

At least once: whoever takes events off the bus may see one again, and tells them apart by their ids. Events of one
topic with one key keep their order.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from matinee.errors import Unavailable
from matinee.gaps import Gaps


class Event(NamedTuple):  # as many are made as come off the bus, and a dataclass takes three times as long
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


class Undelivered(Unavailable):
    """The bus has not taken all events.

    It has those of `kept`, and will never take those of `refused` (ids, and why); of `closed` topics it takes none
    until somebody has mended something (topics, and why). Any others may go later.
    """

    def __init__(
        self, sentence: str, kept: Collection[str], refused: Mapping[str, str], closed: Mapping[str, str]
    ) -> None:
        super().__init__(sentence)
        self.kept = kept
        self.refused = refused
        self.closed = closed


class EventBus(Protocol):
    """Topics, and the consumer groups that read them. Every method raises `Unavailable` when the bus is away."""

    @property
    def gaps(self) -> Gaps:
        """What retention removed before a group took it."""
        ...

    async def publish(self, events: Sequence[Event]) -> None:
        """Put events onto their topics; all of them are kept when this returns.

        Raises `Unavailable`, and where it can be told what became of each event `Undelivered`. No event is kept that
        comes after one of the same topic and key which is neither kept nor refused.
        """
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

    async def lag(self, groups: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, int]]:
        """How many events of each of its topics each of these groups has not done yet."""
        ...
