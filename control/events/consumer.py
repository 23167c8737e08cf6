"""Consumers: who acts on events, as a consumer group of its own.

They act inside the transaction that notes the events as done. So an event takes effect once, however often the bus
hands it over. When they raise, the transaction is undone; an event that can never be handled goes to the dead-letter
topic.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from control.database import Connection

Handler = Callable[[Connection, Any], Awaitable[None]]
"""Acts on the message of one event."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer group, and what it does with each kind of message."""

    group: str
    handlers: Mapping[type[Message], Handler]
    after: Callable[[], None] | None = None
    """Called when a transaction with an effect has been committed, to wake whoever waits for it."""

    @property
    def kinds(self) -> Collection[type[Message]]:
        """The kinds of messages that it acts on."""
        return self.handlers.keys()

    async def act(self, connection: Connection, messages: Sequence[Message]) -> None:
        """Act on the messages of a transaction, one after the other."""
        for message in messages:
            await self.handlers[type(message)](connection, message)


@dataclass(frozen=True, slots=True)
class BatchConsumer:
    """A consumer group that acts on all messages of a transaction together, where that costs less than one by one."""

    group: str
    kinds: Collection[type[Message]]
    act: Callable[[Connection, Sequence[Any]], Awaitable[None]]
    after: Callable[[], None] | None = None
